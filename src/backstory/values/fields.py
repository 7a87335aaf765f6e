"""The fields of an event or a state: which of them are tags, and whether a log can keep them.

Read from annotations, once, when a class is defined. Names that are not defined yet (a forward reference) put the
check off to the first use.
"""

from __future__ import annotations

import datetime
import enum
import types
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import inspect

from backstory.errors import DefinitionError, InvalidTag
from backstory.values.event_data import check_tag
from backstory.values.privacy import is_marked

TEXTLIKE = (str, int, uuid.UUID, enum.Enum, datetime.date)
CONTAINERS = (list, tuple, set, frozenset)


class Tagged(msgspec.Struct, frozen=True):
    """Marks a field as a tag, under another key than the field's name: `source: Annotated[str, Tagged("account")]`."""

    key: str | None = None


class TagField(msgspec.Struct, frozen=True):
    """A field whose value becomes a tag `key:<value>`, or one for each value where the field holds several."""

    name: str
    key: str
    many: bool

    def texts(self, owner: Any) -> tuple[str, ...]:
        """The tags that this field of `owner` makes; none if it is None. Raises `InvalidTag`."""
        value = getattr(owner, self.name)
        if value is None:
            return ()
        if self.many and not isinstance(value, str):
            return tuple(self._text(owner, item) for item in value)
        return (self._text(owner, value),)

    def _text(self, owner: Any, value: Any) -> str:
        try:
            return check_tag(f"{self.key}:{tag_value(value)}")
        except InvalidTag as wrong:
            raise InvalidTag(f"{type(owner).__name__}.{self.name}: {wrong}") from None


def tag_value(value: Any) -> str:
    """The text of a tag's value: an enum's value, a date in ISO 8601, a time in UTC, else `str`; or `InvalidTag`."""
    if type(value) is str:
        return value
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, datetime.datetime):
        return _instant(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, bool) or not isinstance(value, (str, int, uuid.UUID)):
        raise InvalidTag(f"a tag's value is text, a whole number, a UUID, an enum or a date, not {value!r}")
    return str(value)


def _instant(value: datetime.datetime) -> str:
    """A time in UTC, so that one instant is one tag. Raises `InvalidTag`."""
    if value.tzinfo is None:
        raise InvalidTag(f"a tag's time has a time zone, so that one instant is one tag; {value!r} has none")
    try:
        return value.astimezone(datetime.UTC).isoformat()
    except OverflowError:
        raise InvalidTag(f"{value!r} cannot be a tag: in UTC it is beyond the ends of the calendar") from None


def hints(cls: type[Any]) -> dict[str, Any] | None:
    """The annotations of a class, resolved, with their metadata; None if a name is not defined yet."""
    try:
        return get_type_hints(cls, include_extras=True)
    except NameError:
        return None


def unresolved(wrong: NameError) -> str:
    """The words about an annotation that names something which does not exist."""
    return (
        f"{wrong}, but an annotation names it. Annotations are read when the program runs: define it in the module,"
        " and import it there, not only under TYPE_CHECKING"
    )


def tag_fields(cls: type[Any], annotations: dict[str, Any]) -> tuple[TagField, ...]:
    """The tags among the annotated fields. Raises `DefinitionError` if a tag could not be text."""
    found = []
    for name, annotation in annotations.items():
        mark = _mark(annotation)
        if mark is None:
            continue
        if is_marked(annotation):
            raise DefinitionError(
                f"{cls.__qualname__}.{name} is a tag, which is searched and shown everywhere, so it can be neither"
                " personal nor secret. Tag an id that tells nothing, as user: Subject[str], and mark another field"
            )
        key = name if mark.key is None else mark.key
        if not key or ":" in key or key[0] in ',"' or not key.isprintable():
            raise DefinitionError(f"{cls.__qualname__}.{name}: {key!r} cannot be a tag's key")
        try:
            many = _is_many(annotation.__origin__)
        except TypeError as wrong:
            raise DefinitionError(f"{cls.__qualname__}.{name}: {wrong}") from None
        found.append(TagField(name, key, many))
    return tuple(found)


def tagger(fields: tuple[TagField, ...]) -> Callable[[Any], tuple[str, ...]]:
    """A function from a value to its tags, sorted, each once; quick for the usual one or two."""
    if not fields:
        return lambda _owner: ()
    if len(fields) == 1 and not fields[0].many:
        return _one_tag(fields[0])
    return lambda owner: tuple(sorted({text for field in fields for text in field.texts(owner)}))


