"""The tools, each a few lines: its arguments, one function of the library, and the document that `--json` gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.mcp.tools import application, asking, reading, scaffold, trying, writing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backstory.mcp.served import Served
    from backstory.mcp.tool import Tool


def of(served: Served) -> Sequence[Tool]:
    """The tools of a server; one that appends only if the server knows under which name."""
    appending = writing.TOOLS if served.writes_as else ()
    return [*application.TOOLS, *reading.TOOLS, *asking.TOOLS, *trying.TOOLS, *scaffold.TOOLS, *appending]
