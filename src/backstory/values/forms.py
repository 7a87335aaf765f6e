"""The JSON of a class, compiled: a written value comes back equal, and gives the same bytes in every process.

    Form(Deposited).encode(Deposited("a-7", 5), "Deposited")  ->  b'{"account":"a-7","cents":5}'

Written JSON is read and written once more before it may be kept. The value that comes back must equal the original and
give the same bytes again, for classes of every library; else the error names the field. This check costs 0.1 us.
"""

from __future__ import annotations

import decimal
import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from backstory.errors import InvalidEvent
from backstory.values.event_data import check_depth, check_object
from backstory.values.fields import holds_sets
from backstory.values.parts import parts
from backstory.values.sets import settled

if TYPE_CHECKING:
    from backstory.values.veil import Veil

Difference: TypeAlias = tuple[str, Any, Any]
"""The way to a part, its value, and the value that would come back."""

UNWRITABLE = (TypeError, ValueError, ArithmeticError, RecursionError, msgspec.MsgspecError)
"""Errors that JSON encoders and decoders raise."""

FLAT = frozenset((str, int, float, bool, type(None)))

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Form:
    """How instances of a class become JSON, and JSON an instance."""

    def __init__(self, cls: type[Any], veil: Veil | None = None) -> None:
        """`veil` has the marks of the class: no error shows marked values."""
        from backstory.values.naive import check_of

        self._veil = veil
        self._naive = check_of(cls)
        self._pydantic = hasattr(cls, "model_validate_json")
        if self._pydantic:
            self.dump: Callable[[Any], bytes] = lambda value: settled(value, value.model_dump_json().encode())
            self.load: Callable[[bytes], Any] = cls.model_validate_json
        else:
            dump = msgspec.json.Encoder().encode
            self.dump = (lambda value: settled(value, dump(value))) if holds_sets(cls) else dump
            self.load = msgspec.json.Decoder(cls).decode

    def encode(self, value: Any, name: str) -> bytes:
        """The JSON of an instance. Raises `InvalidEvent` if the value would not come back, `name` before it."""
        self.check_times(value, name)
        try:
            data = self.dump(value)
        except UNWRITABLE as wrong:
            place = "" if self._pydantic else unwritable(value)
            said = self._said(wrong, value, place=place)
            raise InvalidEvent(f"{name}: {said}") from self._cause(wrong)
        check_depth(data, name)
        try:
            back = self.load(data)
            again = self.dump(back)
            kept = again == data and _equal(back, value)
        except UNWRITABLE as wrong:
            said = self._said(wrong, value, hint=self._aliases(value))
            raise InvalidEvent(f"{name}: {said}") from self._cause(wrong)
        if not kept:
            self._compare(value, back, name)
            if again != data:
                raise InvalidEvent(
                    f"{name}: it is written as {self._written(data)}, and would be read and written again as"
                    f" {self._written(again)}: see that no serializer or validator changes it"
                )
        return check_object(data, name) if self._pydantic else data

    def check_times(self, value: Any, name: str) -> None:
        """Raise `InvalidEvent` if a time in a value has no zone, and its type does not say that it has none."""
        found = None if self._naive is None else self._naive(value)
        if found is not None:
            place, time = found
            raise InvalidEvent(
                f"{name}: {place.removeprefix('.')} is {self._told(time)}, and has no time zone, so it would mean"
                " another moment on each machine. Give datetime.now(UTC) or another aware time; a command can take"
                " now: Now. If it is the time on a clock on the wall, let the annotation say so:"
                " Annotated[datetime, msgspec.Meta(tz=False)]"
            )

    def _compare(self, value: Any, back: Any, name: str) -> None:
        """Raise `InvalidEvent` if a part differs; some classes do not define when two of their instances are equal."""
        found = difference(value, back)
        if found is not None:
            place, given, returned = found
            where = place.removeprefix(".") or "the value"
            raise InvalidEvent(f"{name}: {where} is {self._told(given)}, {self._why(given, returned)}")

    def _why(self, given: Any, returned: Any) -> str:
        if (isinstance(given, float) and not math.isfinite(given)) or (
            isinstance(given, decimal.Decimal) and not given.is_finite()
        ):
            return (
                "and JSON has no NaN or infinity: give a number, or None or text where the field may have it"
            )
        would = f"but {self._told(returned)} would come back: "
        kind, other = type(given).__qualname__, type(returned).__qualname__
        if self._pydantic:
            return (
                f"{would}see that the annotation of the field says {kind}, and that no exclude=, alias, serializer or"
                " validator loses or changes the value"
            )
        if type(given) is type(returned):
            return f"{would}give it so, or mend the cause: a key that is not a text, an offset, __post_init__"
        return f"{would}give it as {other}, or let the annotation of the field say {kind}"

    # The module that masks is loaded only for an error: no verb of the command line has to wait for it.

    def _said(self, wrong: Exception, value: Any, *, place: str = "", hint: str = "") -> str:
        from backstory.values.masking import masked_repr, masked_words

        words = masked_words(wrong, self._veil)
        return f"{place and f'{place}: '}{words}{hint}, in {masked_repr(value, self._veil)}"

    def _written(self, data: bytes) -> str:
        from backstory.values.masking import masked_json

        return masked_json(data, self._veil).decode()

    def _told(self, value: Any) -> str:
        kind = type(value).__qualname__
        return f"{value!r} ({kind})" if self._veil is None else f"a value of type {kind}"

    def _cause(self, wrong: Exception) -> Exception | None:
        """The error to show as the cause of another: none if its words could hold a marked value."""
        return wrong if self._veil is None else None

    def _aliases(self, value: Any) -> str:
        """Advice for a pydantic model that writes its fields under other names than it reads."""
        named = (
            [name for name, field in type(value).model_fields.items() if field.alias]
            if self._pydantic
            else []
        )
        if not named:
            return ""
        return (
            f" ({named[0]} is written by its name and read by its alias:"
            " set serialize_by_alias=True or populate_by_name=True in model_config)"
        )


