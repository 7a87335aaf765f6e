"""An application with marks in every place where there may be some, and a value planted in each."""

from __future__ import annotations

import dataclasses
from typing import Any

import attrs
import msgspec
import pydantic

from backstory import (
    Event,
    Personal,
    Projection,
    Refused,
    Secret,
    State,
    Subject,
    Tag,
    Tx,
    command,
    register,
    reverts,
)

PERSONAL = "PERSONAL-canary"
SECRET = "SECRET-canary"


class Address(msgspec.Struct, frozen=True):
    city: str
    street: Personal[str] = PERSONAL


class Key(msgspec.Struct, frozen=True, array_like=True):
    name: str
    value: Secret[str] = SECRET


class Registered(Event, name="privacy.registered", rename="camel"):
    user: Subject[str]
    full_name: Personal[str]
    token: Secret[str] = SECRET
    age: Personal[int] | None = None
    homes: tuple[Address, ...] = (Address("Ulm"),)
    keys: tuple[Key, ...] = (Key("first"),)
    plan: str = "free"


class Renamed(Event, name="privacy.renamed"):
    user: Subject[str]
    full_name: Personal[str]
    plan: str = "paid"


@register
@dataclasses.dataclass(frozen=True)
class Called:
    user: Subject[str]
    number: Personal[str] = PERSONAL


@register
@attrs.frozen
class Mailed:
    user: Subject[str]
    address: Personal[str] = PERSONAL


@register
class Paid(pydantic.BaseModel, frozen=True):
    user: Subject[str]
    card: Secret[str] = SECRET
    cents: int = 5


class User(State):
    """A person."""

    user: Tag[str]
    full_name: Personal[str] = ""
    token: Secret[str] = ""
    homes: list[Address] = msgspec.field(default_factory=list)
    plan: str = ""

    def apply(self, event: Registered | Renamed | Called | Mailed | Paid) -> None:
        match event:
            case Registered():
                self.full_name, self.token, self.homes = event.full_name, event.token, list(event.homes)
                self.plan = event.plan
            case Renamed():
                self.full_name, self.plan = event.full_name, event.plan


class Member(State, rename="camel"):
    """A person, whose fields have other names in JSON."""

    user: Tag[str]
    full_name: Personal[str] = ""

    def apply(self, event: Registered | Renamed) -> None:
        self.full_name = event.full_name


class People(Projection, partition="user", on_error="park"):
    """Takes no name that was taken from somebody else, and says so with the name."""

    tables = "CREATE TABLE people (user TEXT PRIMARY KEY, name TEXT)"

    def apply(self, event: Registered | Renamed, tx: Tx) -> None:
        if event.full_name.endswith("-here"):
            raise ValueError(f"{event.full_name} is another one's")
        tx.execute("INSERT OR REPLACE INTO people VALUES (?, ?)", (event.user, event.full_name))


@command
def enrol(
    user: User, name: Personal[str], password: Secret[str], keys: tuple[Key, ...] = (), plan: str = "free"
) -> Registered:
    """Enrol somebody."""
    return Registered(user.user, name, plan=plan)


@command
def rename(user: User, name: Personal[str]) -> Renamed | None:
    if user.full_name == name:
        raise Refused("the same name", code="same", user=user)
    return Renamed(user.user, name)


@command
def wrong(user: User, name: Personal[str]) -> Any:
    return name


@reverts(Renamed)
def back(event: Renamed) -> Renamed:
    return Renamed(event.user, PERSONAL + " again", "back")
