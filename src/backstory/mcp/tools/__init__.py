"""The tools, each a few lines: its arguments, one function of the library, and the document that `--json` gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.mcp.tools import application, reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backstory.mcp.served import Served
    from backstory.mcp.tool import Tool


def of(served: Served) -> Sequence[Tool]:  # noqa: ARG001
    """The tools of a server."""
    return [*application.TOOLS, *reading.TOOLS]
