"""Events: immutable facts, written as small classes.

    class Withdrawn(Event, name="bank.withdrawn", version=2):
        account: Tag[str]
        cents: int

        @upcast(1)
        @staticmethod
        def in_cents(data: dict[str, Any]) -> dict[str, Any]:
            return {"account": data["account"], "cents": data["dollars"] * 100}

The declarations of a class are noted when it is defined; `backstory.values.codec` gives them meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, dataclass_transform

import msgspec

from backstory.errors import DefinitionError
from backstory.told import note_line
from backstory.values.event_data import RESERVED, Shown
from backstory.values.fields import Tagged, check_encodable, hints, is_frozen, tag_fields
from backstory.values.privacy import Privacy
from backstory.values.veil import own_veil

if TYPE_CHECKING:
    from typing import Self

T = TypeVar("T")
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]

definitions: dict[str, type[Any]] = {}
"""Every event class by its stable name, without registration by hand."""

families: list[Callable[[str], type[Any] | None]] = []
"""Functions that find the class of a stored event whose class is made when it is first needed, by its name."""

replaced: set[type[Any]] = set()
"""Event classes of a module or notebook that were defined anew: code that names them means the new ones by now."""


Tag = Annotated[T, Tagged()]
"""`account: Tag[str]` makes the tag `account:<value>`; `Tag[list[str]]` makes one for each value."""

Subject = Annotated[T, Tagged(), Privacy.SUBJECT]
"""`user: Subject[str]` is a tag, and says whose the personal data beside it is."""


class upcast:  # noqa: N801 - used as a decorator
    """Mends the data of an old version: `@upcast(1)` takes version 1's dict and returns version 2's.

    Pure, dict to dict, in the class body of the event; applied in a chain up to the class's version.
    """

    def __init__(self, version: int) -> None:
        self.version = version
        self.function: Upcaster | None = None

    def __call__(self, function: Upcaster) -> Self:
        """Remember the function; a staticmethod is unwrapped."""
        self.function = getattr(function, "__func__", function)
        return self


class Definition(msgspec.Struct, frozen=True):
    """The declarations of an event class: its stable name, its version, and the upcasters of older versions."""

    name: str
    version: int
    upcasters: dict[int, Upcaster]


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class EventMeta(msgspec.StructMeta):
    """Takes `name`, `version` and `abstract` from the class statement; msgspec's own metaclass would refuse them."""

    def __new__(  # noqa: PYI034 - a metaclass makes classes, not itself
        mcls,
        class_name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        /,
        *,
        name: str | None = None,
        version: int = 1,
        abstract: bool = False,
        **config: Any,
    ) -> EventMeta:
        cls = super().__new__(mcls, class_name, bases, namespace, **config)
        if not any(isinstance(base, EventMeta) for base in bases):
            return cls
        if not abstract:
            define(cls, name, version, namespace)
            return cls
        check_base(cls)
        if name is not None or version != 1:
            raise DefinitionError(
                f"{cls.__qualname__} is abstract, so it is not an event, and has no name and no version"
            )
        return cls


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Event(msgspec.Struct, frozen=True, metaclass=EventMeta):
    """The base class of events. Subclass it with typed fields; mark with `Tag` those that name its subject.

    Class keywords: the log stores `name` (default: the class's name), so the class may be renamed;
    `version` (default: 1) goes up when old data needs mending, with an `@upcast` for each older version;
    `abstract=True` is for a base that only shares fields, and is no event itself. An event class has no subclasses:
    where code takes several events, name their union, `Paid = CashPaid | CardPaid`.
    """

    def __repr__(self) -> str:
        """As one would write it, its personal and secret parts masked."""
        from backstory.values.masking import own_repr

        return own_repr(self, super().__repr__)

    def _repr_html_(self) -> str:
        """For notebooks: a row for each field, masked."""
        from backstory.values.masking import own_html

        return own_html(self)

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """The same for Rich."""
        from backstory.values.masking import rich_repr

        return rich_repr(self)


class Unknown(Shown, frozen=True):
    """A stored event that no class here can read: its raw data, None if they are withheld, and why.

    It can be appended again, as the same event.
    """

    type: str
    version: int
    tags: tuple[str, ...]
    data: Any
    why: str

    def masks(self) -> dict[str, Any]:
        """The data, masked by the class of this name, if there is one of another version."""
        from backstory.values.masking import event_veil, masked

        return {"data": masked(self.data, event_veil(self.type))}


WITHHELD = "its data is withheld"
"""The words about an event whose data somebody has taken away."""


