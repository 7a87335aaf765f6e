"""How blame follows one field of a state while it replays: by the parts that were touched, or by comparing."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from sys import getrefcount
from typing import Any, Protocol

from backstory.history.blame.provenance import Nested, Provenance, changed, followed, fresh, position_of
from backstory.history.blame.tracked import EVERYTHING, Touched, TrackedDict, TrackedList
from backstory.history.compare.jsonable import ATOMS, canonical, decoded, encoded, key_text, plain_value, same
from backstory.history.compare.shape import Shape

GONE: Any = object()


class Follower(Protocol):
    """Follows one field: `plain` is its value as JSON, `provenance` when each part came, as of the last `settle`."""

    restless: bool
    """Whether something outside the field may change it, so that it must be looked at after every event."""

    @property
    def plain(self) -> Any:
        """The value as JSON."""
        ...

    @property
    def provenance(self) -> Provenance:
        """When each part of it came."""
        ...

    def settle(self, value: Any, position: int, *, assertions: bool) -> None:
        """Take over the changes of an event, by the parts that the field has noted, if it notes them."""
        ...


class Whole:
    """Follows a field of any type, by comparing."""

    def __init__(self, plain: Any, provenance: Provenance, shape: Shape) -> None:
        self.plain = plain
        self.provenance = provenance
        self.restless = False
        self._shape = shape

    def settle(self, value: Any, position: int, *, assertions: bool) -> None:
        """Compare."""
        if type(value) in ATOMS:
            if type(self.plain) is not type(value) or self.plain != value or assertions:
                self.plain, self.provenance = value, position
            return
        now = plain_value(value)
        self.provenance = (
            fresh(now, position)
            if assertions
            else followed(self.provenance, self.plain, now, self._shape, position)
        )
        self.plain = now


class InDict:
    """Follows a tracked dict."""

    def __init__(self, plain: dict[str, Any], provenance: Nested, shape: Shape, *, deep: bool) -> None:
        self.plain = plain
        self.provenance = provenance
        self.restless = False
        self._shape = shape
        self._deep = deep
        self._shared: Touched = {}
        self._texts = {name: canonical(item) for name, item in plain.items() if type(item) not in ATOMS}

    def settle(self, value: Any, position: int, *, assertions: bool) -> None:
        """Look at the keys that were touched, and at those whose values something else has a hold of."""
        touched = value.touched
        if self.restless:
            touched = {**self._shared, **touched}
        if EVERYTHING in touched:
            touched = self._all(value) | touched
            del touched[EVERYTHING]
        for key, written in touched.items():
            name = key if type(key) is str else key_text(key)
            item = dict.get(value, key, GONE)
            if item is GONE:
                self._remove(name, position)
            elif type(item) in ATOMS:
                self._follow_atom(name, item, position)
            else:
                self._follow(name, item, position)
            if assertions and written and item is not GONE:
                self.provenance.parts[name] = fresh(self.plain[name], position)
                self.provenance.position = position
        if self._deep:
            self._shared = {key: False for key in touched if is_shared(dict.get(value, key))}
            self.restless = bool(self._shared)
        value.touched.clear()

    def _all(self, value: dict[Any, Any]) -> Touched:
        gone = self.plain.keys() - {key_text(key) for key in dict.keys(value)}
        return dict.fromkeys([*dict.keys(value), *gone], False)

    def _remove(self, name: str, position: int) -> None:
        if name in self.plain:
            del self.plain[name], self.provenance.parts[name]
            self._texts.pop(name, None)
            self.provenance.position = position

    def _follow_atom(self, name: str, item: Any, position: int) -> None:
        old = self.plain.get(name, GONE)
        if type(old) is not type(item) or old != item:
            self.plain[name] = item
            self.provenance.parts[name] = self.provenance.position = position
            self._texts.pop(name, None)

    def _follow(self, name: str, item: Any, position: int) -> None:
        """Most that was handed out was not changed: its text tells, and is not parsed."""
        text = encoded(item)
        if self._texts.get(name) == text:
            return
        now, old, provenances = decoded(text), self.plain.get(name, GONE), self.provenance.parts
        if old is GONE:
            provenances[name] = fresh(now, position)
        else:
            provenances[name] = changed(provenances[name], old, now, self._shape.step(name), position)
        self._texts[name] = text
        self.plain[name] = now
        self.provenance.position = position


class InList:
    """Follows a tracked list."""

    def __init__(self, plain: list[Any], provenance: Nested, shape: Shape, *, deep: bool) -> None:
        self.plain = plain
        self.provenance = provenance
        self.restless = False
        self._shape = shape
        self._deep = deep
        self._texts: dict[int, bytes] = {}

    def settle(self, value: Any, position: int, *, assertions: bool) -> None:
        """Add or cut at the end, or take over a change of one element; compare the lists if more has changed."""
        touched = value.touched
        if self.restless or EVERYTHING in touched or not self._in_place(value, touched, position):
            now = plain_value(list(list.__iter__(value)))
            provenance = followed(self.provenance, self.plain, now, self._shape, position)
            assert isinstance(provenance, Nested)
            self.plain, self.provenance = now, provenance
            self._texts.clear()
            if self._deep:
                self.restless = any(is_shared(list.__getitem__(value, index)) for index in range(len(value)))
        elif self._deep:
            size = len(value)
            self.restless = any(
                index < size and is_shared(list.__getitem__(value, index)) for index in touched
            )
        for index, written in touched.items() if assertions else ():
            if written and index is not EVERYTHING and index < len(value):
                self.provenance.parts[index] = fresh(self.plain[index], position)
                self.provenance.position = position
        touched.clear()

    def _stayed(self, index: int, item: Any) -> bool:
        """Whether an element is the same as before: the texts of elements are kept."""
        old = self.plain[index]
        if type(item) in ATOMS:
            return type(old) is type(item) and bool(old == item)
        text = self._texts.get(index)
        if text is None:
            text = self._texts[index] = canonical(old)
        return text == encoded(item)

    def _in_place(self, value: list[Any], touched: Touched, position: int) -> bool:
        """Whether the change was so small that comparing the lists would say the same, and is done."""
        plain, provenances = self.plain, self.provenance.parts
        old, new = len(plain), len(value)
        found, now = -1, None
        for index in touched:
            if index < old and index < new:
                item = list.__getitem__(value, index)
                if self._stayed(index, item):
                    continue
                if found >= 0 or old != new:
                    return False
                found, now = index, plain_value(item)
        if found >= 0:
            if not _same_key(plain[found], now, self._shape.key):
                return False
            provenances[found] = changed(
                provenances[found], plain[found], now, self._shape.step(found), position
            )
            plain[found] = now
            self._texts.pop(found, None)
        for index in range(old, new):
            item = plain_value(list.__getitem__(value, index))
            plain.append(item)
            provenances.append(position if type(item) in ATOMS else fresh(item, position))
        if new < old:
            del plain[new:], provenances[new:]
            self._texts.clear()
        if found >= 0 or old != new:
            self.provenance.position = position
        return True


class InSet:
    """Follows a tracked set."""

    restless = False

    def __init__(self, value: AbstractSet[Any], plain: list[Any], provenance: Nested) -> None:
        positions = {
            canonical(item): position_of(part) for item, part in zip(plain, provenance.parts, strict=True)
        }
        self._elements = {element: positions[canonical(plain_value(element))] for element in value}
        self._position = provenance.position

    @property
    def plain(self) -> Any:
        """The elements, in the order that they have in JSON."""
        return plain_value(set(self._elements))

    @property
    def provenance(self) -> Provenance:
        """When each element came."""
        positions = {
            canonical(plain_value(element)): position for element, position in self._elements.items()
        }
        return Nested(self._position, [positions[canonical(item)] for item in self.plain])

    def settle(self, value: Any, position: int, *, assertions: bool) -> None:
        """Look at the elements that were touched."""
        touched = dict(value.touched)
        value.touched.clear()
        elements = self._elements
        if touched.pop(EVERYTHING, False):
            touched |= dict.fromkeys(value ^ elements.keys(), False)
        for element, written in touched.items():
            if element not in value:
                if elements.pop(element, None) is not None:
                    self._position = position
            elif element not in elements or (assertions and written):
                elements[element] = self._position = position


def follower(value: Any, plain: Any, provenance: Provenance, shape: Shape, *, deep: bool) -> Follower:
    """The follower of a tracked container whose value is `plain`."""
    assert isinstance(provenance, Nested)
    match value:
        case TrackedDict():
            return InDict(plain, provenance, shape, deep=deep)
        case TrackedList():
            return InList(plain, provenance, shape, deep=deep)
    return InSet(value, plain, provenance)


def is_shared(value: Any) -> bool:
    """Whether something holds a value besides the one container, and the call that asks."""
    return type(value) not in ATOMS and getrefcount(value) > _alone


def _count(value: Any) -> int:
    return getrefcount(value)


_holder: list[Any] = [[]]
_alone = _count(list.__getitem__(_holder, 0))
"""The reference count of a value in one container: versions of Python count the arguments of a call differently."""


def _same_key(one: Any, other: Any, key: str | None) -> bool:
    if key is None:
        return True
    try:
        return same(one[key], other[key])
    except (TypeError, KeyError):
        return type(one) is type(other)
