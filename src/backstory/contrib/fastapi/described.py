"""What OpenAPI tells of an endpoint: parameters, body and answers, from the types of a command or a state."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from starlette.responses import JSONResponse, Response

from backstory.contrib.http.answering import AFTER, PLACE
from backstory.contrib.http.naming import Named, identity_of
from backstory.contrib.http.problems import MEDIA_TYPE
from backstory.decide.parameters import Shape
from backstory.model.code import Code
from backstory.model.sources import Sources

if TYPE_CHECKING:
    from backstory.decide.commands import CommandType
    from backstory.decide.state import State

WORD = re.compile(r"{(\w+)(?::\w+)?}")

PROBLEM: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "kind": {"type": "string"},
        "code": {"type": "string", "description": "Of a refusal."},
        "details": {
            "type": "object",
            "description": "Of a refusal: the values that it gives with its reason.",
        },
    },
    "required": ["type", "title", "status", "detail", "kind"],
}

DONE: dict[str, Any] = {
    "type": "object",
    "title": "Done",
    "properties": {
        "commit": {"type": "string", "description": "The id of the commit."},
        "place": {"type": "string", "examples": ["12-0f3a9c1b"], "description": "Where the commit is."},
    },
    "required": ["commit", "place"],
}


_sources = Sources(Path())
"""The files of commands, each parsed once."""


class EventStream(Response):
    """Tells OpenAPI of server-sent events."""

    media_type = "text/event-stream"


class Told(NamedTuple):
    """The additions to an operation, its answers by their status, and the kind of the usual one."""

    operation: dict[str, Any]
    responses: dict[int | str, dict[str, Any]]
    kind: type[Response] = JSONResponse


def words(path: str) -> tuple[str, ...]:
    """The names in the path of a route."""
    return tuple(WORD.findall(path))


def command(kind: CommandType[...], named: Named, status: int, refusals: Mapping[str, int]) -> Told:
    """The operation of an endpoint that executes a command."""
    operation: dict[str, Any] = {
        "parameters": [
            *_in_path(named.types),
            _header(
                "Idempotency-Key", "A request with the same key is done once; the first answer comes again."
            ),
            *(
                [
                    _header(
                        "If-Match", "The ETag of what was read: it is done only if nothing has changed since."
                    )
                ]
                if named.states
                else []
            ),
        ]
    }
    schema = _body(kind, named.names)
    if schema["properties"]:
        operation["requestBody"] = {
            "required": bool(schema["required"]),
            "content": {"application/json": {"schema": schema}},
        }
    responses: dict[int | str, dict[str, Any]] = {
        status: {
            "description": "It is done.",
            "content": {"application/json": {"schema": DONE}},
            "headers": {PLACE: {"schema": {"type": "string"}, "description": "The place of the commit."}},
        },
        422: _problem("The arguments do not fit, or the Idempotency-Key is that of another request."),
    }
    if named.states:
        responses[412] = _problem("What was read has changed since.")
    found: dict[int, list[str]] = {409: []}
    for code, reason in sorted(refused(kind).items()):
        found.setdefault(refusals.get(code, 409), []).append(f"`{code}`: {reason}" if reason else f"`{code}`")
    for each, lines in found.items():
        before = [responses[each]["description"]] if each in responses else []
        responses[each] = _problem("  \n".join([*before, *lines]) or "Others were quicker, again and again.")
    return Told(operation, responses)


def state(cls: type[State], names: Iterable[str]) -> Told:
    """The operation of an endpoint that shows a state."""
    parameters = [
        *_identity(cls, names),
        _query(
            "at", "As it was: a position, a place, a time such as 2026-11-03T10:00:00Z, or another revision."
        ),
        _header("If-None-Match", "An ETag: the answer is 304 if nothing has changed since."),
    ]
    etag = {
        "ETag": {"schema": {"type": "string"}, "description": "The place of the last event that it has read."}
    }
    [schema] = schemas([cls])
    return Told(
        {"parameters": parameters},
        {
            200: {"content": {"application/json": {"schema": schema}}, "headers": etag},
            304: {"description": "Nothing has changed."},
            404: _problem("Nothing is known of it, or at names no point of the history."),
            422: _problem("A parameter is not what it is to be."),
        },
    )


def found(cls: type[State], most: int) -> Told:
    """The operation of an endpoint that finds states."""
    [schema] = schemas([cls])
    page = {
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": schema},
            "cursor": {
                "anyOf": [{"type": "string"}, {"type": "null"}],
                "description": "Leads to the next ones.",
            },
            "total": {"type": "integer"},
        },
        "required": ["items", "cursor"],
    }
    parameters = [
        _query("where", "A condition, such as `number > 3 and 'a' in name`."),
        _query("order", "Fields to sort by, with commas between them; with - before one: descending."),
        _query("limit", "How many.", {"type": "integer", "minimum": 1, "maximum": most}),
        _query("cursor", "That of the page before."),
        _query("total", "`about`: count them, too.", {"const": "about"}),
        _query("after", "The place of a commit that is to be seen; also as a header, " + AFTER + "."),
    ]
    return Told(
        {"parameters": parameters},
        {
            200: {"content": {"application/json": {"schema": page}}},
            422: _problem("A parameter is not what it is to be."),
            503: _problem("The table has not seen the commit yet."),
        },
    )


def changes(cls: type[State], names: Iterable[str]) -> Told:
    """The operation of an endpoint that sends a state after each change."""
    parameters = [*_identity(cls, names), _header("Last-Event-ID", "The id of the last event that was seen.")]
    words = "Events whose `data` is the state as JSON, and whose `id` is its place."
    return Told(
        {"parameters": parameters},
        {
            200: {"description": words, "content": {"text/event-stream": {"schema": {"type": "string"}}}},
            404: _problem("Nothing is known of it."),
            503: _problem("Too many clients follow."),
        },
        EventStream,
    )


def refused(kind: CommandType[...]) -> dict[str, str]:
    """The codes of the refusals that a command leads to, each with its reason, as far as its code says them.

    Functions that it calls are followed through the application's own package.
    """
    code = Code(_sources, frozenset({kind.__module__.partition(".")[0]}))
    code.follow(kind, {})
    found = {}
    for name, node, _ in code.refusals():
        if "{}" in name:
            continue
        first = node.args[0] if isinstance(node, ast.Call) and node.args else None
        reason = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""
        found[name] = "" if reason == name else reason
    return found


def _body(kind: CommandType[...], given: Iterable[str]) -> dict[str, Any]:
    """The schema of the arguments that the body gives."""
    names = [
        name for name in kind.signature.parameters if name not in {*given, *kind.dependents, *kind.inputs}
    ]
    names = [name for name in names if name in kind.states or name in kind.plain]
    types = [kind.plain[name] for name in names if name in kind.plain]
    plain = dict(zip((name for name in names if name in kind.plain), schemas(types), strict=True))
    properties, required = {}, []
    for name in names:
        default = kind.signature.parameters[name].default
        schema = plain[name] if name in plain else _reference(kind, name)
        if default is inspect.Parameter.empty:
            required.append(name)
        elif name in plain:
            with suppress(TypeError):
                schema = {**schema, "default": msgspec.to_builtins(default)}
        properties[name] = schema
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _reference(kind: CommandType[...], name: str) -> dict[str, Any]:
    """The schema of a state that is named in the body, by its identity."""
    parameter = kind.states[name]
    identity = identity_of(parameter.cls)
    fields = dict(zip(identity, schemas(identity.values()), strict=True))
    one: dict[str, Any] = {"type": "object", "properties": fields, "required": list(fields)}
    if len(fields) == 1:
        [one] = fields.values()
    one = {**one, "description": f"Which {parameter.cls.__name__}."}
    if parameter.shape is Shape.MANY:
        return {"type": "array", "items": one}
    return {"anyOf": [one, {"type": "null"}]} if parameter.shape is Shape.OPTIONAL else one


def schemas(types: Iterable[Any]) -> list[dict[str, Any]]:
    """The JSON schemas of types, each in one piece: a type that holds itself is shown once, and then as anything."""
    found: list[dict[str, Any]] = []
    for kind in types:
        try:
            [schema], parts = msgspec.json.schema_components([kind], ref_template="{name}")
        except TypeError:
            found.append({})
            continue
        found.append(_whole(schema, parts, ()))
    return found


def _whole(schema: Any, parts: Mapping[str, Any], inside: tuple[str, ...]) -> Any:
    if isinstance(schema, list):
        return [_whole(each, parts, inside) for each in schema]
    if not isinstance(schema, dict):
        return schema
    name = schema.get("$ref")
    if isinstance(name, str) and name in parts:
        return {} if name in inside else _whole(parts[name], parts, (*inside, name))
    return {key: _whole(value, parts, inside) for key, value in schema.items()}


def _in_path(types: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": schema}
        for name, schema in zip(types, schemas(types.values()), strict=True)
    ]


def _identity(cls: type[State], names: Iterable[str]) -> list[dict[str, Any]]:
    types = identity_of(cls)
    return _in_path({name: types.get(name, str) for name in names})


def _query(name: str, words: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "name": name, "in": "query", "required": False, "schema": schema or {"type": "string"}, "description": words,
    }  # fmt: skip


def _header(name: str, words: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "schema": {"type": "string"},
        "description": words,
    }


def _problem(words: str) -> dict[str, Any]:
    return {"description": words, "content": {MEDIA_TYPE: {"schema": PROBLEM}}}
