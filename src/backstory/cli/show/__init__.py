"""How results look to people: lines, tables, colours, and where they go."""
