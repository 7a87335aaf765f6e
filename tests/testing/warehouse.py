"""Shelves: the domain of these tests."""

from __future__ import annotations

from backstory import Event, Refused, State, Tag, command, invariant


class Stored(Event, name="warehouse.stored"):
    shelf: Tag[str]
    amount: int
    colours: list[str] = []


class Taken(Event, name="warehouse.taken"):
    shelf: Tag[str]
    amount: int


class Counted(Event, name="warehouse.counted"):
    shelf: Tag[str]
    amount: int


class Shelf(State):
    shelf: Tag[str]
    amount: int = 0
    colours: list[str] = []

    def apply(self, event: Stored | Taken | Counted) -> None:
        match event:
            case Stored(amount=amount, colours=colours):
                self.amount += amount
                self.colours += colours
            case Taken(amount=amount):
                self.amount -= amount
            case Counted(amount=amount):
                self.amount = amount

    @invariant
    def not_negative(self) -> bool:
        """Never owes anything."""
        return self.amount >= 0

    @invariant
    def colours_are_of_what_is_there(self) -> None:
        assert len(self.colours) <= max(self.amount, 1), f"{len(self.colours)} colours of {self.amount}"


SHELF = Shelf("s-1")


@command
def store(shelf: Shelf, amount: int) -> Stored:
    return Stored(shelf.shelf, amount)


@command
def take(shelf: Shelf, amount: int) -> Taken:
    if amount > shelf.amount:
        raise Refused("not enough there", code="too few", left=shelf.amount)
    return Taken(shelf.shelf, amount)


@command
def lose(shelf: Shelf, amount: int) -> Taken:
    """Forgets the rule."""
    return Taken(shelf.shelf, amount)


@command
def count(shelf: Shelf, amount: int) -> Counted | None:
    return Counted(shelf.shelf, amount) if amount != shelf.amount else None
