"""Resources: the model, the schema of an event and a state, by address, for clients that attach them to a talk."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from mcp_types import (
    ListResourcesResult,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    TextResourceContents,
)

from backstory.errors import InputError
from backstory.mcp.bounded import bounded, written
from backstory.mcp.tool import MOST, SECONDS, offset
from backstory.mcp.tools.reading import StateArguments, state
from backstory.model.document import document as model_document
from backstory.schema.json_schema import event_schema
from backstory.timelimit import OutOfTime, within

if TYPE_CHECKING:
    from backstory.mcp.served import Served
    from backstory.timelimit import TimeLimit

SCHEME = "backstory://"
JSON = "application/json"

TEMPLATES = [
    ResourceTemplate(
        name="schema",
        title="The JSON Schema of an event",
        uri_template=f"{SCHEME}schema/{{event}}",
        description="The data of an event of the application, by its stable name.",
        mime_type="application/schema+json",
    ),
    ResourceTemplate(
        name="state",
        title="A state as it is now",
        uri_template=f"{SCHEME}state/{{state}}/{{id}}",
        description=(
            "A state of the application, folded from its events. An identity of several fields has a part for each;"
            " each part is percent-encoded."
        ),
        mime_type=JSON,
    ),
]


PAGE = 50
"""Resources of one page of the list."""


def listed(served: Served, cursor: str | None) -> ListResourcesResult:
    """The model, and a schema for each event, a page at a time; nothing without an application."""
    entries = list(islice(offset(_each(served), cursor), PAGE + 1))
    more = entries[PAGE - 1].cursor if len(entries) > PAGE else None
    return ListResourcesResult(resources=[each.document for each in entries[:PAGE]], next_cursor=more)


def _each(served: Served) -> Iterator[Resource]:
    if served.known is None:
        return
    yield Resource(
        name="model",
        title="The event model",
        uri=f"{SCHEME}model",
        description="What the application can do, read from its code.",
        mime_type=JSON,
    )
    yield from (
        Resource(
            name=f"schema of {kind.name}",
            uri=f"{SCHEME}schema/{quote(kind.name, safe='')}",
            mime_type="application/schema+json",
        )
        for kind in served.known.events
    )


def read(served: Served, uri: str, limit: TimeLimit) -> ReadResourceResult:
    """The content of an address, as JSON of at most 20 kB. Raises `InputError`, and as the tools do."""
    with served.reading():
        try:
            with within(limit):
                found = bounded(_found(served, uri), 0, MOST)
        except OutOfTime:
            raise InputError(
                f"{uri[:200]!r} takes more than {SECONDS} s; the tool of that name may be given more, with max_seconds"
            ) from None
        mime = "application/schema+json" if uri.startswith(f"{SCHEME}schema/") else JSON
        return ReadResourceResult(
            contents=[TextResourceContents(uri=uri, mime_type=mime, text=written(found))]
        )


def _found(served: Served, uri: str) -> dict[str, Any]:
    parts = [unquote(part) for part in uri.removeprefix(SCHEME).split("/")]
    match parts if uri.startswith(SCHEME) else []:
        case ["model"]:
            return model_document(served.model())
        case ["schema", name]:
            return event_schema(served.application.event(name))
        case ["state", name, *id]:
            answer: dict[str, Any] = state(served, StateArguments(state=name, id=tuple(id)))
            return answer
    raise InputError(
        f"nothing is at {uri[:200]!r}; there are {SCHEME}model, {SCHEME}schema/EVENT and {SCHEME}state/STATE/ID"
    )
