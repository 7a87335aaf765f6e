"""A helpdesk: commands with states that may be missing, that are many, or that another state names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from backstory import Author, Event, NewId, Now, Random, Refused, State, Tag, command, depends, provided


class Opened(Event, name="case.opened"):
    ticket: Tag[str]
    by: str
    at: datetime


class Assigned(Event, name="case.assigned"):
    ticket: Tag[str]
    agent: Tag[str]


class Closed(Event, name="case.closed"):
    ticket: Tag[str]
    agent: Tag[str]


class Reopened(Event, name="case.reopened"):
    ticket: Tag[str]


class Ticket(State):
    ticket: Tag[str]
    status: str = ""
    agent: str = ""
    opened: datetime | None = None

    def apply(self, event: Opened | Assigned | Closed | Reopened) -> None:
        match event:
            case Opened(at=at):
                self.status, self.opened = "open", at
            case Assigned(agent=agent):
                self.agent = agent
            case Closed():
                self.status = "closed"
            case Reopened():
                self.status = "open"


class Agent(State):
    agent: Tag[str]
    open: int = 0
    lead: str = ""

    def apply(self, event: Assigned | Closed | Promoted) -> None:
        match event:
            case Assigned():
                self.open += 1
            case Closed():
                self.open -= 1
            case Promoted(lead=lead):
                self.lead = lead


class Promoted(Event, name="case.promoted"):
    agent: Tag[str]
    lead: str


class Silence(Event, name="case.silence"):
    agent: Tag[str]


LIMIT = 5


@command(name="desk.open")
def open_ticket(
    ticket: Ticket | None = None, new: NewId = provided, now: Now = provided, by: Author = provided
) -> Opened:
    """Open a ticket, under its own name or a new one."""
    return Opened(ticket.ticket if ticket else new, by, now)


@command(name="desk.assign")
def assign(ticket: Ticket, agent: Agent) -> Assigned:
    if agent.open >= LIMIT:
        raise Refused("that agent has enough to do")
    return Assigned(ticket.ticket, agent.agent)


def assignee(ticket: Ticket) -> Agent | None:
    """The agent whom a ticket names."""
    return Agent(ticket.agent) if ticket.agent else None


def lead(agent: Agent | None) -> Agent | None:
    """The agent above another."""
    return Agent(agent.lead) if agent and agent.lead else None


@command(name="desk.close")
def close(ticket: Ticket, agent: Agent | None = depends(assignee)) -> Closed:
    if agent is None:
        raise Refused("nobody has it")
    return Closed(ticket.ticket, agent.agent)


@command(name="desk.escalate")
def escalate(
    ticket: Ticket, above: Agent | None = depends(lead), agent: Agent | None = depends(assignee)
) -> Assigned:
    if above is None:
        raise Refused("nobody is above")
    return Assigned(ticket.ticket, above.agent)


def holders(tickets: list[Ticket]) -> list[Agent]:
    """The agents whom some tickets name."""
    return [Agent(ticket.agent) for ticket in tickets if ticket.agent]


@command(name="desk.close-all")
def close_all(
    tickets: list[Ticket], agents: list[Agent] = depends(holders), note: str = ""
) -> Iterator[Closed]:
    for ticket, agent in zip(tickets, agents, strict=True):
        yield Closed(ticket.ticket, agent.agent)


@command(name="desk.reopen")
def reopen(ticket: Ticket, now: Now = provided) -> Reopened:
    assert ticket.opened is not None
    if now - ticket.opened > timedelta(days=14):
        raise Refused("too late")
    return Reopened(ticket.ticket)


@command(name="desk.draw")
def draw_lots(agents: list[Agent], ticket: Ticket, chance: Random = provided) -> Assigned:
    """Give a ticket to one of these agents."""
    return Assigned(ticket.ticket, chance.choice(agents).agent)
