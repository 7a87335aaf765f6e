"""Making, deleting and restoring branches, marking, and reverting: each is shown before it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from backstory.documents import document
from backstory.documents.branches import standing_document
from backstory.documents.commits import event_document
from backstory.errors import RevertError
from backstory.failing import theirs
from backstory.history.refs.former import found, restore
from backstory.history.refs.revision import Point
from backstory.history.refs.standing import Standings
from backstory.lookup import events_of
from backstory.subject import subject_of
from backstory.values.ids import new_id
from backstory.web.actions import Form, need
from backstory.web.actions.fields import base_of, is_sure, one, point_of
from backstory.web.ask import SHORT, Ask, BadParameter, NotFound
from backstory.web.merging import LONGEST
from backstory.web.page import Answer, Elsewhere, Page
from backstory.web.shown import count

EVENTS = 100
"""Events that a revert shows; it counts the others."""


class Field(msgspec.Struct, frozen=True):
    """A field of the form that a person fills."""

    name: str
    label: str
    value: str = ""
    required: bool = False
    hint: str = ""


class Plan(msgspec.Struct, frozen=True):
    """The effect of an action in words, and the function that does it and gives the address of what it made.

    `pinned` are the values that what was shown depends on: they come back with the form. It is done only if it
    `is_ready`, and if no `warning` says that it is something else by now.
    """

    title: str
    words: Sequence[str]
    button: str
    document: Mapping[str, Any]
    command: tuple[str, ...]
    do: Callable[[], str]
    fields: Sequence[Field] = ()
    pinned: Mapping[str, str] = {}
    is_ready: bool = True
    warning: str = ""
    refused: str = ""
    events: Sequence[Any] = ()
    events_left: int = 0


def act(ask: Ask, form: Form) -> Answer:
    """Show what it will do; with `sure`, do it."""
    need(ask, "append")
    plan = planned(ask, {name: one(form, name) for name in form})
    if is_sure(form) and plan.is_ready and not plan.warning and not plan.refused:
        return Elsewhere(plan.do())
    return page_of(plan)


def page_of(plan: Plan) -> Page:
    """The page of a plan."""
    return Page("act.html", plan.title, plan.document, plan.command, {"plan": plan})


def planned(ask: Ask, values: Mapping[str, str]) -> Plan:
    """The plan of the action at the address. Raises `NotFound`."""
    match ask.path[1:]:
        case [kind] if kind in PLANS:
            return PLANS[kind](ask, values)
        case _:
            raise NotFound(f"nothing can be done at {'/'.join(ask.path)}")


def _branch(ask: Ask, values: Mapping[str, str]) -> Plan:
    point, name = point_of(ask, values.get("base", "")), values.get("name", "").strip()
    branches = ask.whole.branches
    if name:
        branches.check_new(name)
    where = _where(ask, point)
    return Plan(
        "New branch",
        [f"It begins at {where}. Nothing changes on the branch that it leaves."],
        f"Make {name}" if name else "Make it",
        document("branch", name=name, base=point.position, done=False),
        ("branch", name or "NAME", _revision(point)),
        lambda: ask.url("log", at=branches.create(name, point.chain, point.position).name),
        [Field("name", "Name of the branch", name, required=True)],
        {"base": base_of(point)},
        is_ready=bool(name),
    )


def _mark(ask: Ask, values: Mapping[str, str]) -> Plan:
    point, name = point_of(ask, values.get("base", "")), values.get("name", "").strip()
    reason = values.get("reason", "").strip()[:LONGEST]
    branches = ask.whole.branches
    if name:
        branches.check_new(name)

    def do() -> str:
        branches.set_mark(name, point.chain, point.position, message=reason, author=ask.reader.name)
        return ask.url("branches", at=None)

    return Plan(
        "New mark",
        [f"It names {_where(ask, point)}, and never moves."],
        f"Set {name}" if name else "Set it",
        document("mark", name=name, position=point.position, message=reason, done=False),
        ("mark", name or "NAME", _revision(point), *(("-m", reason) if reason else ())),
        do,
        [Field("name", "Name of the mark", name, required=True), Field("reason", "Why", reason)],
        {"base": base_of(point)},
        is_ready=bool(name),
    )


def _delete(ask: Ask, values: Mapping[str, str]) -> Plan:
    name = values.get("name", "")
    branches = ask.whole.branches
    standing = Standings(branches).of(branches.get(name))
    others = f"{standing.parent} does not have" if standing.parent else "no other branch has"
    left = f" It has {count(standing.ahead, 'commit')} that {others}." if standing.ahead else ""
    pinned = values.get("base", standing.head)

    def do() -> str:
        branches.delete(name)
        return ask.url("branches", at=None)

    return Plan(
        f"Delete {name}",
        [
            f"The name {name} goes; it is at #{standing.position}.{left}",
            "The commits stay in the store, and the branch can be brought back until gc drops them.",
        ],
        f"Delete {name}",
        document("branch", **standing_document(standing)),
        ("branch", "-d", name),
        do,
        pinned={"name": name, "base": standing.head},
        warning="" if pinned == standing.head else f"{name} has gone on since this was shown; look again.",
    )


def _restore(ask: Ask, values: Mapping[str, str]) -> Plan:
    former, name = values.get("name", "").strip(), values.get("as", "").strip()
    branches = ask.whole.branches
    had, number = found(branches, former)
    log = branches.view(branches.chain(number))
    head = log.head()
    name = name or had or ""
    if name:
        branches.check_new(name)
    last = next(log.commits(backwards=True, limit=1), None)
    about = "" if last is None else f": {subject_of(log, last)}"

    def do() -> str:
        return ask.url("log", at=restore(branches, former, name).name)

    return Plan(
        f"Bring {former} back",
        [f"It ends at #{head.position}{about}"],
        f"Bring it back as {name}" if name else "Bring it back",
        document("restored", branch=name, position=head.position, done=False),
        ("branch", "--restore", former, *((name,) if name and name != had else ())),
        do,
        [Field("as", "Name", name, required=True)],
        {"name": former},
        is_ready=bool(name),
    )


def _revert(ask: Ask, values: Mapping[str, str]) -> Plan:
    commits, reason = values.get("commit", "").strip(), values.get("reason", "").strip()[:LONGEST]
    if not commits:
        raise BadParameter("which commit is to be taken back? commit= is its hash, or a range a..b")
    id, db = values.get("id") or new_id(), ask.whole.switch(ask.branch)
    shown = f"{commits[:SHORT]}" if ".." not in commits else commits
    events: list[Any] = []
    refused, nothing = "", False
    with theirs("the function that is registered with @reverts"), db.what_if() as trial:
        try:
            made = trial.revert(commits, id=id, author=ask.reader.name, message=reason or None)
        except RevertError as no:
            refused = f"{no}. Nothing is appended."
        else:
            nothing = made is None
            if made is not None:
                events = [event_document(event) for event in events_of(trial.log, made)]

    def do() -> str:
        with theirs("the function that is registered with @reverts"):
            done = db.revert(commits, id=id, author=ask.reader.name, message=reason or None)
        return ask.url("log", at=ask.branch) if done is None else ask.url("c", done.position, at=ask.branch)

    number = count(len(events), "event")
    words = "There is nothing to undo." if nothing else f"It would append {number}, which say the opposite."
    return Plan(
        f"Take back {shown}",
        [] if refused else [words, "Nothing is taken out of history: a new commit names what it takes back."],
        f"Append {number}",
        document("revert", commits=commits, events=events, refused=refused, done=False),
        ("revert", commits, *(("-m", reason) if reason else ()), "--app"),
        do,
        [Field("reason", "Why", reason, required=True, hint="It becomes the message of the commit.")],
        {"commit": commits, "id": id},
        is_ready=bool(events) and bool(reason),
        refused=refused,
        events=events[:EVENTS],
        events_left=max(0, len(events) - EVENTS),
    )


PLANS: Mapping[str, Callable[[Ask, Mapping[str, str]], Plan]] = {
    "branch": _branch,
    "mark": _mark,
    "delete": _delete,
    "restore": _restore,
    "revert": _revert,
}
"""The actions, by the second part of their address."""


def _revision(point: Point) -> str:
    return "#0" if point.commit is None else point.commit.hash.hex()[:SHORT]


def _where(ask: Ask, point: Point) -> str:
    if point.commit is None:
        return "the beginning, before everything"
    log = ask.whole.branches.view(point.chain)
    return f"#{point.position}: {subject_of(log, point.commit)}"
