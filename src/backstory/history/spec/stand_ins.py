"""Stand-ins: other values of the same form in the place of those that are marked, equal ones for equal ones.

A word of letters and digits becomes one of as many letters and digits; what stands between words stays, so an e-mail
address is one still, in a domain that nobody has (`.test`). The words of a marked value are replaced by the same
stand-ins wherever else they stand: in ids, in tags, in other texts.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import random
import re
import uuid
from collections.abc import Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from backstory.values.masking import is_hidden
from backstory.values.veil import HIDDEN, Veil, members

WORD = re.compile(r"[^\W_]+")
MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^\W\d_]+")
HEX = re.compile(r"(?=.*[0-9])[0-9a-f]{8,}")

WHOLE, PART = 3, 4
"""The shortest value that is replaced wherever it stands, and the shortest word of one."""

DAY = datetime.date(2001, 2, 3)
TRIES = 50


def marked(value: Any, veil: Veil, name: str = "") -> Iterator[tuple[str, Any]]:
    """Each value that is marked in a value, with the field that it is in: `Registered.email`."""
    if is_hidden(veil):
        yield from ((name, leaf) for leaf in _leaves(value))
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from marked(part, veil.at(key), name)
    elif (named := members(value)) is not None:
        for field, step, part in named:
            yield from marked(part, veil.at(step), f"{type(value).__name__}.{field}")
    elif isinstance(value, (list, tuple, AbstractSet)):
        for index, part in enumerate(value):
            yield from marked(part, veil.at(index), name)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _leaves(key)
            yield from _leaves(part)
    elif (named := members(value)) is not None:
        for _, _, part in named:
            yield from _leaves(part)
    elif isinstance(value, (list, tuple, AbstractSet)):
        for part in value:
            yield from _leaves(part)
    elif value is not None:
        yield value


class StandIns:
    """The stand-ins for some values, each with the field that it is in; those of the fields in `kept` stay."""

    def __init__(self, values: Collection[tuple[str, Any]], kept: Collection[str] = ()) -> None:
        self._words: dict[str, str] = {}
        self._others: dict[tuple[type[Any], Any], Any] = {}
        self._kept = {_key(value) for name, value in values if name in kept}
        texts = {value: None for name, value in values if type(value) is str and name not in kept}
        self._whole = {text: self._text(text) for text in texts if _key(text) not in self._kept}
        self._pattern = self._every()

    def of(self, value: Any) -> Any:
        """The stand-in for a marked value."""
        if value is None or _key(value) in self._kept:
            return value
        if isinstance(value, enum.Enum):
            return next(iter(type(value)))
        if type(value) is str:
            return self._whole.get(value) or self._text(value)
        key = _key(value)
        if key not in self._others:
            self._others[key] = self._other(value, len(self._others) + 1)
        return self._others[key]

    def within(self, text: str) -> str:
        """A text that is not marked, with the stand-ins for all marked values in it."""
        if not self._whole:
            return text
        if len(text) >= WHOLE and any(text.lower() in whole.lower() for whole in self._whole):
            return self._found_text(text)
        return self._pattern.sub(lambda found: self._found_text(found[0]), text)

    def _every(self) -> re.Pattern[str]:
        """All that is replaced wherever it stands."""
        whole = [re.escape(text) for text in self._whole if len(text) >= WHOLE]
        words = [
            rf"(?<![^\W_]){re.escape(word)}(?![^\W_])"
            for word in self._words
            if len(word) >= PART and not word.isdecimal()
        ]
        return re.compile("|".join(sorted(whole, key=len, reverse=True) + words) or r"(?!)", re.IGNORECASE)

    def _found_text(self, text: str) -> str:
        return self._whole.get(text) or self._text(text)

    def _text(self, text: str) -> str:
        other = WORD.sub(lambda word: self._word(word[0]), text)
        return re.sub(r"[^\W\d_]+$", "test", other) if MAIL.fullmatch(text) else other

    def _word(self, word: str) -> str:
        key = "".join(sign.lower()[:1] for sign in word)
        if key not in self._words:
            chance, used = random.Random(len(self._words)), set(self._words.values())  # noqa: S311 - no secret
            other, is_hex = key, HEX.fullmatch(key) is not None
            for _ in range(TRIES):
                other = "".join(_sign(sign, chance, is_hex=is_hex) for sign in key)
                if other not in used and other != key and other not in self._words:
                    break
            self._words[key] = other
        pairs = zip(word, self._words[key], strict=True)
        return "".join(new.upper() if old.isupper() else new for old, new in pairs)

    def _other(self, value: Any, number: int) -> Any:
        """The stand-in for a value that is no plain text, the nth of them."""
        chance = random.Random(number)  # noqa: S311 - no secret
        if isinstance(value, (int, float, decimal.Decimal)):
            return False if isinstance(value, bool) else type(value)(_digits(str(value), chance))
        if isinstance(value, str):
            return type(value)(self._text(value))
        if isinstance(value, bytes):
            return chance.randbytes(len(value))
        if isinstance(value, uuid.UUID):
            return uuid.UUID(int=chance.getrandbits(128), version=4)
        return _moment(value, number)


def _moment(value: Any, number: int) -> Any:
    """Another day, time or length of time; any other value as it is."""
    if isinstance(value, datetime.datetime):
        noon = datetime.datetime.combine(DAY, datetime.time(12), value.tzinfo)
        return noon + datetime.timedelta(number)
    if isinstance(value, datetime.date):
        return DAY + datetime.timedelta(number)
    if isinstance(value, datetime.time):
        return datetime.time(number % 24, tzinfo=value.tzinfo)
    return datetime.timedelta(number) if isinstance(value, datetime.timedelta) else value


def _digits(text: str, chance: random.Random) -> str:
    return re.sub(r"[0-9]", lambda one: _sign(one[0], chance), text)


def _key(value: Any) -> tuple[type[Any], Any]:
    try:
        hash(value)
    except TypeError:
        return type(value), repr(value)
    return type(value), value


def _sign(sign: str, chance: random.Random, *, is_hex: bool = False) -> str:
    if sign.isdecimal():
        return chance.choice("123456789")
    return chance.choice("abcdef" if is_hex else "bcdfghjklmnpqrstvwxz")


def part_of(veil: Veil, step: Any) -> Veil:
    """The veil of a part: everything in what is marked is."""
    return HIDDEN if is_hidden(veil) else veil.at(step)
