"""Dicts, lists and sets that note which of their keys were touched.

`touched` has the key of each part that may have changed since it was last emptied: True where it was written,
False where it was handed out and could be changed in place. `EVERYTHING` stands for all keys. If no element can be
changed in place, the plain classes are enough, which note only writes; the `Deep` ones note reads too. C code that
does not use the methods (`heapq`) is not noted, so users of these classes compare in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from typing import Self

C = TypeVar("C", bound=type[Any])


class _Everything:
    """Stands for all keys."""


EVERYTHING: Any = _Everything()
Touched = dict[Any, bool]


def _noting(kind: type[Any], names: str, *, written: bool) -> Callable[[C], C]:
    """Gives a class methods of `kind` that may write, or hand out, anything."""

    def noting(name: str) -> Any:
        method = getattr(kind, name)

        def noted(self: Any, *args: Any, **kwargs: Any) -> Any:
            if written:
                self.touched[EVERYTHING] = True
            else:
                self.touched.setdefault(EVERYTHING, False)
            return method(self, *args, **kwargs)

        return noted

    def decorate(cls: C) -> C:
        for name in names.split():
            setattr(cls, name, noting(name))
        return cls

    return decorate


@_noting(dict, "popitem clear update __ior__", written=True)
class TrackedDict(dict[Any, Any]):
    __slots__ = ("touched",)

    def __init__(self, values: dict[Any, Any]) -> None:
        super().__init__(values)
        self.touched: Touched = {}

    def __setitem__(self, key: Any, value: Any) -> None:
        self.touched[key] = True
        dict.__setitem__(self, key, value)

    def __delitem__(self, key: Any) -> None:
        self.touched[key] = True
        dict.__delitem__(self, key)

    def pop(self, key: Any, *default: Any) -> Any:
        self.touched[key] = True
        return dict.pop(self, key, *default)

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if key not in self:
            self.touched[key] = True
        else:
            self.touched.setdefault(key, False)
        return dict.setdefault(self, key, default)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return dict, (dict(self),)


@_noting(list, "__delitem__ insert remove clear sort reverse __imul__", written=True)
class TrackedList(list[Any]):
    __slots__ = ("touched",)

    def __init__(self, values: list[Any]) -> None:
        super().__init__(values)
        self.touched: Touched = {}

    def __setitem__(self, index: Any, value: Any) -> None:
        self.touched[_index(self, index)] = True
        list.__setitem__(self, index, value)

    def append(self, value: Any) -> None:
        """Note the new index."""
        self.touched[len(self)] = True
        list.append(self, value)

    def extend(self, values: Iterable[Any]) -> None:
        """Note the first new index."""
        self.touched[len(self)] = True
        list.extend(self, values)

    def __iadd__(self, values: Iterable[Any]) -> Self:  # type: ignore[misc]
        """Note the first new index."""
        self.touched[len(self)] = True
        list.extend(self, values)
        return self

    def pop(self, index: Any = -1) -> Any:
        """Note the last index, or everything."""
        self.touched[len(self) - 1 if index == -1 else EVERYTHING] = True
        return list.pop(self, index)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return list, (list(self),)


@_noting(
    set,
    "pop clear update difference_update intersection_update symmetric_difference_update"
    " __ior__ __iand__ __isub__ __ixor__",
    written=True,
)
class TrackedSet(set[Any]):
    __slots__ = ("touched",)

    def __init__(self, values: set[Any]) -> None:
        super().__init__(values)
        self.touched: Touched = {}

    def add(self, value: Any) -> None:
        self.touched[value] = True
        set.add(self, value)

    def discard(self, value: Any) -> None:
        self.touched[value] = True
        set.discard(self, value)

    def remove(self, value: Any) -> None:
        self.touched[value] = True
        set.remove(self, value)

    def __repr__(self) -> str:
        return repr(set(self))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return set, (list(self),)


@_noting(dict, "values items copy __or__ __ror__", written=False)
class DeepDict(TrackedDict):
    """A dict of values that can be changed in place."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        """Note the key."""
        self.touched.setdefault(key, False)
        return dict.__getitem__(self, key)

    def get(self, key: Any, default: Any = None) -> Any:
        """Note the key."""
        self.touched.setdefault(key, False)
        return dict.get(self, key, default)

    def __iter__(self) -> Iterator[Any]:
        """Keys hand out nothing; because of this method, `dict(self)` cannot read around the others."""
        return dict.__iter__(self)


@_noting(list, "__reversed__ copy __add__ __mul__ __rmul__", written=False)
class DeepList(TrackedList):
    """A list of elements that can be changed in place."""

    __slots__ = ()

    def __getitem__(self, index: Any) -> Any:
        """Note the index."""
        self.touched.setdefault(_index(self, index), False)
        return list.__getitem__(self, index)

    def __iter__(self) -> Iterator[Any]:
        """Note each index when it is reached."""
        touched = self.touched
        for index, element in enumerate(list.__iter__(self)):
            touched.setdefault(index, False)
            yield element


def tracked(value: Any, deep: bool) -> Any:
    """A tracked copy of a dict, list or set."""
    match value:
        case dict():
            return DeepDict(value) if deep else TrackedDict(value)
        case list():
            return DeepList(value) if deep else TrackedList(value)
    return TrackedSet(value)


def _index(values: list[Any], index: Any) -> Any:
    """An index counted from the start; a slice may touch anything."""
    if isinstance(index, slice):
        return EVERYTHING
    number = index.__index__()
    return number + len(values) if number < 0 else number
