"""The model as a document of `--json`, and the JSON Schema of that document."""

from __future__ import annotations

from inspect import cleandoc
from typing import Any

import msgspec

from backstory.documents import SCHEMA
from backstory.documents import document as whole
from backstory.model.elements import FORMAT, Model

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def document(model: Model) -> dict[str, Any]:
    """The whole document."""
    return whole("model", **msgspec.to_builtins(model))


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the document, as `docs/model.schema.json` has it."""
    schema = msgspec.json.schema(Model)
    definitions = schema["$defs"]
    for definition in definitions.values():
        definition["description"] = cleandoc(definition["description"])  # as Python 3.13 keeps it
    model = definitions.pop("Model")
    fields = {"schema": {"const": SCHEMA}, "kind": {"const": "model"}, **model["properties"]}
    fields["format"] = {"const": FORMAT}
    return {
        "$schema": DIALECT,
        "title": "The event model of an application, as `backstory model --json` prints it",
        "description": model["description"],
        "type": "object",
        "properties": fields,
        "required": ["schema", "kind", "format", *model["required"]],
        "$defs": definitions,
    }
