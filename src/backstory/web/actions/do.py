"""A command of the application, tried on a branch that is nowhere: then kept under a name, done, or dropped.

Nothing is stored until then: a form carries what was asked, the point at which it was tried, and an id. It is kept by
deciding again at the same point, which no other append moves. It is done by deciding again at the end of the branch,
if no event that it reads has come since; and once, by the id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backstory.documents import document
from backstory.documents.commits import event_document
from backstory.documents.decisions import preview_document, refusal_document
from backstory.errors import Conflict, Refused
from backstory.failing import theirs
from backstory.lookup import commit_with, has_commit
from backstory.values.codec import PLAIN
from backstory.values.ids import new_id
from backstory.values.query import Condition
from backstory.web.actions import Form, need
from backstory.web.actions.fields import base_of, is_sure, one, point_of, reason
from backstory.web.ask import Ask, BadParameter, NotFound
from backstory.web.asked import PREFIX, address, application_of, call_of, fields_of, words_of
from backstory.web.page import Answer, Elsewhere, Page

if TYPE_CHECKING:
    from backstory.database import Database
    from backstory.decide.call import Command
    from backstory.decide.commands import CommandType
    from backstory.history.refs.revision import Point

EVENTS = 100
"""Events that are shown; others are counted."""

CHANGES = 100
"""Changes of a state that are shown."""


def act(ask: Ask, form: Form) -> Answer:
    """Try the command; with `sure`, keep it on a branch of its own or do it."""
    need(ask, "append")
    match ask.path[1:]:
        case [name]:
            command = application_of(ask).command(name)
        case _:
            raise NotFound(f"nothing can be done at {'/'.join(ask.path)}")
    values = {name: one(form, name) for name in form if name.startswith(PREFIX)}
    call = call_of(command, values)
    db = ask.whole.switch(ask.branch)
    point = point_of(ask, one(form, "base"))
    given = {"id": one(form, "id") or new_id(), "author": ask.reader.name, "message": reason(form) or None}
    tried = _Tried(ask, command, call, values, point, given)
    if not is_sure(form):
        return tried.page(db)
    match one(form, "do"):
        case "keep":
            return tried.kept(db, one(form, "name").strip())
        case "append":
            return tried.appended(db)
        case other:
            raise BadParameter(f"do is keep or append, not {other[:60]!r}")


def form_of(ask: Ask, command: CommandType[...], values: Mapping[str, str]) -> Page:
    """The form of a command, filled with these values."""
    application = application_of(ask)
    name = address(application, command)
    return Page(
        "do.html",
        command.name,
        document("command", name=command.name, fields=[field.name for field in fields_of(command, values)]),
        ("do", name, "--help"),
        {
            "command": command,
            "name": name,
            "fields": list(fields_of(command, values)),
            "doc": command.__doc__ or "",
        },
    )


class _Tried:
    """A call of a command, at a point."""

    def __init__(
        self,
        ask: Ask,
        command: CommandType[...],
        call: Command,
        values: Mapping[str, str],
        point: Point,
        given: Mapping[str, Any],
    ) -> None:
        self._ask = ask
        self._command = command
        self._call = call
        self._values = values
        self._point = point
        self._given = given
        self._name = address(application_of(ask), command)

    @property
    def _base(self) -> str:
        return base_of(self._point)

    @property
    def _at(self) -> Any:
        """The point as a revision."""
        return self._point.position if self._point.commit is None else self._base

    def page(self, db: Database, note: str = "", status: int = 200) -> Page:
        """The page of the events that the command would give there, or of its refusal."""
        try:
            with (
                theirs(str(self._call)),
                db.what_if(self._at) as trial,
                trial.context(author=self._given["author"], message=self._given["message"]),
            ):
                seen = trial.preview(self._call)
        except Refused as no:
            found = refusal_document(self._call, no)
            return self._page(document("refusal", **found), {"refusal": found, "note": note}, status)
        encoded = [PLAIN.encode(event) for event in seen.events]
        found = preview_document(self._call, seen, encoded)
        states = [
            {**state, "left": max(0, len(state["changes"]) - CHANGES), "changes": state["changes"][:CHANGES]}
            for state in found["states"]
        ]
        return self._page(
            document("preview", **found),
            {
                "refusal": None,
                "note": note,
                "events": [event_document(event) for event in encoded[:EVENTS]],
                "events_left": max(0, len(encoded) - EVENTS),
                "states": states,
            },
            status,
        )

    def _page(self, found: Mapping[str, Any], values: Mapping[str, Any], status: int) -> Page:
        ask, given = self._ask, self._given
        hidden = {**self._values, "base": self._base, "id": given["id"], "reason": given["message"] or ""}
        words = words_of(self._command, self._name, self._values)
        at_end = ask.whole.switch(ask.branch).head().position == self._point.position
        return Page(
            "tried.html",
            str(self._call),
            found,
            (*words, "-b", ask.branch, "--preview", "--app") if at_end else (),
            {
                "call": str(self._call),
                "name": self._name,
                "hidden": hidden,
                "point": self._point,
                "is_end": at_end,
                "branch": ask.branch,
                "back": ask.url("do", self._name, **self._values),
                **values,
            },
            status,
        )

    def kept(self, db: Database, name: str) -> Answer:
        """Decide it again at the same point, and keep that as a branch."""
        if not name:
            raise BadParameter("the branch needs a name")
        db.branches.check_new(name)
        try:
            with theirs(str(self._call)), db.what_if(self._at) as trial:
                trial.execute(self._call, **self._given)
                trial.keep(name)
        except Refused:
            return self.page(db, status=409)
        return Elsewhere(self._ask.url("log", at=name))

    def appended(self, db: Database) -> Answer:
        """Decide it again at the end of the branch, if what it reads is as it was at the point; and only once."""
        done = commit_with(db.log, self._given["id"])
        if done is None and not has_commit_at(db, self._point):
            return self.page(db, "The branch was moved since this was tried. Nothing was appended.", 409)
        try:
            with theirs(str(self._call)), db.atomic(attempts=1) as unit:
                pending = unit.execute(self._call, **self._given)
                if (draft := pending.draft) is not None and draft.condition is not None:
                    self._check(db, draft.condition.query)
        except (Conflict, Refused) as moved:
            self._point = db.point("HEAD")
            return self.page(db, "" if isinstance(moved, Refused) else str(moved), 409)
        if pending.commit is None:
            return Elsewhere(self._ask.url("log", at=db.name))
        return Elsewhere(self._ask.url("c", pending.commit.position, at=db.name))

    def _check(self, db: Database, query: Any) -> None:
        """Raise `Conflict` if an event came that the decision reads, after it was tried."""
        late = next(iter(db.log.read(query, after=self._point.position, limit=1)), None)
        if late is not None:
            raise Conflict(0, Condition(query, self._point.position), [late])


def has_commit_at(db: Database, point: Point) -> bool:
    """Whether the branch still has the commit of a point."""
    return point.commit is None or has_commit(db.log, point.commit.hash)
