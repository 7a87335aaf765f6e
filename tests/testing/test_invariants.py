"""@invariant: what is true of a state whatever happens."""

from __future__ import annotations

from backstory import State, Tag, invariant
from backstory.decide.invariants import broken
from tests.testing.warehouse import Shelf, Stored


class Base(State):
    shelf: Tag[str]
    amount: int = 1

    def apply(self, event: Stored) -> None:
        self.amount = event.amount

    @invariant
    def at_least_one(self) -> bool:
        return self.amount >= 1

    @invariant
    def at_most_nine(self) -> bool:
        return self.amount <= 9


class Narrower(Base):
    @invariant
    def at_most_nine(self) -> bool:
        """At most five, rather.

        There is no room for more.
        """
        return self.amount <= 5

    @invariant
    def even(self) -> None:
        if self.amount % 2:
            raise AssertionError


def test_what_does_not_hold_is_told_in_words() -> None:
    assert list(broken(Base("s-1", 0))) == ["at least one"]
    assert not list(broken(Base("s-1", 9)))


def test_they_are_inherited_and_may_be_replaced_and_added_to() -> None:
    assert list(broken(Narrower("s-1", 9))) == ["At most five, rather", "even"]


def test_an_assertions_own_message_is_preferred() -> None:
    assert list(broken(Shelf("s-1", 1, ["red", "blue"]))) == ["2 colours of 1"]
