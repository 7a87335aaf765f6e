"""The events as other programs read them: a JSON Schema of each, and all of them as AsyncAPI 3.

AsyncAPI says what an application sends and receives: it sends each event that its code gives, and receives each that an
automation takes. The channel is the type of the event.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from backstory.application import Application
from backstory.model.elements import Event, Id, Model
from backstory.rows.kinds import row_event
from backstory.schema.json_schema import Schema, event_schema, event_tags
from backstory.values.event_types import EventType

DIALECT = "https://json-schema.org/draft/2020-12/schema"
KEY = re.compile(r"[^\w.\-]", re.ASCII)
"""Characters that a key of AsyncAPI, and the name of a file, may not have."""


def json_schemas(model: Model, app: Application) -> dict[str, Schema]:
    """The JSON Schema of the data of each event, by the name of its file."""
    keys = _keys(model)
    return {f"{keys[event.id]}.json": _schema(event, app) for event in model.events}


def asyncapi(model: Model, app: Application) -> dict[str, Any]:
    """The AsyncAPI document."""
    keys = _keys(model)
    messages = {keys[event.id]: _message(event, app) for event in model.events}
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


def _message(event: Event, app: Application) -> dict[str, Any]:
    kind = _kind(event, app)
    return {
        "name": event.name,
        "title": event.class_name,
        **({"summary": event.doc} if event.doc else {}),
        "contentType": "application/json",
        "payload": {"schemaFormat": "application/schema+json;version=draft-07", "schema": event_schema(kind)},
        "x-version": event.version,
        "x-tags": event_tags(kind),
    }


def _schema(event: Event, app: Application) -> Schema:
    described = {"description": event.doc} if event.doc else {}
    return {"$schema": DIALECT, "title": event.name, **described, **event_schema(_kind(event, app))}


def _kind(event: Event, app: Application) -> EventType:
    """The compiled class of an event; those of rows belong to no application."""
    return row_event(event.name) or app.event(event.name)


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
