"""A ticket, and all that may be decided about it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, TypeAlias

import msgspec

from backstory import Author, NewId, Record, Refused, State, Tag, command, depends, provided
from examples.helpdesk.events import Escalated, Opened, Replied, Solved, Taken

Line: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
Words: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=5_000)]

URGENT, WAITING, WORKED_ON = 0, 1, 2
"""The order in which tickets are shown."""


class Message(msgspec.Struct, frozen=True):
    by: str
    at: datetime
    words: str


class Ticket(State):
    ticket: Tag[str]
    subject: str = ""
    open: bool = False
    agent: str = ""
    rank: int = WAITING
    since: str = ""
    messages: list[Message] = []

    def apply(self, event: Opened | Replied | Taken | Escalated | Solved, record: Record) -> None:
        match event:
            case Opened(subject=subject, words=words, by=by):
                self.subject, self.open, self.since = subject, True, record.authored.isoformat()
                self.messages.append(Message(by, record.authored, words))
            case Replied(words=words, by=by):
                self.messages.append(Message(by, record.authored, words))
            case Taken(by=by):
                self.agent, self.rank = by, WORKED_ON
            case Escalated():
                self.rank = URGENT
            case Solved():
                self.open = False


def new(id: NewId) -> Ticket:
    return Ticket(id)


@command(name="helpdesk.open")
def open_ticket(
    subject: Line,
    words: Words,
    by: Author = provided,
    id: NewId = provided,  # noqa: ARG001 - the ticket is found by it
    ticket: Ticket = depends(new),
) -> Opened:
    """Ask the helpdesk for something."""
    return Opened(ticket.ticket, _said(subject), _said(words), by)


@command(name="helpdesk.reply")
def reply(ticket: Ticket, words: Words, by: Author = provided) -> Replied:
    """Add a message to a ticket."""
    _need_open(ticket)
    return Replied(ticket.ticket, _said(words), by)


@command(name="helpdesk.take")
def take(ticket: Ticket, by: Author = provided) -> Taken:
    """Work on a ticket, which nobody else does yet."""
    _need_open(ticket)
    if ticket.agent:
        raise Refused(f"{ticket.agent} works on it already", code="taken")
    return Taken(ticket.ticket, by)


@command(name="helpdesk.solve")
def solve(ticket: Ticket, by: Author = provided) -> Solved:
    """Close a ticket."""
    _need_open(ticket)
    return Solved(ticket.ticket, by)


@command(name="helpdesk.escalate")
def escalate(ticket: Ticket) -> Escalated:
    """Put a ticket before all others."""
    _need_open(ticket)
    if ticket.agent:
        raise Refused("somebody works on it", code="taken")
    return Escalated(ticket.ticket)


def _need_open(ticket: Ticket) -> None:
    if not ticket.subject:
        raise Refused("there is no such ticket", code="unknown")
    if not ticket.open:
        raise Refused("this ticket is solved", code="solved")


def _said(text: str) -> str:
    if not text.strip():
        raise Refused("this is empty", code="empty")
    return text.strip()