def _one_tag(field: TagField) -> Callable[[Any], tuple[str, ...]]:
    """As `TagField.texts`, with the usual value straight away: printable text has nothing that a tag may not have."""
    name, prefix, texts = field.name, f"{field.key}:", field.texts

    def tag(owner: Any) -> tuple[str, ...]:
        value = getattr(owner, name)
        if type(value) is str and value and value.isprintable():
            return (prefix + value,)
        return texts(owner)

    return tag


def check_encodable(cls: type[Any]) -> None:
    """Raise `DefinitionError` where a field has a type that JSON cannot carry, or one that can change under the event.

    A pydantic model has checked its own fields.
    """
    if hasattr(cls, "model_validate_json"):
        return
    try:
        info = inspect.type_info(cls)
    except (TypeError, ValueError) as wrong:
        raise DefinitionError(f"{cls.__qualname__}: {wrong}") from wrong
    if getattr(info, "array_like", False):
        raise DefinitionError(
            f"{cls.__qualname__}: an event's data is a JSON object; leave out array_like=True"
        )
    for path, found in _walk(info, cls.__qualname__, set()):
        if isinstance(found, inspect.CustomType):
            raise DefinitionError(
                f"{path}: {found.cls!r} cannot be stored; use plain values, structs, dataclasses, lists or dicts"
            )
        if isinstance(found, (inspect.StructType, inspect.DataclassType)) and not is_frozen(found.cls):
            raise DefinitionError(
                f"{path}: {found.cls.__qualname__} can be changed; make it frozen, an event never changes"
            )


def holds_sets(cls: type[Any]) -> bool:
    """Whether a class that msgspec reads has a set in it, at any depth."""
    found = _walk(inspect.type_info(cls), cls.__qualname__, set())
    return any(isinstance(info, (inspect.SetType, inspect.FrozenSetType)) for _, info in found)


def is_frozen(cls: Any) -> bool:
    """Whether instances refuse assignment: a frozen struct, dataclass, attrs class or pydantic model."""
    cls = get_origin(cls) or cls  # Box[int] is frozen if Box is
    config = getattr(cls, "__struct_config__", None)
    if config is not None:
        return bool(config.frozen)
    if hasattr(cls, "__dataclass_params__"):
        return bool(cls.__dataclass_params__.frozen)
    if hasattr(cls, "__attrs_attrs__"):
        return bool(cls.__setattr__.__name__ == "_frozen_setattrs")
    if hasattr(cls, "model_config"):
        return bool(cls.model_config.get("frozen"))
    return False


def _mark(annotation: Any) -> Tagged | None:
    if get_origin(annotation) is not Annotated:
        return None
    return next((mark for mark in annotation.__metadata__ if isinstance(mark, Tagged)), None)


def _is_many(annotation: Any) -> bool:
    """Whether a tag's type holds several values; TypeError where its values could not be text."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        kinds = {_is_many(part) for part in get_args(annotation) if part is not types.NoneType}
        if len(kinds) != 1:
            raise TypeError(f"a tag is one kind of value, not {annotation}")
        return kinds.pop()
    if origin in CONTAINERS:
        for part in get_args(annotation):
            if part is not Ellipsis:
                _is_many(part)
        return True
    if origin is Literal:
        _check_textlike({type(value) for value in get_args(annotation)}, annotation)
        return False
    if origin is Annotated:
        return _is_many(annotation.__origin__)
    _check_textlike([annotation], annotation)
    return False


def _check_textlike(kinds: Iterable[Any], annotation: Any) -> None:
    for kind in kinds:
        kind = getattr(kind, "__supertype__", kind)  # noqa: PLW2901 - a NewType stands for the type that it wraps
        if not isinstance(kind, type) or kind is bool or not issubclass(kind, TEXTLIKE):
            raise TypeError(
                f"a tag is text, a whole number, a UUID, an enum or a date, or a list of these, not {annotation}"
            )


def _walk(info: inspect.Type, path: str, seen: set[Any]) -> Iterator[tuple[str, inspect.Type]]:
    """Every type inside a type, with the path that leads to it."""
    yield path, info
    fields = getattr(info, "fields", None)
    if fields is not None:
        if info.cls in seen:  # type: ignore[attr-defined]
            return
        seen.add(info.cls)  # type: ignore[attr-defined]
        for field in fields:
            yield from _walk(field.type, f"{path}.{field.name}", seen)
    for attribute in ("item_type", "key_type", "value_type", "type"):
        inner = getattr(info, attribute, None)
        if isinstance(inner, inspect.Type):
            yield from _walk(inner, path, seen)
    for attribute in ("types", "item_types"):
        for inner in getattr(info, attribute, ()):
            yield from _walk(inner, path, seen)
