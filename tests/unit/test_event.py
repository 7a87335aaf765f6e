"""What is wrong with an event class is said when it is defined or registered, not later."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import re
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Literal, NewType

import attrs
import msgspec
import pydantic
import pytest

from backstory.errors import BackstoryError, DefinitionError, InvalidTag
from backstory.values.codec import PLAIN
from backstory.values.event import Event, Tag, definitions, upcast
from backstory.values.event_types import event_type, register
from backstory.values.fields import Tagged

AccountId = NewType("AccountId", str)


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Loose:
    """A class that JSON does not know."""


class Changeable(msgspec.Struct):
    n: int


@dataclasses.dataclass
class ChangeableData:
    n: int


META: Any = type(Event)


def named(name: Any = None, version: Any = 1, **fields: Any) -> Any:
    """Define an event class with these annotations."""
    namespace = {"__annotations__": fields, "__module__": __name__}
    return META("Made", (Event,), namespace, name=name, version=version)


@pytest.mark.parametrize(
    ("define", "message"),
    [
        (lambda: named(name=""), "printable text"),
        (lambda: named(name="a\nb"), "printable text"),
        (lambda: named(name="\ud800"), "printable text"),
        (lambda: named(name=7), "printable text"),
        (lambda: named(version=0), "counts from 1"),
        (lambda: named(version="2"), "counts from 1"),
        (lambda: named(version=2), "no @upcast(1) that mends version 1"),
        (lambda: named(thing=Loose), "Made.thing"),
        (lambda: named(things=list[Loose]), "Made.things"),
        (lambda: named(things=dict[str, Loose | None]), "Made.things"),
        (lambda: named(inner=Changeable), "make it frozen"),
        (lambda: named(inner=list[Changeable]), "make it frozen"),
        (lambda: named(inner=ChangeableData | None), "make it frozen"),
        (lambda: named(account=Tag[bool]), "Made.account"),
        (lambda: named(account=Tag[float]), "Made.account"),
        (lambda: named(account=Tag[Decimal]), "Made.account"),
        (lambda: named(account=Tag[dict[str, str]]), "Made.account"),
        (lambda: named(account=Tag[list[float]]), "Made.account"),
        (lambda: named(account=Annotated[str | list[str], Tagged()]), "Made.account"),
        (lambda: named(account=Annotated[str, Tagged("")]), "cannot be a tag's key"),
        (lambda: named(account=Annotated[str, Tagged("a:b")]), "cannot be a tag's key"),
        (lambda: named(account=Annotated[str, Tagged(",a")]), "cannot be a tag's key"),
        (lambda: named(account=Annotated[str, Tagged("a\n")]), "cannot be a tag's key"),
    ],
)
def test_what_cannot_be_an_event_is_refused_when_it_is_defined(
    define: Callable[[], Any], message: str
) -> None:
    with pytest.raises(DefinitionError, match=re.escape(message)) as caught:
        define()
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, BackstoryError)


def test_an_upcaster_that_can_never_run_is_refused() -> None:
    with pytest.raises(DefinitionError, match="can never run"):

        class Opened(Event):
            @upcast(1)
            @staticmethod
            def mend(data: dict[str, Any]) -> dict[str, Any]:
                return data


def test_two_upcasters_from_one_version_are_refused() -> None:
    with pytest.raises(DefinitionError, match="two upcasters from version 1"):

        class Opened(Event, version=2):
            @upcast(1)
            @staticmethod
            def one(data: dict[str, Any]) -> dict[str, Any]:
                return data

            @upcast(1)
            @staticmethod
            def other(data: dict[str, Any]) -> dict[str, Any]:
                return data


def test_a_gap_in_a_chain_of_upcasters_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"no @upcast\(2\) that mends version 2"):

        class Opened(Event, version=4):
            @upcast(1)
            @staticmethod
            def first(data: dict[str, Any]) -> dict[str, Any]:
                return data

            @upcast(3)
            @staticmethod
            def third(data: dict[str, Any]) -> dict[str, Any]:
                return data


def test_two_events_of_one_name_are_refused() -> None:
    def define(place: str) -> None:
        META("Opened", (Event,), {"__module__": place, "__qualname__": "Opened"})

    define("one")
    with pytest.raises(DefinitionError, match=r"two events are named 'Opened': one.Opened and other.Opened"):
        define("other")
    define("one")  # the same class again, as a notebook or a reload defines it


def test_a_class_that_is_no_event_cannot_be_appended() -> None:
    with pytest.raises(DefinitionError, match="subclass Event, or register it"):
        PLAIN.encode(Changeable(1))
    with pytest.raises(DefinitionError, match="is not an event"):
        event_type(int)


class Placed(Event, abstract=True):
    place: Tag[str]


class Moved(Placed, name="unit.moved"):
    km: int = 0


class Closed(Placed, name="unit.closed"):
    """Shares the tag, and is another event."""


def test_events_may_share_the_fields_of_an_abstract_base() -> None:
    assert [PLAIN.encode(event).type for event in (Moved("a", 5), Closed("a"))] == [
        "unit.moved",
        "unit.closed",
    ]
    assert PLAIN.encode(Moved("a", 5)).tags == ("place:a",)
    with pytest.raises(
        DefinitionError, match=r"Placed is abstract, so it is not an event.*such as Closed \| Moved"
    ):
        PLAIN.encode(Placed("a"))
    with pytest.raises(DefinitionError, match="has no name and no version"):

        class Named(Event, abstract=True, name="named"):
            pass


def test_a_class_that_derives_from_an_event_is_refused_and_the_union_is_named() -> None:
    with pytest.raises(DefinitionError, match=r"AnyMoved = Moved \| MovedFar.*abstract=True"):

        class MovedFar(Moved, name="moved.far"):
            pass

    with pytest.raises(DefinitionError, match="derives from the event Moved"):

        class Between(Moved, abstract=True):
            pass

    assert "moved.far" not in definitions


def structs() -> tuple[Any, Any]:
    class Parent(msgspec.Struct, frozen=True):
        n: int

    class Child(Parent, frozen=True):
        pass

    return Parent, Child


def data_classes() -> tuple[Any, Any]:
    @dataclasses.dataclass(frozen=True)
    class Parent:
        n: int

    @dataclasses.dataclass(frozen=True)
    class Child(Parent):
        pass

    return Parent, Child


def attrs_classes() -> tuple[Any, Any]:
    @attrs.frozen
    class Parent:
        n: int

    @attrs.frozen
    class Child(Parent):
        pass

    return Parent, Child


def models() -> tuple[Any, Any]:
    class Parent(pydantic.BaseModel, frozen=True):
        n: int

    class Child(Parent, frozen=True):
        pass

    return Parent, Child


@pytest.mark.parametrize("classes", [structs, data_classes, attrs_classes, models])
def test_so_is_a_registered_class_in_either_order(classes: Callable[[], tuple[Any, Any]]) -> None:
    parent, child = classes()
    register(parent)
    with pytest.raises(DefinitionError, match=r"AnyParent = Parent \| Child"):
        register(child)
    with pytest.raises(DefinitionError, match="although it derives from Parent"):
        PLAIN.encode(child(n=5))
    parent, child = classes()
    register(child)
    with pytest.raises(DefinitionError, match=r"AnyParent = Parent \| Child"):
        register(parent)


def test_an_annotation_that_is_not_defined_yet_is_checked_when_it_is_used() -> None:
    made = named(inner="NotYet")
    with pytest.raises(DefinitionError, match="not defined"):
        event_type(made)


class ByStruct(msgspec.Struct, frozen=True):
    account: Tag[str]
    cents: int


@dataclasses.dataclass(frozen=True)
class ByDataclass:
    account: Tag[str]
    cents: int


@attrs.frozen
class ByAttrs:
    account: Tag[str]
    cents: int


class ByPydantic(pydantic.BaseModel, frozen=True):
    account: Tag[str]
    cents: int


@pytest.mark.parametrize("cls", [ByStruct, ByDataclass, ByAttrs, ByPydantic])
def test_other_kinds_of_classes_may_be_registered(cls: Any) -> None:
    assert register(cls, name="bank.deposited") is cls
    event = cls(account="a-7", cents=5)
    stored = PLAIN.encode(event)
    assert (stored.type, stored.version, stored.tags) == ("bank.deposited", 1, ("account:a-7",))
    assert stored.data == b'{"account":"a-7","cents":5}'
    assert PLAIN.decode(stored) == event


@pytest.mark.parametrize("cls", [ByStruct, ByDataclass, ByAttrs, ByPydantic])
def test_registered_classes_have_versions_and_upcasters_too(cls: Any) -> None:
    register(cls, name="d", version=2, upcasters={1: lambda old: {"account": old["a"], "cents": 1}})
    assert PLAIN.encode(cls(account="a", cents=2)).version == 2
    old = msgspec.structs.replace(PLAIN.encode(cls(account="a", cents=2)), version=1, data=b'{"a":"b"}')
    assert PLAIN.decode(old) == cls(account="b", cents=1)
    with pytest.raises(DefinitionError, match=r"no @upcast\(2\)"):
        register(cls, name="d", version=3, upcasters={1: lambda old: old})


class OpenPydantic(pydantic.BaseModel):
    n: int


@attrs.define
class OpenAttrs:
    n: int


@pytest.mark.parametrize("cls", [Changeable, ChangeableData, OpenAttrs, OpenPydantic, Loose, int])
def test_a_class_that_can_be_changed_cannot_be_registered(cls: Any) -> None:
    with pytest.raises(DefinitionError, match="frozen"):
        register(cls)


@pytest.mark.parametrize(
    ("kind", "value", "tags"),
    [
        (str, "a-7", ("t:a-7",)),
        (int, 7, ("t:7",)),
        (AccountId, AccountId("a"), ("t:a",)),
        (Colour, Colour.RED, ("t:red",)),
        (Literal["a", "b"], "b", ("t:b",)),
        (uuid.UUID, uuid.UUID(int=1), ("t:00000000-0000-0000-0000-000000000001",)),
        (datetime.date, datetime.date(2026, 1, 2), ("t:2026-01-02",)),
        (str | None, None, ()),
        (str | None, "a", ("t:a",)),
        (list[str], ["b", "a", "b"], ("t:a", "t:b")),
        (list[str], [], ()),
        (tuple[int, ...], (2, 1), ("t:1", "t:2")),
        (frozenset[str], frozenset("ab"), ("t:a", "t:b")),
        (list[str] | None, None, ()),
    ],
)
def test_tags_come_from_values(kind: Any, value: Any, tags: tuple[str, ...]) -> None:
    made = named(t=Annotated[kind, Tagged()])
    assert PLAIN.encode(made(value)).tags == tags


@pytest.mark.parametrize("value", ["", "a\0"])
def test_a_value_that_is_no_tag_is_refused(value: str) -> None:
    made = named(t=Tag[str], many=Tag[list[str]])
    for event in (made(value, []), made("a", [value])):
        with pytest.raises(InvalidTag, match=r"Made\.(t|many)"):
            PLAIN.encode(event)


def test_a_field_may_tag_under_another_key() -> None:
    made = named(source=Annotated[str, Tagged("account")], target=Annotated[str, Tagged("account")], note=str)
    assert PLAIN.encode(made("b", "a", "x")).tags == ("account:a", "account:b")
    assert PLAIN.encode(made("a", "a", "x")).tags == ("account:a",)
