"""Taking back what a commit did to objects: the rows of the project are written, and what is captured of that is the
record of it.

Whether it may be taken back is Backstory's rule of revert: not if later commits own fields that it would change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, connections, transaction
from msgspec.structs import replace

from backstory.contrib.django.capturing import tx_of
from backstory.contrib.django.conf import configured
from backstory.contrib.django.databases import current_database
from backstory.contrib.django.draining import drain
from backstory.contrib.django.recording import described, pk_of, row_of
from backstory.contrib.django.stamping import NOTHING
from backstory.contrib.django.timeline import Timeline, labels
from backstory.contrib.django.values import at_birth, by_themselves, made_of, value_of
from backstory.decide.context import context
from backstory.errors import RevertError
from backstory.history.merge.owned import Owned, owned
from backstory.history.merge.undone import Reverts, why
from backstory.rows.events import Fields, RowChanged, RowDeleted, RowInserted, same
from backstory.rows.kinds import Row, key_in, table_of
from backstory.values.commit import Commit
from backstory.values.links import REVERTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.db.models import Model

    from backstory.capture import Captured
    from backstory.history.refs.revision import Revision

ATTEMPTS = 3


class Reversal:
    """The effect of taking commits back on one object: that of a position, or those from there to `last`.

    `refused` says why it is not done; it is empty if it may be. Fields that the database or Django gives by itself
    (`GeneratedField`, `auto_now`) belong to nobody. With `force`, fields that later commits own are written, too.
    """

    def __init__(
        self,
        model: type[Model],
        key: Any,
        position: int,
        last: int | None = None,
        *,
        force: bool = False,
        known: dict[int, Reverts] | None = None,
    ) -> None:
        self._known = {} if known is None else known
        self._db = current_database()
        self._model = model
        self._force = force
        self.timeline = Timeline(self._db, model, key)
        self._tags: tuple[str, ...] = ()
        self.commits = self._commits(position, position if last is None else last)
        self.commit = self.commits[-1]
        before = self._db.load(self.timeline.row, self.commits[0].first - 1)
        after = self._db.load(self.timeline.row, self.commit.position)
        is_last = not any(True for _ in self._db.read(self.timeline.row, after=self.commit.position, limit=1))
        self.now: Fields | None = (after if is_last else self._db.load(self.timeline.row)).row
        self.before, self.after = before.row, after.row
        self.target = self._target()
        self._is_lost = _is_lost(before, after)
        self._undone = [] if force else self._undone_already()
        self.refused = self._refused(before, after, is_last=is_last)

    def _commits(self, position: int, last: int) -> list[Commit]:
        records = {
            one.stored.commit: one for one in self._db.read(self.timeline.row, after=position - 1, at=last)
        }
        if not records:
            raise RevertError(f"nothing happened to this object at #{position}")
        for number, record in records.items():
            if number not in self._known:  # that of many objects is read once
                self._known[number] = Reverts(self._db.handle.now().log, record.commit)
            self._tags = record.tags
        return [self._known[number].commit for number in records]

    def _undone_already(self) -> list[tuple[Commit, list[Commit]]]:
        """Those of the commits that were undone for this object, each with the one that undid it."""
        last = self.commit.position
        by = [(commit, self._known[commit.position].of(self._tags)) for commit in self.commits]
        return [(commit, [one]) for commit, one in by if one is not None and one.position > last]

    def _target(self) -> Fields | None:
        """The row as it is to be."""
        if self.before is None or self.now is None or self.after is None:
            return self.before
        names = {*self.before, *self.after} - by_themselves(self._model)
        changed = [
            name
            for name in names
            if name not in self.before
            or name not in self.after
            or not same(self.before[name], self.after[name])
        ]
        kept = {name: value for name, value in self.now.items() if name not in changed}
        return {**kept, **{name: self.before[name] for name in changed if name in self.before}}

    @property
    def is_done(self) -> bool:
        """Whether there is nothing to take back."""
        return len(self._undone) == len(self.commits) or (self.target == self.now and not self._is_lost)

    def _refused(self, before: Row, after: Row, *, is_last: bool) -> str:
        if self._undone:
            return f"{why(self._undone, len(self.commits))}."
        if self._is_lost:
            return "Data of this object were withheld, so nobody knows what it was before."
        if self.after is None and self.now is not None:
            return "The object was deleted by this change, and is there again by now."
        if self.now is None and self.target is not None and self.after is not None:
            return "The object is gone by now. Take its deletion back first."
        if self.is_done:
            return "There is nothing to take back: the object has these values already."
        if self._force or is_last:
            return ""
        log = self._db.handle.now().log
        first = self.commits[0].first
        all_of_them = replace(self.commit, size=self.commit.position - first + 1)
        theirs = [one for one in owned(log, all_of_them, before, after) if not self._is_nobodys(one)]
        return self._why(theirs) if theirs else ""

    def _why(self, theirs: Sequence[Owned]) -> str:
        names = labels(self._model)
        parts = [(names.get(one.pointer.rpartition("/")[2]), one.position) for one in theirs]
        shown = ", ".join(f"{'the object' if name is None else name[0]} by #{at}" for name, at in parts)
        return f"Changed again since: {shown}. Take these later changes back first."

    def _is_nobodys(self, one: Owned) -> bool:
        return one.pointer.rpartition("/")[2] in by_themselves(self._model)

    def write(self) -> None:
        """Write the model. Raises `RevertError`, `ValidationError`."""
        if self.refused:
            raise RevertError(self.refused)
        model, key = self._model, self.timeline.pk
        found = model._base_manager.using(configured().database).select_for_update().filter(pk=key).first()
        if self.now is None:
            if found is not None:
                raise _Changed(f"{self._named} is there, and its history says that it is gone")
            assert self.target is not None
            made = made_of(model, key, self.target)
            kept = {field: getattr(made, field.attname) for field in at_birth(model)}
            made.save(force_insert=True, using=configured().database)
            for field, value in kept.items():  # Django gave it the time of now
                field.model._base_manager.using(configured().database).filter(pk=key).update(
                    **{field.attname: value}
                )
            return
        if found is None:
            raise _Changed(f"{self._named} is gone, and its history says that it is there")
        if differing := self._differing(found):
            raise _Changed(f"{self._named} is not as its history says: {', '.join(differing)}")
        if self.target is None:
            self._delete(found)
            return
        fields = [
            field
            for field in model._meta.concrete_fields
            if not same(self.target.get(field.attname), self.now.get(field.attname))
        ]
        for field in fields:
            setattr(found, field.attname, value_of(field, self.target.get(field.attname)))
        found.save(update_fields=[field.name for field in fields])

    @property
    def _named(self) -> str:
        return f"{self._model._meta.verbose_name} {self.timeline.row.key}"

    def _differing(self, found: Model) -> list[str]:
        """The fields in which the object of the database is not the one that the history knows."""
        assert self.now is not None
        return [
            field.name
            for field in self._model._meta.concrete_fields
            if field.attname in self.now
            and not field.generated
            and value_of(field, self.now[field.attname]) != getattr(found, field.attname)
        ]

    def _delete(self, found: Model) -> None:
        from django.contrib.admin.utils import NestedObjects

        using = configured().database
        collector = NestedObjects(using=using)
        alone: Any = [found]
        collector.collect(alone)
        own = {self._model, *self._model._meta.get_parent_list()}
        others = sorted({str(model._meta.verbose_name) for model in collector.data if model not in own})
        if others or collector.protected:
            what = ", ".join(others) or "protected objects"
            raise RevertError(
                f"Deleting it would delete others, too, or needs them: {what}. Delete it by hand."
            )
        found.delete()


def _is_lost(before: Row, after: Row) -> bool:
    """Whether nobody knows what was changed between two states, because data of events were withheld."""
    old, new = before.row or {}, after.row or {}
    return bool(
        (before.withheld and (after.row is None or new.keys() - old.keys()))
        or (after.withheld and (before.row is None or not new or old.keys() - new.keys()))
    )


class _Changed(Exception):
    """The object was changed since the history was read; or its history does not have what was written."""


def revert(
    commit: Revision,
    *objects: Model | Row,
    author: str | None = None,
    message: str | None = None,
    force: bool = False,
    skip: bool = False,
) -> int:
    """Undo a commit of rows, or those of a range `a..b`, by writing the values from before to the models.

    All objects are written in one transaction, or none is. With `objects`, which may be rows, too (`row_of`), it is
    undone for these alone. Signals are sent and constraints hold, as for each `save`; then it is recorded like any
    other change, and its metadata names the commits. Returns the number of objects that were written.

    Raises `RevertError` if later commits own the fields that would change, unless `force`, which writes them all the
    same, or `skip`, which leaves such objects as they are, and those that are gone by now; if deleting an object would
    delete others; and if the database does not take the values. Raises `RevisionError` for a commit that is not there.
    """
    drain()
    db = current_database()
    rows = {(row.table, row.key) for one in objects for row in [one if isinstance(one, Row) else row_of(one)]}
    commits: list[Revision] = [commit]
    if isinstance(commit, str) and ".." in commit:
        commits = list(db.between(commit))
    positions: dict[tuple[str, str], list[int]] = {}
    names: dict[tuple[str, str], set[str]] = {}
    for record in reversed([record for each in commits for record in db.events(each)]):
        if (table := table_of(record.type)) is None:
            continue
        row = table, key_in(table, record.tags)
        if not rows or row in rows:
            positions.setdefault(row, []).append(record.position)
            names.setdefault(row, set()).update(_names(record.event))
    if missing := rows - positions.keys():
        raise RevertError(f"{_told(commit)} did nothing to {' '.join(missing.pop())}")
    if not positions:
        raise RevertError(f"{_told(commit)} wrote no object: database().revert undoes the events of commands")
    found = []
    tables = described()
    for (history, key), those in positions.items():
        model = _model_of(history, names[history, key], tables)
        found.append((model, pk_of(model, key), min(those), max(those)))
    said = f"Revert {_told(commit)}" if message is None else message
    with context(author=author):
        return take_back(found, said, force=force, skip=skip)


def _told(commit: Revision) -> object:
    """A commit, or a range, as messages name it."""
    return commit.id if isinstance(commit, Commit) else commit


def _names(event: object) -> Iterable[str]:
    """The fields that an event is about; none if its data were withheld."""
    if isinstance(event, RowChanged):
        return (*event.set, *event.unset)
    return event.row if isinstance(event, (RowInserted, RowDeleted)) else ()


def _model_of(history: str, names: set[str], tables: Iterable[tuple[type[Model], Captured]]) -> type[Model]:
    """The model whose objects have a history, or that child of it which has fields of these names."""
    found = [model for model, captured in tables if captured.history == history]
    if not found:
        raise RevertError(f"no model of this project has the history {history}")
    own = [model for model in found if names & {field.attname for field in model._meta.local_concrete_fields}]
    return max(own or found[:1], key=lambda model: len(model._meta.get_parent_list()))


def take_back(
    found: Sequence[tuple[type[Model], Any, int, int]],
    reason: str,
    *,
    force: bool = False,
    skip: bool = False,
) -> int:
    """Take back what the commits from a position to another did to objects; return how many objects were written.

    The author is that of the context. Of several, objects that have the values already are left out. Raises
    `RevertError`.
    """
    using = configured().database
    changed = ""
    for _ in range(ATTEMPTS):
        drain()
        try:
            with transaction.atomic(using=using):
                if connections[using].vendor == "sqlite":
                    NOTHING.hush(tx_of(connections[using]))  # takes the lock of those who write
                known: dict[int, Reverts] = {}
                every = [
                    Reversal(model, key, first, last, force=force, known=known)
                    for model, key, first, last in found
                ]
                wanted = _wanted(every, skip=skip)
                undone = sorted(
                    {commit.position: commit.id for one in wanted for commit in one.commits}.items()
                )
                said: Any = {REVERTS: [id for _, id in undone]}
                with context(message=reason, **said):
                    for one in wanted:
                        try:
                            one.write()
                        except RevertError as wrong:
                            if len(found) == 1:
                                raise
                            raise RevertError(
                                f"{one.timeline.row.table} {one.timeline.row.key}: {wrong}"
                            ) from wrong
        except _Changed as found_other:
            changed = str(found_other)
            continue
        except IntegrityError as wrong:
            raise RevertError(
                f"The database does not take the values from before: {wrong}. If an object that it belongs to is gone,"
                " bring that one back first."
            ) from wrong
        except (DatabaseError, ValidationError) as wrong:
            raise RevertError(f"The database does not take the values from before: {wrong}") from wrong
        return len(wanted)
    raise RevertError(
        f"{changed}. If somebody changes it just now, try again. Else something was written without a trigger:"
        f" manage.py check --database {using} says which triggers are missing, and manage.py migrate makes them"
    )


def _wanted(every: Sequence[Reversal], *, skip: bool) -> Sequence[Reversal]:
    """Those that are to be written. Raises `RevertError` for several if some of them cannot be, unless `skip`."""
    wanted = [one for one in every if not one.is_done]
    if skip:
        return [one for one in wanted if not one.refused]
    if not wanted:
        raise RevertError(every[0].refused)
    if (refused := [one for one in wanted if one.refused]) and len(every) > 1:
        row, others = refused[0].timeline.row, len(refused) - 1
        more = f" So it is with {others:,} more of {len(every):,} objects." if others else ""
        raise RevertError(
            f"{row.table} {row.key}: {refused[0].refused}{more} With skip=True these stay as they are, and the others"
            " are taken back."
        )
    return wanted
