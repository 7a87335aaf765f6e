"""Readers, and what they owe."""

from __future__ import annotations

from backstory import Refused, State, Tag, command
from library.events import FinePaid, ReaderFined, ReaderJoined


class Reader(State):
    reader: Tag[str]
    name: str = ""
    owes: int = 0

    def apply(self, event: ReaderJoined | ReaderFined | FinePaid) -> None:
        match event:
            case ReaderJoined(name=name):
                self.name = name
            case ReaderFined(cents=cents):
                self.owes += cents
            case FinePaid(cents=cents):
                self.owes -= cents


@command
def join(reader: Reader, name: str) -> ReaderJoined:
    if reader.name:
        raise Refused("there is such a reader", code="exists")
    return ReaderJoined(reader.reader, name)


@command
def pay(reader: Reader, cents: int) -> FinePaid:
    if cents > reader.owes:
        raise Refused("that is more than the reader owes", code="too-much", owes=reader.owes)
    return FinePaid(reader.reader, cents)
