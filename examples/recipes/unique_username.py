"""A username belongs to one account, and stays reserved for a while after it was given up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from backstory import Event, Refused, State, Tag, Tagged, command
from backstory.store import Record

RETENTION = timedelta(days=3)
"""So that nobody slips into a name that others still write to."""


class AccountRegistered(Event, name="recipes.account_registered"):
    account: Tag[str]
    username: Tag[str]


class UsernameChanged(Event, name="recipes.username_changed"):
    account: Tag[str]
    old: Annotated[str, Tagged("username")]
    new: Annotated[str, Tagged("username")]


class AccountClosed(Event, name="recipes.account_closed"):
    account: Tag[str]
    username: Tag[str]


class Username(State):
    username: Tag[str]
    owner: str | None = None
    free_from: datetime = datetime.min.replace(tzinfo=UTC)

    def apply(self, event: AccountRegistered | UsernameChanged | AccountClosed, record: Record) -> None:
        match event:
            case AccountRegistered() | UsernameChanged(new=self.username):
                self.owner = event.account
            case _:
                self.owner = None
                self.free_from = record.authored + RETENTION

    def need_free(self, now: datetime) -> None:
        if self.owner is not None or now < self.free_from:
            raise Refused("username taken", username=self.username)


@command
def register(username: Username, account: str, now: datetime) -> AccountRegistered:
    username.need_free(now)
    return AccountRegistered(account, username.username)


@command
def change_username(old: Username, new: Username, account: str, now: datetime) -> UsernameChanged:
    if old.owner != account:
        raise Refused("not your username")
    new.need_free(now)
    return UsernameChanged(account, old.username, new.username)


@command
def close_account(username: Username, account: str) -> AccountClosed:
    if username.owner != account:
        raise Refused("not your username")
    return AccountClosed(account, username.username)
