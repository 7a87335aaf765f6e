"""Taking back what a commit did to objects: the rows of the project are written, and what is captured of that is the
record of it.

Whether it may be taken back is Backstory's rule of revert: not if later commits own fields that it would change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, connections, transaction
from django.db.models import JSONField

from backstory.contrib.django.capturing import tx_of
from backstory.contrib.django.conf import configured
from backstory.contrib.django.databases import current_database
from backstory.contrib.django.draining import drain
from backstory.contrib.django.recording import described, pk_of, row_of
from backstory.contrib.django.stamping import NOTHING
from backstory.contrib.django.timeline import Timeline, labels
from backstory.decide.context import context
from backstory.errors import RevertError
from backstory.history.merge.owned import Owned, owned
from backstory.history.merge.undone import Reverts, why
from backstory.rows.events import Fields, RowChanged, same
from backstory.rows.kinds import Row, table_of
from backstory.values.commit import Commit
from backstory.values.links import REVERTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.db.models import Field, Model

    from backstory.history.refs.revision import Revision
    from backstory.store import Record

ATTEMPTS = 3


class Reversal:
    """The effect of taking a commit back on one object. `refused` says why it is not done; it is empty if it may be.

    Fields that have the time of the last change by themselves (`auto_now`) belong to nobody. With `force`, fields that
    later commits own are written, too.
    """

    def __init__(self, model: type[Model], key: Any, position: int, *, force: bool = False) -> None:
        self._db = current_database()
        self._model = model
        self._force = force
        self.timeline = Timeline(self._db, model, key)
        found = self._record(position)
        self.commit = found.commit
        before = self._db.load(self.timeline.row, self.commit.first - 1)
        after = self._db.load(self.timeline.row, self.commit.position)
        self.now: Fields | None = self._db.load(self.timeline.row).row
        self.before, self.after = before.row, after.row
        self.target = self._target()
        self._undone = None if force else Reverts(self._db.handle.now().log, self.commit).of(found.tags)
        self.refused = self._refused(before, after)

    def _record(self, position: int) -> Record[Any]:
        for record in self._db.read(self.timeline.row, after=position - 1, at=position):
            return record
        raise RevertError(f"nothing happened to this object at #{position}")

    def _target(self) -> Fields | None:
        """The row as it is to be."""
        if self.before is None or self.now is None or self.after is None:
            return self.before
        names = {*self.before, *self.after} - _by_themselves(self._model)
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
        return self._undone is not None or self.target == self.now

    def _refused(self, before: Row, after: Row) -> str:
        if self._undone is not None:
            return f"{why([(self.commit, [self._undone])])}."
        if self.after is None and self.now is not None:
            return "The object was deleted by this change, and is there again by now."
        if self.now is None and self.target is not None and self.after is not None:
            return "The object is gone by now. Take its deletion back first."
        if self.is_done:
            return "There is nothing to take back: the object has these values already."
        if self._force:
            return ""
        log = self._db.handle.now().log
        theirs = [one for one in owned(log, self.commit, before, after) if not self._is_nobodys(one)]
        return self._why(theirs) if theirs else ""

    def _why(self, theirs: Sequence[Owned]) -> str:
        names = labels(self._model)
        parts = [(names.get(one.pointer.rpartition("/")[2]), one.position) for one in theirs]
        shown = ", ".join(f"{'the object' if name is None else name[0]} by #{at}" for name, at in parts)
        return f"Changed again since: {shown}. Take these later changes back first."

    def _is_nobodys(self, one: Owned) -> bool:
        return one.pointer.rpartition("/")[2] in _by_themselves(self._model)

    def write(self) -> None:
        """Write the model. Raises `RevertError`, `ValidationError`."""
        if self.refused:
            raise RevertError(self.refused)
        model, key = self._model, self.timeline.pk
        found = model._base_manager.using(configured().database).select_for_update().filter(pk=key).first()
        if self.now is None:
            if found is not None:
                raise _Changed
            assert self.target is not None
            _made(model, key, self.target).save(force_insert=True, using=configured().database)
            return
        if found is None or not self._is_current(found):
            raise _Changed
        if self.target is None:
            self._delete(found)
            return
        fields = [
            field
            for field in model._meta.concrete_fields
            if not same(self.target.get(field.attname), self.now.get(field.attname))
        ]
        for field in fields:
            setattr(found, field.attname, _value(field, self.target.get(field.attname)))
        found.save(update_fields=[field.name for field in fields])

    def _is_current(self, found: Model) -> bool:
        """Whether the object in the database is the one that the history knows."""
        assert self.now is not None
        return all(
            _value(field, self.now[field.attname]) == getattr(found, field.attname)
            for field in self._model._meta.concrete_fields
            if field.attname in self.now
        )

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


class _Changed(Exception):
    """The object was changed since the history was read."""


def revert(
    commit: Revision,
    *objects: Model | Row,
    author: str | None = None,
    message: str | None = None,
    force: bool = False,
) -> int:
    """Undo a commit of rows by writing the values from before to the models, all in one transaction or none.

    With `objects`, which may be rows, too (`row_of`), it is undone for these alone. Signals are sent and constraints
    hold, as for each `save`; then it is recorded like any other change, and its metadata names the commit. Returns the
    number of objects that were written.

    Raises `RevertError` if later commits own the fields that would change, unless `force`; if deleting an object would
    delete others; and if the database does not take the values. Raises `RevisionError` for a commit that is not there.
    """
    drain()
    rows = {(row.table, row.key) for one in objects for row in [one if isinstance(one, Row) else row_of(one)]}
    positions: dict[tuple[str, str], int] = {}
    names: dict[tuple[str, str], set[str]] = {}
    for record in reversed(current_database().events(commit)):
        event: Any = record.event
        row = table_of(record.type) or "", getattr(event, "key", "")
        if row[0] and (not rows or row in rows):
            positions.setdefault(row, record.position)
            names.setdefault(row, set()).update(_names(event))
    if missing := rows - positions.keys():
        raise RevertError(f"this commit did nothing to {' '.join(missing.pop())}")
    found = []
    for (history, key), position in positions.items():
        model = _model_of(history, names[history, key])
        found.append((model, pk_of(model, key), position))
    said = f"Revert {commit.id if isinstance(commit, Commit) else commit}" if message is None else message
    with context(author=author):
        return take_back(found, said, force=force)


def _names(event: Any) -> Iterable[str]:
    """The fields that an event is about."""
    return (*event.set, *event.unset) if isinstance(event, RowChanged) else event.row


def _model_of(history: str, names: set[str]) -> type[Model]:
    """The model whose objects have a history, or that child of it which has fields of these names."""
    found = [model for model, captured in described() if captured.history == history]
    if not found:
        raise RevertError(f"no model of this project has the history {history}")
    own = [model for model in found if names & {field.attname for field in model._meta.local_concrete_fields}]
    return max(own or found[:1], key=lambda model: len(model._meta.get_parent_list()))


def take_back(found: Sequence[tuple[type[Model], Any, int]], reason: str, *, force: bool = False) -> int:
    """Take back what commits of these positions did to objects, by the author of the context; return how many.

    Objects that have the values already are left out of several. Raises `RevertError`.
    """
    using = configured().database
    for _ in range(ATTEMPTS):
        drain()
        try:
            with transaction.atomic(using=using):
                if connections[using].vendor == "sqlite":
                    NOTHING.hush(tx_of(connections[using]))  # takes the lock of those who write
                every = [Reversal(model, key, position, force=force) for model, key, position in found]
                wanted = [one for one in every if not one.is_done] or every
                said: Any = {REVERTS: list({one.commit.id: None for one in wanted})}
                with context(message=reason, **said):
                    for one in wanted:
                        try:
                            one.write()
                        except RevertError as wrong:
                            if len(found) == 1 or one.is_done:
                                raise
                            raise RevertError(
                                f"{one.timeline.row.table} {one.timeline.row.key}: {wrong}"
                            ) from wrong
        except _Changed:
            continue
        except IntegrityError as wrong:
            raise RevertError(
                f"The database does not take the values from before: {wrong}. If an object that it belongs to is gone,"
                " bring that one back first."
            ) from wrong
        except (DatabaseError, ValidationError) as wrong:
            raise RevertError(f"The database does not take the values from before: {wrong}") from wrong
        return len(wanted)
    raise RevertError("The object is being changed just now. Try again.")


def _by_themselves(model: type[Model]) -> set[str]:
    return {field.attname for field in model._meta.concrete_fields if getattr(field, "auto_now", False)}


def _value(field: Field[Any, Any], value: Any) -> Any:
    """The value of an object for one of the history. Raises `RevertError`."""
    try:
        read = getattr(field, "from_db_value", None)
        if read is not None and not isinstance(field, JSONField):
            value = read(value, None, connections[configured().database])
        found = None if value is None else field.to_python(value)
    except (ValueError, TypeError, ValidationError) as wrong:
        raise RevertError(f"The value that {field.name} had cannot be read back: {wrong}") from wrong
    return bytes(found) if isinstance(found, memoryview) else found


def _made(model: type[Model], pk: Any, fields: Fields) -> Model:
    values = {"pk": pk}
    fields_of = {field.attname: field for field in model._meta.concrete_fields}
    for name, value in fields.items():
        if name not in fields_of:
            raise RevertError(f"{model._meta.label} has no field {name} any more")
        values[name] = _value(fields_of[name], value)
    return model(**values)
