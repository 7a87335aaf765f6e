"""The events as other programs read them: a JSON Schema of each, and all of them as AsyncAPI 3.

AsyncAPI says what an application sends and receives: it sends each event that its code gives, and receives each that an
automation takes. The channel is the type of the event.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any

from backstory.application import Application
from backstory.model.elements import Event, Id, Model, RowTable
from backstory.rows.kinds import row_event
from backstory.schema.json_schema import Schema, class_schema, event_schema, event_tags
from backstory.values.event_types import EventType

DIALECT = "https://json-schema.org/draft/2020-12/schema"
KEY = re.compile(r"[^\w.\-]", re.ASCII)
"""Characters that a key of AsyncAPI, and the name of a file, may not have."""


def json_schemas(model: Model, app: Application) -> dict[str, Schema]:
    """The JSON Schema of the data of each event, by the name of its file."""
    keys = _keys(model)
    return {f"{keys[event.id]}.json": _schema(event, app, model) for event in model.events}


def asyncapi(model: Model, app: Application) -> dict[str, Any]:
    """The AsyncAPI document."""
    keys = _keys(model)
    messages = {keys[event.id]: _message(event, app, model, keys) for event in model.events}
    channels = {
        key: {"address": event.name, "messages": {key: {"$ref": f"#/components/messages/{key}"}}}
        for event, key in ((event, keys[event.id]) for event in model.events)
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": model.app,
            "version": "1",
            "description": "The events of the application, from its code.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": _operations(model, keys),
        "components": {"messages": messages},
    }


def _operations(model: Model, keys: Mapping[Id, str]) -> dict[str, Any]:
    found = {}
    for event in model.events:
        key = keys[event.id]
        channel = {
            "channel": {"$ref": f"#/channels/{key}"},
            "messages": [{"$ref": f"#/channels/{key}/messages/{key}"}],
        }
        if event.given_by:
            by = ", ".join(id.partition(":")[2] for id in event.given_by)
            found[f"send.{key}"] = {"action": "send", **channel, "summary": f"Given by {by}"}
        takers = [id.partition(":")[2] for id in event.read_by if id.startswith("reaction:")]
        if takers:
            found[f"receive.{key}"] = {
                "action": "receive",
                **channel,
                "summary": f"Taken by {', '.join(takers)}",
            }
    return found


def _message(event: Event, app: Application, model: Model, keys: Mapping[Id, str]) -> dict[str, Any]:
    kind, schema = _described(event, app, model)
    schema = _within(schema, f"#/components/messages/{keys[event.id]}/payload/schema")
    return {
        "name": event.name,
        "title": event.class_name,
        **({"summary": event.doc} if event.doc else {}),
        "contentType": "application/json",
        "payload": {"schemaFormat": "application/schema+json;version=draft-07", "schema": schema},
        "x-version": event.version,
        "x-tags": event_tags(kind),
    }


def _within(schema: Any, place: str) -> Any:
    """A schema at a place of another document, to which its references lead, in the words of draft 7."""
    if isinstance(schema, list):
        return [_within(each, place) for each in schema]
    if not isinstance(schema, dict):
        return schema
    ref = schema.get("$ref")
    if isinstance(ref, str) and ref.startswith("#"):
        return {**schema, "$ref": f"{place}{ref.removeprefix('#')}"}
    found = {name: _within(each, place) for name, each in schema.items()}
    if isinstance(found.get("prefixItems"), list):
        found["additionalItems"] = found.pop("items", True)
        found["items"] = found.pop("prefixItems")
    return found


def _schema(event: Event, app: Application, model: Model) -> Schema:
    described = {"description": event.doc} if event.doc else {}
    return {"$schema": DIALECT, "title": event.name, **described, **_described(event, app, model)[1]}


def _described(event: Event, app: Application, model: Model) -> tuple[EventType, Schema]:
    """The compiled class of an event, and its schema. Those of rows belong to no application."""
    kind = row_event(event.name)
    if kind is None:
        kind = app.event(event.name)
        return kind, event_schema(kind)
    table = next((one for one in model.tables if event.id in one.events), None)
    return kind, _with_columns(event_schema(kind), table)


def _with_columns(schema: Schema, table: RowTable | None) -> Schema:
    """The schema of an event of rows with the columns of their class. None is required: columns come and go."""
    module = None if table is None else sys.modules.get(table.module)
    cls = None if table is None else getattr(module, table.class_name, None)
    if table is None or cls is None:
        return schema
    try:
        columns = class_schema(cls)
    except TypeError:
        return schema
    row = {
        "type": "object",
        "properties": {name: each for name, each in columns["properties"].items() if name != table.key},
    }
    properties = {
        name: row if name in ("row", "set") else each for name, each in schema["properties"].items()
    }
    definitions = {"$defs": columns["$defs"]} if "$defs" in columns else {}
    return {**schema, "properties": properties, **definitions}


def _keys(model: Model) -> dict[Id, str]:
    """The key of each event: its name, with `_` for what a key may not have, and a number if two are alike."""
    found: dict[Id, str] = {}
    for event in model.events:
        base = key = KEY.sub("_", event.name).strip(".") or "_"
        number = 1
        while key.lower() in {other.lower() for other in found.values()}:
            number += 1
            key = f"{base}-{number}"
        found[event.id] = key
    return found
