"""What happens to a ticket."""

from __future__ import annotations

from backstory import Event, Tag


class Opened(Event, name="helpdesk.opened"):
    ticket: Tag[str]
    subject: str
    words: str
    by: str


class Replied(Event, name="helpdesk.replied"):
    ticket: Tag[str]
    words: str
    by: str


class Taken(Event, name="helpdesk.taken"):
    ticket: Tag[str]
    by: str


class Escalated(Event, name="helpdesk.escalated"):
    ticket: Tag[str]


class Solved(Event, name="helpdesk.solved"):
    ticket: Tag[str]
    by: str