def define(cls: type[Any], name: str | None, version: int, namespace: dict[str, Any]) -> Definition:
    """Note name, version and upcasters of an event class. Raises `DefinitionError` if it cannot be an event."""
    name = cls.__name__ if name is None else name
    if not isinstance(name, str) or not name or not name.isprintable():
        raise DefinitionError(f"{cls.__qualname__}: an event's name is printable text, not {name!r}")
    if name.startswith(RESERVED) and not cls.__module__.startswith("backstory."):
        raise DefinitionError(
            f"{cls.__qualname__}: the name {name!r} begins with {RESERVED!r}, which is kept for Backstory itself"
        )
    if not isinstance(version, int) or version < 1:
        raise DefinitionError(f"{cls.__qualname__}: an event's version counts from 1, not {version!r}")
    if not is_frozen(cls):
        raise DefinitionError(f"{cls.__qualname__} must be frozen: an event never changes")
    annotations = hints(cls)
    if annotations is not None:
        tag_fields(cls, annotations)
        check_encodable(cls)
    check_base(cls)
    other = definitions.get(name)
    if other is not None and not _replaces(cls, other):
        raise DefinitionError(
            f"two events are named {name!r}: {_place(other)} and {_place(cls)}; give one of them another name="
        )
    definition = Definition(name, version, _upcasters(cls, version, namespace))
    cls.__backstory__ = definition
    note_line(cls)
    definitions[name] = cls
    replaced.discard(cls)
    if other is not None and other is not cls and "<locals>" not in other.__qualname__:
        replaced.add(other)
    if not isinstance(cls, EventMeta) and own_veil(cls) is not None:
        _mask_repr(cls)
    return definition


def class_of(name: str, among: Mapping[str, type[Any]] = definitions) -> type[Any] | None:
    """The class of the events of a name: one that is defined, or that a family makes. Raises `DefinitionError`."""
    cls = among.get(name)
    if cls is not None:
        return cls
    return next((cls for family in families if (cls := family(name)) is not None), None)


def is_event(cls: Any) -> bool:
    """Whether this very class is an event: neither a base of events nor a class that derives from one."""
    return isinstance(cls, type) and "__backstory__" in vars(cls)


def check_base(cls: type[Any]) -> None:
    """Raise `DefinitionError` for a class that derives from an event, or from which an event derives.

    The log knows types by name. Code that takes the base would not see the other events, or would see those of the
    modules that happen to be imported.
    """
    base = next((base for base in cls.__mro__[1:] if is_event(base)), None)
    derived = next(
        (event for event in definitions.values() if event is not cls and issubclass(event, cls)), None
    )
    if base is not None:
        raise DefinitionError(_derives(cls, base))
    if derived is not None:
        raise DefinitionError(_derives(derived, cls))


def _derives(cls: type[Any], base: type[Any]) -> str:
    one, other = base.__name__, cls.__name__
    return (
        f"{cls.__qualname__} derives from the event {one}, so code that takes {one} would not see it. Make each an"
        f" event of its own, and where code takes either, name their union: Any{one} = {one} | {other}. Fields that"
        " they share may stand in a base that is no event: class Base(Event, abstract=True)"
    )


def _mask_repr(cls: type[Any]) -> None:
    """Let a class that is no `Event` show no more of itself than one."""
    from backstory.values.masking import own_repr, rich_repr

    written: Any = cls.__repr__

    def masked(self: Any) -> str:
        return own_repr(self, lambda: str(written(self)))

    cls.__repr__ = cls.__str__ = masked  # type: ignore[assignment]
    cls.__rich_repr__ = rich_repr


def _replaces(cls: type[Any], other: type[Any]) -> bool:
    """The same class again (a notebook cell, a reload), or one that lived in a function, may be replaced."""
    return _place(cls) == _place(other) or "<locals>" in other.__qualname__ or "<locals>" in cls.__qualname__


def _place(cls: type[Any]) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _upcasters(cls: type[Any], version: int, namespace: dict[str, Any]) -> dict[int, Upcaster]:
    found: dict[int, Upcaster] = {}
    for value in namespace.values():
        if isinstance(value, upcast) and value.function is not None:
            if value.version in found:
                raise DefinitionError(f"{cls.__qualname__}: two upcasters from version {value.version}")
            found[value.version] = value.function
    missing = sorted(set(range(1, version)) - set(found))
    beyond = sorted(set(found) - set(range(1, version)))
    if missing:
        raise DefinitionError(
            f"{cls.__qualname__} has version {version}, but no @upcast({missing[0]}) that mends version {missing[0]}"
        )
    if beyond:
        raise DefinitionError(
            f"{cls.__qualname__} has version {version}, so an upcaster from version {beyond[0]} can never run"
        )
    return found
