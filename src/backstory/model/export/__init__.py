"""Pictures and documents of a model: SVG, HTML, Mermaid, Markdown, AsyncAPI, JSON Schema."""
