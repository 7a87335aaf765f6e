"""What happens to a ticket."""

from __future__ import annotations

from backstory import Event, Tag


class Opened(Event, name="desk.opened"):
    ticket: Tag[str]
    subject: str
    words: str
    by: str


class Replied(Event, name="desk.replied"):
    ticket: Tag[str]
    words: str
    by: str


class Taken(Event, name="desk.taken"):
    ticket: Tag[str]
    by: str


class Escalated(Event, name="desk.escalated"):
    ticket: Tag[str]


class Solved(Event, name="desk.solved"):
    ticket: Tag[str]
    by: str
