"""The one place that masks: a value that is marked as personal or secret is replaced wherever it is shown.

    masked(data, veil)        plain data, as of a JSON document, with "***" in the place of marked values
    masked_data(record)       the stored JSON of an event, by the marks of the class here that has its name
    masked_repr(value, veil)  an event, a state or an argument as `repr` writes it

Only output for people and for other programs is masked; a program holds the real values. Personal values are shown
inside of `personal_shown()`; secret values are never shown. Fields that a scope hides are `withheld`; see
`backstory.scope`.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import msgspec

from backstory.told import cut
from backstory.values import event as events
from backstory.values.event_data import EventData, RecordedEvent, Shown
from backstory.values.hidden import all_names, hidden_now
from backstory.values.notebook import LINE, ROWS, table
from backstory.values.privacy import Privacy
from backstory.values.veil import OPEN, Named, Veil, either, members, named, united, veil_of

MASK = "***"
"""The mask of a value that is not shown, for every type."""

WITHHELD = "withheld"
"""In the place of a value that the reader may not see."""

_shown: ContextVar[Privacy] = ContextVar("backstory.privacy", default=Privacy.SUBJECT)

_commands: dict[str, dict[str, Callable[[], Veil | None]]] = {}


@contextmanager
def personal_shown() -> Iterator[None]:
    """Show personal values in all output of this block of code; secret values stay masked."""
    token = _shown.set(Privacy.PERSONAL)
    try:
        yield
    finally:
        _shown.reset(token)


def is_hidden(veil: Veil | None) -> bool:
    """Whether a value is masked as a whole."""
    return veil is not None and veil.mark is not None and veil.mark > _shown.get()


def mask_of(veil: Veil) -> str:
    """The text in the place of a value that is masked as a whole."""
    return WITHHELD if veil.mark is Privacy.WITHHELD else MASK


def withholds(veil: Veil | None) -> bool:
    """Whether the reader may not see a value, or any part of it, by the scope given to them."""
    return veil is not None and Privacy.WITHHELD in veil.marks()


def hides(veil: Veil | None) -> bool:
    """Whether a value is masked, or any part of it."""
    return veil is not None and any(mark > _shown.get() for mark in veil.marks())


def masked(value: Any, veil: Veil | None) -> Any:
    """Plain data with everything masked that its veil marks."""
    if veil is None:
        return value
    if is_hidden(veil):
        return mask_of(veil)
    if isinstance(value, Mapping):
        return {name: masked(part, veil.at(name)) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(part, veil.at(index)) for index, part in enumerate(value)]
    return value


def event_veil(type: str) -> Veil | None:
    """The veil of an event's data, by the class here that has this name; None if nothing in them is marked.

    Without a class, fields are known by their names only.
    """
    cls = events.definitions.get(type)
    return named(type) if cls is None else veil_of(cls)


def masked_data(record: EventData | RecordedEvent) -> bytes:
    """The data of a stored event as JSON; the stored bytes if nothing is marked, `null` if they are withheld."""
    return masked_json(record.data, event_veil(record.type)) if record.data else b"null"


def know_command(name: str, module: str, veil: Callable[[], Veil | None]) -> None:
    """Note how the arguments of a command are masked, which is asked for when they are shown."""
    _commands.setdefault(name, {})[module] = veil


def masked_command(json: bytes) -> bytes:
    """A recorded command as JSON, its arguments masked; of two commands of one name, the marks of both count."""
    hidden = hidden_now()
    if not json or not (_commands or hidden):
        return json
    veil = either(*(veil() for veil in _commands.get(_name(json), {}).values()))
    if hidden:  # whichever class a field is of, its value may have been an argument
        veil = either(veil, Named(all_names(hidden)))
    parts = {"name": None, "states": None, "arguments": veil, "inputs": veil, "withheld": None}
    return masked_json(json, united(parts))


BRACKETS: Mapping[type[Any], tuple[str, str]] = {list: ("[", "]"), tuple: ("(", ")")}


def plainly(value: Any) -> str:
    """A value as a person writes it: `2026-11-03`, `9.99`, the value of an enum's member; others as `repr` does."""
    import uuid

    if isinstance(value, enum.Enum):
        return plainly(value.value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (decimal.Decimal, uuid.UUID, datetime.timedelta)):
        return str(value)
    if isinstance(value, dict):
        return f"{{{', '.join(f'{plainly(key)}: {plainly(part)}' for key, part in value.items())}}}"
    if type(value) in (list, tuple, set, frozenset):
        return f"[{', '.join(map(plainly, value))}]"
    return repr(value)


