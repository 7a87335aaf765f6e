"""The tool that gives the code of a slice: as text, written nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from backstory.documents import document
from backstory.mcp.tool import Arguments, Short, Tool
from backstory.scaffold import new_slice
from backstory.scaffold.slices import package_of

if TYPE_CHECKING:
    from backstory.mcp.served import Served

Names = tuple[Short, ...]


class SliceArguments(Arguments, kw_only=True):
    """The arguments of `scaffold_slice`."""

    name: Annotated[Short, Meta(min_length=1, description="The name of the slice: place-order.")]
    gives: Annotated[Short, Meta(description="The new event that its decision gives: OrderPlaced.")] = ""
    fields: Annotated[
        Names, Meta(description='Fields of that event, the identity first: ["order", "cents:int"].')
    ] = ()
    after: Annotated[Names, Meta(description="Refused before these events.")] = ()
    on: Annotated[Short, Meta(description="The event after which a reaction executes the command.")] = ""
    view: Annotated[
        Names, Meta(description="Instead: events that are there, for a slice that shows them.")
    ] = ()
    state: Annotated[Short, Meta(description="The name of the state of such a view.")] = ""


def scaffold_slice(served: Served, asked: SliceArguments) -> dict[str, Any]:
    """The files of a new slice as text."""
    app = served.application
    files = new_slice(
        app,
        asked.name,
        gives=asked.gives,
        fields=asked.fields,
        after=asked.after,
        on=asked.on,
        shows=asked.view,
        state=asked.state,
    )
    folder = package_of(app).replace(".", "/")
    parts = [{"path": f"{folder}/{path}", "text": text} for path, text in files.items()]
    return document("files", written=False, files=parts)


TOOLS = (
    Tool(
        "scaffold_slice",
        "Write the code of a new slice",
        """Give the files of a new slice of the application as text, with a specification that passes; put them where
`path` says, seen from the folder of the project. Nothing is written.

Examples: {"name": "place-order", "gives": "OrderPlaced", "fields": ["order", "cents:int"]};
{"name": "orders", "view": ["OrderPlaced", "OrderShipped"]}.""",
        SliceArguments,
        scaffold_slice,
    ),
)
