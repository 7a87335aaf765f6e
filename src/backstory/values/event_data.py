"""Events in the form that stores keep: a type, a version, tags, and JSON bytes that nobody re-encodes.

Also the counts of events by the command that gave them.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import msgspec

from backstory.errors import InvalidEvent, InvalidTag

VERSION_LIMIT = 2**63 - 1
"""The highest version of an event: the limit of a signed 64-bit column."""

RESERVED = "backstory."
"""Types of events and ids of commits that begin like this are Backstory's own."""

DEPTH = 500
"""How deeply stored JSON may be nested: half of Python's own limit, so that every reader has room to work in."""

NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
"""A NUL character in JSON, with the escaped backslashes before it: an escape, unless its backslash is escaped, too."""

NAME = re.compile(rb'\{"name":"([^"\\]*)"')
"""How a recorded command begins."""

_object = msgspec.json.Decoder(dict[str, Any])


class Shown(msgspec.Struct, frozen=True):
    """An object that shows itself with some values masked: in `repr`, in `str`, and to Rich."""

    def masks(self) -> dict[str, Any]:
        """The values that are shown in the place of its own, by field."""
        return {}

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        masks = self.masks()
        return [(name, masks.get(name, getattr(self, name))) for name in self.__struct_fields__]

    def __repr__(self) -> str:
        from backstory.told import cut
        from backstory.values.notebook import LINE

        shown = (f"{name}={cut(repr(value), LINE, counted=True)}" for name, value in self.__rich_repr__())
        return f"{type(self).__name__}({', '.join(shown)})"


class Decided(Shown, frozen=True):
    """A draft or a commit. Neither shows its secret, with which guesses at a masked part could be tested."""

    def masks(self) -> dict[str, Any]:
        """The command, its arguments masked, and the secret."""
        from backstory.values.masking import MASK, masked_command

        return {"command_json": masked_command(self.command_json), "secret": MASK}  # type: ignore[attr-defined]

    def _repr_html_(self) -> str:
        """For notebooks: a row for each part that it has, the command masked."""
        from backstory.values.masking import decided_html

        return decided_html(self)


class EventData(Shown, frozen=True, gc=False):
    """An event ready to be stored.

    `tags` are sorted and without duplicates, `data` is UTF-8 JSON text. Build one with `encoded` when the parts
    come from outside: it checks them.
    """

    type: str
    version: int
    tags: tuple[str, ...]
    data: bytes

    def masks(self) -> dict[str, Any]:
        """The data, masked by the class of this name, where one is known."""
        from backstory.values.masking import masked_data

        return {"data": masked_data(self)}


class RecordedEvent(Shown, frozen=True, gc=False):
    """An event that is in a log.

    `position` counts from 1 without gaps. `commit` is the position of its commit, which is that of the commit's last
    event: a reader that sees `position == commit` has the commit whole.
    """

    position: int
    commit: int
    type: str
    version: int
    tags: tuple[str, ...]
    data: bytes

    def masks(self) -> dict[str, Any]:
        """The data, masked by the class of this name, where one is known."""
        from backstory.values.masking import masked_data

        return {"data": masked_data(self)}


def check_tag(tag: str) -> str:
    """Return `tag`, or raise `InvalidTag`: a tag is `key:value`, both not empty, the key without a colon.

    Any Unicode text is fine, except characters that UTF-8 or SQLite text cannot hold: lone surrogates and NUL.
    """
    if not isinstance(tag, str):
        raise InvalidTag(f"a tag is text, not {type(tag).__name__}: {tag!r}")
    key, colon, value = tag.partition(":")
    if key and colon and not value:
        raise InvalidTag(
            f"the value of the tag {tag!r} is empty; an id or a name is needed, as in '{key}:a-7'"
        )
    if not (key and colon):
        raise InvalidTag(f"a tag is key:value, like 'account:a-7'; got {tag!r}")
    if not tag.isprintable() or key[0] in ',"':
        _check_unusual(tag, key)
    return tag


def _check_unusual(tag: str, key: str) -> None:
    if key[0] in ',"':
        raise InvalidTag(f"a tag's key cannot start with a comma or a quote: {tag!r}")
    check_text(tag, "tag", InvalidTag)


def check_text(text: str, what: str, error: type[InvalidEvent | InvalidTag] = InvalidEvent) -> str:
    """Return `text`, or raise `error` where it has NUL or a lone surrogate, which no store can keep."""
    if "\0" in text:
        raise error(f"{what} has a NUL character: {text!r}")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as wrong:
            raise error(f"{what} has a lone surrogate, which is not valid text: {text!r}") from wrong
    return text


def reserved(name: str, what: str) -> InvalidEvent:
    """The error for a name that only the library itself may give."""
    return InvalidEvent(
        f"{what} {name!r} begins with {RESERVED!r}, which is kept for Backstory itself; choose another"
    )


def check_object(json: bytes, what: str) -> bytes:
    """Return `json`, or raise `InvalidEvent` where it is not a JSON object, or is nested too deeply."""
    try:
        _object.decode(json)
    except RecursionError:
        pass  # which `check_depth` says in its own words
    except (msgspec.MsgspecError, UnicodeDecodeError) as wrong:
        why = "it has a number that is too large" if "out of range" in str(wrong) else wrong
        raise InvalidEvent(f"{what} is not a JSON object: {why}") from wrong
    return check_depth(json, what)


def check_depth(json: bytes, what: str, most: int = DEPTH) -> bytes:
    """Return `json`, or raise `InvalidEvent` where it is nested deeper than `most`."""
    if len(json) > 2 * most and json.count(b"[") + json.count(b"{") > most and _is_deep(json, most):
        raise InvalidEvent(f"{what} is nested deeper than {most}")
    return json


def _is_deep(json: bytes, most: int) -> bool:
    try:
        level: list[Any] = [msgspec.json.decode(json)]
    except RecursionError:
        return True
    for _ in range(most):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
    return bool(level)


def sorted_tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Tags as they are stored and hashed: each once, in the order of their code points."""
    return tags if len(tags) < 2 else tuple(sorted(set(tags)))


def encoded(type: str, data: bytes, tags: tuple[str, ...] = (), version: int = 1) -> EventData:
    """Check the parts of an event that does not come from an event class, and give it in stored form.

    Raises `InvalidEvent` or `InvalidTag` if a part is empty, too small, or not JSON.
    """
    if not type:
        raise InvalidEvent("an event needs a type")
    check_text(type, "event type")
    if not 1 <= version <= VERSION_LIMIT:
        raise InvalidEvent(f"{type}: a version counts from 1 and fits 64 bits, got {version}")
    check_object(data, f"{type}: the data")
    return EventData(type, version, sorted_tags(tuple(check_tag(tag) for tag in tags)), data)


class EventCount(msgspec.Struct, frozen=True):
    """How many events of a type and version a command gave; `time` is the log's time of the last one.

    The name of the command is empty for events that no command gave, or whose command is withheld.
    """

    command: str
    type: str
    version: int
    events: int
    first: int
    last: int
    time: datetime


class Named(msgspec.Struct):
    """A recorded command, but for its arguments."""

    name: str = ""


def command_name(recorded: bytes) -> str:
    """The name in a command as commits have it, in JSON; empty if there is none, or none to be read."""
    if not recorded:
        return ""
    found = NAME.match(recorded)
    if found is not None:
        return found[1].decode(errors="replace")
    try:
        return msgspec.json.decode(recorded, type=Named).name
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
