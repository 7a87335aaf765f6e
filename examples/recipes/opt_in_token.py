"""A person who signs up gets a token by mail, which confirms the address: once, and not for ever.

The token is random, and a decision is not: it is made outside, and comes in as an argument.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from backstory import Event, Refused, State, Tag, command
from backstory.store import Record

VALID = timedelta(hours=1)


class SignUpRequested(Event, name="recipes.sign_up_requested"):
    email: Tag[str]
    token: Tag[str]


class SignUpConfirmed(Event, name="recipes.sign_up_confirmed"):
    email: Tag[str]
    token: Tag[str]


class SignUp(State):
    """Both tags are its identity, so it reads the events that have both: a token for another address is unknown."""

    email: Tag[str]
    token: Tag[str]
    expires: datetime | None = None
    confirmed: bool = False

    def apply(self, event: SignUpRequested | SignUpConfirmed, record: Record) -> None:
        match event:
            case SignUpRequested():
                self.expires = record.authored + VALID
            case SignUpConfirmed():
                self.confirmed = True


@command
def request_sign_up(sign_up: SignUp) -> SignUpRequested:
    if sign_up.expires is not None:
        raise Refused("token used before")
    return SignUpRequested(sign_up.email, sign_up.token)


@command
def confirm(sign_up: SignUp, now: datetime) -> SignUpConfirmed | None:
    if sign_up.expires is None:
        raise Refused("no such token")
    if sign_up.confirmed:
        return None  # people click twice
    if now > sign_up.expires:
        raise Refused("token expired", expired=sign_up.expires)
    return SignUpConfirmed(sign_up.email, sign_up.token)
