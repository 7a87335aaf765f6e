"""Tables for notebooks: every cell is escaped, because values come from anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """An HTML table of texts."""
    body = "".join(_row("td", row) for row in rows)
    return f"<table><thead>{_row('th', head)}</thead><tbody>{body}</tbody></table>"


def _row(cell: str, parts: Sequence[object]) -> str:
    from html import escape

    return f"<tr>{''.join(f'<{cell}>{escape(str(part))}</{cell}>' for part in parts)}</tr>"
