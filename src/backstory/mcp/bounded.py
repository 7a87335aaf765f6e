"""Answers are bounded: a page of a list, long texts and lists cut, and each part that was left out is named."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from backstory.documents import document
from backstory.mcp.tool import Answer, Listed

RESERVED = 1_500
"""Bytes for all that stands around the document: the words of the text form, and the protocol's own."""

NOTES = 10
"""Parts that were left out and are named one by one."""

STEPS = ((2_000, 100), (500, 40), (200, 15), (80, 6), (40, 3), (20, 1))
"""How long texts, and lists, may be: each step is tried, until the whole fits."""

DEEPEST = 40
"""Values that lie deeper are left out where anything is."""

Plain = dict[str, Any]


def plain(found: dict[str, Any]) -> Plain:
    """A document as plain data: what is in it as stored JSON is read."""
    made: Plain = msgspec.json.decode(msgspec.json.encode(found))
    return made


def written(value: Any) -> str:
    """JSON in one line, in which every character can be seen: others are escaped."""
    text = msgspec.json.encode(value).decode()
    return text if text.isprintable() else "".join(map(_visible, text))


def cost(value: Any, enough: int) -> int:
    """Bytes of a value in an answer, which has it twice, as data and inside of a text; or a number above `enough`."""
    size = len(msgspec.json.encode(value))
    if 2 * size > enough:
        return 2 * size
    return size + len(json.dumps(written(value), ensure_ascii=False).encode())


def bounded(answer: Answer, limit: int, most: int) -> Plain:
    """The document of an answer, in which `left_out` says what is missing, if anything is."""
    room = most - RESERVED
    if isinstance(answer, Listed):
        return _page(answer, limit, room)
    found = plain(answer)
    if cost(found, room) <= room:
        return found
    notes = found.pop("left_out", [])
    made = _cut_to(found, room - RESERVED)
    made["left_out"] = [*notes, *made["left_out"]]
    return made


def _page(answer: Listed, limit: int, room: int) -> Plain:
    """As many entries as fit."""
    rest = plain(document(answer.kind, **answer.fields))
    if cost(rest, room // 2) > room // 2:
        rest = _cut_to(rest, room // 2)
    notes: list[str] = [*rest.pop("left_out", ()), *answer.notes]
    used = cost({**rest, answer.name: [], "cursor": None, "left_out": notes}, room)
    shown: list[Plain] = []
    cursor, is_cut = None, False
    for entry in answer.entries:
        if len(shown) == limit:
            is_cut = True
            break
        made = plain(entry.document)
        size = cost(made, room) + 4
        if used + size > room - RESERVED:
            if shown:
                is_cut = True
                break
            made = _cut_to(made, room - RESERVED - used)
            notes += made.pop("left_out", ())
            size = cost(made, room) + 4
        used += size
        shown.append(made)
        cursor = entry.cursor
    if not is_cut:
        cursor = answer.more()
    if cursor is not None:
        over = "" if is_cut else "; the time was over: with a higher max_seconds more is looked at"
        notes.append(f"more {answer.name}: ask the same again with this cursor{over}")
    found = {**rest, answer.name: shown, "cursor": cursor}
    return {**found, "left_out": notes} if notes else found


def _cut_to(found: Plain, room: int) -> Plain:
    """A document whose long texts and lists are cut, so that it fits."""
    for length, entries in STEPS:
        notes: list[str] = []
        made: Plain = _cut(found, length, entries, "", notes, 0)
        made["left_out"] = _few(notes)
        if cost(made, room) <= room:
            return made
    return {"left_out": [f"{len(msgspec.json.encode(found)):,} bytes: ask for more with max_bytes"]}


def _few(notes: list[str]) -> list[str]:
    more = len(notes) - NOTES
    return notes if more <= 0 else [*notes[:NOTES], f"and {more:,} more parts"]


def _cut(value: Any, length: int, entries: int, path: str, notes: list[str], depth: int) -> Any:
    if isinstance(value, str):
        if len(value) <= length:
            return value
        notes.append(f"{path or '/'}: {len(value) - length:,} characters")
        return f"{value[:length]}…"
    if not isinstance(value, (dict, list)) or not value:
        return value
    if depth == DEEPEST:
        notes.append(f"{path}: all that lies deeper")
        return "…"
    if isinstance(value, list):
        if len(value) > entries:
            notes.append(f"{path or '/'}: {len(value) - entries:,} of {len(value):,} entries")
        return [
            _cut(each, length, entries, _below(path, number), notes, depth + 1)
            for number, each in enumerate(value[:entries])
        ]
    most = max(entries * 2, 30) if depth else len(value)
    if len(value) > most:
        notes.append(f"{path or '/'}: {len(value) - most:,} of {len(value):,} fields")
    made: dict[str, Any] = {}
    for name, each in list(value.items())[:most]:
        shown = name
        if len(name) > length:
            shown = f"{name[:length]}…"
            notes.append(f"{_below(path, shown)}: {len(name) - length:,} characters of the name")
        made[shown] = _cut(each, length, entries, _below(path, shown), notes, depth + 1)
    return made


def _below(path: str, step: object) -> str:
    return f"{path}/{str(step)[:60]}"[:300]


def _visible(char: str) -> str:
    """A character of JSON text as it stands there, or its escape."""
    return char if char.isprintable() else json.dumps(char)[1:-1]
