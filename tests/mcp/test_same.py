"""A tool gives the document of its verb: the same words to a person's program and to an assistant."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from backstory.cli import main
from tests.mcp.conftest import Connected, Office

pytestmark = pytest.mark.anyio

SAME: list[tuple[str, str, dict[str, Any]]] = [
    ("log", "log", {}),
    ("log --tag ticket:t-2", "log", {"tags": ["ticket:t-2"]}),
    ("show #2", "show", {"revision": "#2"}),
    ("state Ticket t-1", "state", {"state": "Ticket", "id": "t-1"}),
    ("state ticket:t-1", "state", {"state": "ticket:t-1"}),
    ("diff main~1 HEAD Ticket t-1", "diff", {"a": "main~1", "state": "Ticket", "id": "t-1"}),
    ("diff #1 HEAD", "diff", {"a": "#1"}),
    ("blame Ticket t-1", "blame", {"state": "Ticket", "id": "t-1"}),
    ("bisect Ticket t-1 --where is_valid", "bisect", {"state": "Ticket", "id": "t-1", "where": "is_valid"}),
    ("why Ticket t-1 cents", "why", {"state": "Ticket", "id": "t-1", "field": "cents"}),
    ("find Ticket --sort cents", "find", {"state": "Ticket", "sort": ["cents"]}),
    ("what-if void t-2 --author me", "what_if", {"command": "void", "arguments": {"ticket": "t-2"}}),
    ("backtest", "backtest", {}),
    ("spec Ticket t-1", "write_spec", {"state": "Ticket", "id": "t-1"}),
    ("check", "check", {}),
    ("guide decide", "guide", {"topic": "decide"}),
    (
        "new slice refund --gives Refunded ticket --dry-run",
        "scaffold_slice",
        {"name": "refund", "gives": "Refunded", "fields": ["ticket"]},
    ),
]


@pytest.mark.parametrize(("line", "tool", "given"), SAME)
async def test_a_tool_gives_the_document_of_its_verb(
    line: str,
    tool: str,
    given: dict[str, Any],
    connected: Connected,
    office: Office,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if tool == "scaffold_slice":
        (office.folder / "office").mkdir()
    main([*line.split(), "--json"])
    printed = msgspec.json.decode(capsys.readouterr().out)
    async with connected() as asked:
        found = await asked.ask(tool, **given, max_bytes=200_000)
    found.pop("cursor", None)
    printed.pop("cursor", None)
    assert found == printed