def difference(given: Any, returned: Any, place: str = "") -> Difference | None:
    """The first part where two values differ: they are not equal, or have other JSON. None if there is none."""
    if type(given) is type(returned):
        inner, others = parts(given), parts(returned)
        if inner is not None and others is not None and inner.keys() == others.keys():
            for key, part in inner.items():
                found = difference(part, others[key], place + key)
                if found is not None:
                    return found
            return None
    same = _equal(given, returned) and _text(given) == _text(returned)
    return None if same else (place, given, returned)


def _equal(one: Any, other: Any) -> bool:
    """Whether two values are equal; a signaling NaN is to nothing, and raises an error when it is asked."""
    try:
        return bool(one == other)
    except decimal.InvalidOperation:
        return False


def unwritable(value: Any, place: str = "") -> str:
    """The way to the part that JSON cannot carry; empty if it is the whole value."""
    for key, part in (parts(value) or {}).items():
        if _text(part) is None:
            return unwritable(part, place + key)
    return place.removeprefix(".")


def free_json(value: Mapping[str, Any], what: str) -> bytes:
    """Free data as JSON, such as metadata: keys in their order, sets sorted. Raises `InvalidEvent` with `what`."""
    cannot = f"{what} cannot be written as JSON"
    try:
        text = _encode(value)
        again = _encode(_decode(text))
    except UNWRITABLE as wrong:
        raise InvalidEvent(f"{cannot}: {wrong}") from wrong
    check_depth(text, what)
    if again != text:
        raise InvalidEvent(f"{cannot}: two keys of a dict are the same text there")
    for key in _keys(value):
        if not isinstance(key, str):
            raise InvalidEvent(f"{cannot}: the key {key!r} would come back as a text; give it as one")
    if b"null" in text and _has_no_number(msgspec.to_builtins(value)):
        raise InvalidEvent(f"{cannot}: it has no NaN or infinity")
    return settled(value, text)


def _text(value: Any) -> bytes | None:
    """The JSON of one part; None if it has none of its own."""
    try:
        return settled(value, _encode(value))
    except UNWRITABLE:
        return None


def _keys(value: Any) -> Iterator[Any]:
    """The keys of all dicts in free data."""
    if isinstance(value, Mapping):
        yield from value
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return
    for part in value:
        if part.__class__ not in FLAT:  # which are most, and an isinstance of a Mapping takes long
            yield from _keys(part)


def _has_no_number(value: Any) -> bool:
    """Whether plain data holds a NaN or an infinity, which would be written as null."""
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, dict):
        return any(map(_has_no_number, value.values()))
    return isinstance(value, (list, tuple)) and any(map(_has_no_number, value))