def masked_repr(value: Any, veil: Veil | None, leaf: Callable[[Any], str] = repr) -> str:
    """A value as `repr` writes it, or `leaf`, with everything masked that its veil marks."""
    if veil is None or veil is OPEN:
        return leaf(value)
    if is_hidden(veil):
        return mask_of(veil)
    if isinstance(value, Shown):
        return leaf(value)  # it masks itself
    if isinstance(value, dict):
        inside = (f"{key!r}: {masked_repr(part, veil.at(key), leaf)}" for key, part in value.items())
        return f"{{{', '.join(inside)}}}"
    if (named := members(value)) is not None:
        parts = (f"{name}={masked_repr(part, veil.at(step), leaf)}" for name, step, part in named)
        return f"{type(value).__name__}({', '.join(parts)})"
    if isinstance(value, (list, tuple, set, frozenset)):
        items = ", ".join(masked_repr(part, veil.at(index), leaf) for index, part in enumerate(value))
        opening, closing = BRACKETS.get(type(value), ("{", "}"))
        closing = ",)" if closing == ")" and len(value) == 1 else closing
        return f"{opening}{items}{closing}"
    return leaf(value)


def own_repr(value: Any, otherwise: Callable[[], str]) -> str:
    """The `repr` of an event or a state; if nothing in it is marked, the one that its class would have anyway."""
    veil = veil_of(type(value))
    shown = otherwise() if veil is None else masked_repr(value, veil)
    return cut(shown, LINE, counted=True)


def shown_fields(value: Any) -> dict[str, str]:
    """The fields of an event, a state or a row as texts for people, masked; of any other value, the value alone."""
    if (parts := members(value)) is not None:
        veil = veil_of(type(value)) or OPEN
        return {name: masked_repr(part, veil.at(step), plainly) for name, step, part in parts}
    if isinstance(value, dict):
        key = getattr(value, "key", None)  # of a row of a table
        return ({} if key is None else {"key": plainly(key)}) | {
            str(name): plainly(part) for name, part in masked(value, named()).items()
        }
    return {"": plainly(value)}


def own_html(value: Any, name: str = "") -> str:
    """An event or a state for a notebook: a row for each field, masked."""
    return table((name or type(value).__name__, ""), shown_fields(value).items())


def decided_html(decided: Any) -> str:
    """A commit, or a draft, for a notebook: a row for each part that it has, the command masked."""
    said = {
        "hash": getattr(decided, "hash", b"").hex(),
        "id": decided.id,
        "author": decided.author,
        "authored": getattr(decided, "authored", decided.time).isoformat(),
        "in the log since": decided.time.isoformat() if hasattr(decided, "authored") else "",
        "message": decided.message,
        "command": masked_command(decided.command_json).decode(),
        "metadata": "" if decided.metadata_json == b"{}" else decided.metadata_json.decode(),
        "events": str(getattr(decided, "size", 0) or len(decided.events)),
    }
    place = f"#{decided.position}" if hasattr(decided, "position") else ""
    return table((type(decided).__name__, place), ((name, text) for name, text in said.items() if text))


def html_of_all(values: Sequence[Any]) -> str:
    """Events, states or rows for a notebook: a column for each field that one of the first of them has."""
    shown = [shown_fields(value) for value in values[: ROWS + 1]]
    names = list(dict.fromkeys(name for each in shown for name in each))
    return table(names, ([each.get(name, "") for name in names] for each in shown))


def rich_repr(value: Any) -> list[tuple[str, Any]]:
    """The fields of an event or a state for Rich, masked."""
    veil = veil_of(type(value)) or OPEN
    fields = ((name, part, veil.at(step)) for name, step, part in members(value) or ())
    return [
        (name, part if inner is OPEN else Masked(masked_repr(part, inner))) for name, part, inner in fields
    ]


class Masked(str):
    """Text that stands for a value that is masked, or has masked parts: it has no quotes of its own."""

    __slots__ = ()
    __repr__ = str.__str__


FITTING = ("Expected", "Object missing required field")
"""The beginning of messages of msgspec that name only types and fields."""


def masked_words(wrong: Exception, veil: Veil | None) -> str:
    """The words of an error about a value; if it is marked, only the place: the words may hold the value."""
    words = str(wrong)
    if veil is None or (isinstance(wrong, msgspec.MsgspecError) and words.startswith(FITTING)):
        return words
    place = re.search(r" - at `[^`]*`$", words)
    return (
        f"{type(wrong).__name__}, told without its words, as the class has marks{place[0] if place else ''}"
    )


def masked_json(json: bytes, veil: Veil | None) -> bytes:
    """JSON text with all values masked that its veil marks; other text stays as it was written."""
    if veil is None or veil is OPEN:
        return json
    if is_hidden(veil):
        return _encode(mask_of(veil))
    if json.lstrip()[:1] == b"{":
        return _encode({name: _masked_part(part, veil.at(name)) for name, part in _fields(json).items()})
    if json.lstrip()[:1] == b"[":
        return _encode([_masked_part(part, veil.at(index)) for index, part in enumerate(_items(json))])
    return json


def _masked_part(part: msgspec.Raw, veil: Veil) -> msgspec.Raw:
    return msgspec.Raw(masked_json(bytes(part), veil))


def _name(recorded: bytes) -> str:
    try:
        return _named(recorded).name
    except msgspec.MsgspecError:
        return ""


class _Named(msgspec.Struct):
    name: str


_encode = msgspec.json.Encoder().encode
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_named = msgspec.json.Decoder(_Named).decode
