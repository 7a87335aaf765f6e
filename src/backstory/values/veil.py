"""Veils: the parts of a type's values that are personal or secret, found in its annotations once and kept.

A veil follows a value as its JSON does: by the names that fields have there, by place in values written as a list. A
part that a class with marks does not name has the class's closest mark: it is of another version of the class, in which
it may have been marked under another name.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import msgspec

from backstory.values.fields import hints
from backstory.values.hidden import hidden_now, names
from backstory.values.privacy import Privacy, mark_of

Step = str | int

NONE: Mapping[Any, Any] = types.MappingProxyType({})


class Veil:
    """The marks of a value: its own mark, and the veils of its parts; `rest` is the veil of all other parts.

    `also` are the veils of other types that the value may have: the choices of a union.
    """

    __slots__ = ("also", "mark", "parts", "rest")

    def __init__(self, mark: Privacy | None = None, also: Iterable[Veil] = ()) -> None:
        self.also = tuple(also)
        marks = (mark, *(veil.mark for veil in self.also))
        self.mark: Privacy | None = max(filter(None, marks), default=None)
        self.parts: dict[Step, Veil] = {}
        self.rest: Veil | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Veil) and _same(self, other, set())

    def __hash__(self) -> int:
        return hash((self.mark, frozenset(self.parts)))

    def __deepcopy__(self, _memo: object) -> Veil:
        return self  # it never changes once it is woven

    def at(self, step: Step) -> Veil:
        """The veil of a part."""
        if self.rest is None and not self.parts and not self.also:
            return OPEN
        choices = list(self._choices())
        found = [veil.parts[step] for veil in choices if step in veil.parts] or [
            veil.rest for veil in choices if veil.rest is not None
        ]
        return _either([*found, *(veil for veil in choices if isinstance(veil, Named))])

    def marks(self) -> set[Privacy]:
        """Every mark in it."""
        return {veil.mark for veil in self._all({}) if veil.mark is not None}

    def _choices(self) -> Iterator[Veil]:
        yield self
        for veil in self.also:
            yield from veil._choices()

    def _all(self, seen: dict[int, Veil]) -> Iterator[Veil]:
        if id(self) not in seen:
            seen[id(self)] = self
            yield self
            for veil in (*self.also, *self.parts.values(), *filter(None, [self.rest])):
                yield from veil._all(seen)


def _same(one: Veil | None, other: Veil | None, seen: set[tuple[int, int]]) -> bool:
    """Whether two veils mark the same; a veil may stand inside of itself."""
    if one is other or (id(one), id(other)) in seen:
        return True
    if one is None or other is None or one.mark != other.mark or one.parts.keys() != other.parts.keys():
        return False
    seen.add((id(one), id(other)))
    pairs: list[tuple[Veil | None, Veil | None]] = [
        (part, other.parts[step]) for step, part in one.parts.items()
    ]
    pairs += [(one.rest, other.rest), *zip(one.also, other.also, strict=False)]
    return len(one.also) == len(other.also) and all(_same(*pair, seen) for pair in pairs)


OPEN = Veil()
"""Of a value without marks."""

HIDDEN = Veil(Privacy.SECRET)
"""Of a value of which nothing is known."""

WITHHELD = Veil(Privacy.WITHHELD)
"""Of a value that the reader may not see."""


class Named(Veil):
    """Of data that no class describes: fields of these names are withheld, at any depth."""

    __slots__ = ()

    def __init__(self, fields: Iterable[str]) -> None:
        super().__init__()
        self.parts = dict.fromkeys(fields, WITHHELD)
        self.rest = self


_known: dict[frozenset[str], dict[type[Any], Veil | None]] = {}
"""The veils of classes, for each set of fields that is hidden."""

MOST_KNOWN = 100
"""Sets of fields that are hidden whose veils are known."""


def veil_of(annotation: Any) -> Veil | None:
    """The veil of a type's values for the reader at hand: by its own marks, and by the fields that are hidden now.

    None if nothing in it is marked. One that cannot be read yet hides all.
    """
    return _veil(annotation, hidden_now())


def own_veil(annotation: Any) -> Veil | None:
    """The same by the marks of the code alone, which are the same for every reader: what a class may keep."""
    return _veil(annotation, frozenset())


def _veil(annotation: Any, hidden: frozenset[str]) -> Veil | None:
    if hidden not in _known and len(_known) >= MOST_KNOWN:
        _known.clear()
    known = _known.setdefault(hidden, {})
    if isinstance(annotation, type) and annotation in known:
        return known[annotation]
    try:
        veil = _Weaver(hidden).woven(annotation)
    except NameError:
        return HIDDEN
    found = veil if veil.marks() else None
    if isinstance(annotation, type):
        known[annotation] = found
    return found


def named(*owners: str) -> Veil | None:
    """The veil of data of which only the names of their owners are known; None if no field of theirs is hidden now."""
    fields = names(hidden_now(), *owners)
    return Named(fields) if fields else None


def united(veils: Mapping[str, Veil | None]) -> Veil | None:
    """The veil of something whose parts have these; None if nothing in it is marked."""
    veil = Veil()
    veil.parts = {step: part or OPEN for step, part in veils.items()}
    return _closed(veil) if veil.marks() else None


def either(*veils: Veil | None) -> Veil | None:
    """The veil of a value that has one of these; None if it has none."""
    found = [veil for veil in veils if veil is not None]
    return _either(found) if found else None


def members(value: Any) -> list[tuple[str, Step, Any]] | None:
    """The fields of a struct, dataclass, attrs or pydantic instance: name, place in its JSON, value; else None."""
    named = field_names(type(value))
    if named is None:
        return None
    parts = ((name, step, getattr(value, name, None)) for name, step in named.items())
    return [each for each in parts if each[-1] is not msgspec.UNSET]


def field_names(cls: type[Any]) -> dict[str, Step] | None:
    """The fields of a class with the places that they have in its JSON; None if it has no fields."""
    if hasattr(cls, "__struct_fields__"):
        config = cls.__struct_config__
        first = 0 if config.tag_field is None else 1
        steps = (
            range(first, first + len(cls.__struct_fields__))
            if config.array_like
            else cls.__struct_encode_fields__
        )
        return dict(zip(cls.__struct_fields__, steps, strict=True))
    if dataclasses.is_dataclass(cls):
        return {field.name: field.name for field in dataclasses.fields(cls)}
    if hasattr(cls, "__attrs_attrs__"):
        return {field.name: field.name for field in cls.__attrs_attrs__}
    if hasattr(cls, "model_fields"):
        return {name: name for name in cls.model_fields}
    if issubclass(cls, tuple) and (names := getattr(cls, "_fields", None)):
        return {name: index for index, name in enumerate(names)}
    if hasattr(cls, "__total__"):  # a TypedDict
        return {name: name for name in cls.__annotations__}
    return None


class _Weaver:
    """Makes one veil. Classes that contain themselves are met again as the veil that is being made."""

    def __init__(self, hidden: frozenset[str]) -> None:
        self._made: dict[Any, Veil] = {}
        self._hidden = hidden
        fields = names(hidden)
        self._open = Named(fields) if fields else OPEN

    def woven(self, annotation: Any, variables: Mapping[Any, Veil] = NONE) -> Veil:
        """Raises `NameError` if a name in it is not defined."""
        annotation = getattr(annotation, "__value__", annotation)  # of a `type` statement
        annotation = getattr(annotation, "__supertype__", annotation)  # of a NewType
        if isinstance(annotation, TypeVar):
            return variables.get(annotation, self._open)
        origin = get_origin(annotation)
        inner = [self.woven(part, variables) for part in get_args(annotation) if _is_type(part)]
        if origin is Annotated:
            return _marked(self.woven(annotation.__origin__, variables), mark_of(annotation))
        if origin in (Union, types.UnionType):
            return _either(inner)
        cls = origin or annotation
        if not isinstance(cls, type):
            return self._open
        fields = field_names(cls)
        if fields is None:
            return self._of_container(cls, inner, fixed=Ellipsis not in get_args(annotation))
        given = dict(zip(getattr(cls, "__parameters__", ()), inner, strict=False))
        return self._of_class(cls, fields, given)

    def _of_class(self, cls: type[Any], fields: Mapping[str, Step], variables: Mapping[Any, Veil]) -> Veil:
        key = (cls, *map(id, variables.values()))
        if key in self._made:
            return self._made[key]
        veil = self._made[key] = Veil()
        annotations = hints(cls)
        if annotations is None:
            raise NameError(f"{cls.__qualname__}: an annotation names something that is not defined")
        hidden = (
            names(self._hidden, cls.__name__, cls.__qualname__, *_event_name(cls)) if self._hidden else ()
        )
        for name, step in fields.items():
            is_hidden = name in hidden or step in hidden
            veil.parts[step] = WITHHELD if is_hidden else self.woven(annotations.get(name), variables)
        config = getattr(cls, "__struct_config__", None)
        if config is not None and config.tag_field is not None:
            veil.parts[0 if config.array_like else config.tag_field] = OPEN
        return _closed(veil)

    def _of_container(self, cls: type[Any], inner: list[Veil], *, fixed: bool) -> Veil:
        if not inner:
            return self._open if _is_open(cls) else OPEN
        veil = Veil()
        if issubclass(cls, Mapping) and len(inner) > 1:
            veil.parts = dict(self._open.parts)
            veil.rest = inner[1]
            return _marked(veil, max(inner[0].marks(), default=None))
        if issubclass(cls, tuple) and fixed:
            veil.parts = dict(enumerate(inner))
        else:
            veil.rest = _either(inner)
        return veil


def _is_open(cls: type[Any]) -> bool:
    """Whether values of a class without fields may hold any others."""
    named = cls in (Any, object, msgspec.Raw)  # `Any` is a class since Python 3.11
    return named or (issubclass(cls, Collection) and not issubclass(cls, (str, bytes)))


def _event_name(cls: type[Any]) -> tuple[str, ...]:
    """The name under which a class is stored, if it is that of an event."""
    definition = vars(cls).get("__backstory__")
    return () if definition is None else (definition.name,)


def _is_type(part: Any) -> bool:
    return part is not Ellipsis and part is not types.NoneType and not isinstance(part, Privacy)


def _marked(veil: Veil, mark: Privacy | None) -> Veil:
    return veil if mark is None else Veil(mark, [veil])


def _either(veils: Iterable[Veil]) -> Veil:
    """The veil of a value that may be any of these."""
    found = list({id(veil): veil for veil in veils if veil is not OPEN}.values())
    return found[0] if len(found) == 1 else Veil(also=found) if found else OPEN


def _closed(veil: Veil) -> Veil:
    """Give unnamed parts the closest mark of the named ones."""
    marks = veil.marks()
    veil.rest = Veil(max(marks)) if marks else None
    return veil
