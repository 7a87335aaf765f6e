"""Taking back what a commit did to an object: the rows of the project are written, and what is captured of that is the
record of it.

Whether it may be taken back is Backstory's rule of revert: not if later commits own fields that it would change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib.admin.utils import NestedObjects
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, connections, transaction
from django.db.models import JSONField

from backstory.contrib.django.capturing import tx_of
from backstory.contrib.django.conf import configured
from backstory.contrib.django.databases import current_database
from backstory.contrib.django.draining import drain
from backstory.contrib.django.stamping import NOTHING
from backstory.contrib.django.timeline import Timeline, labels
from backstory.decide.context import context
from backstory.errors import RevertError
from backstory.history.merge.revert import Owned, owned
from backstory.rows.events import Fields, same
from backstory.values.links import REVERTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import Field, Model

    from backstory.rows.kinds import Row
    from backstory.values.commit import Commit

ATTEMPTS = 3


class Reversal:
    """The effect of taking a commit back on one object. `refused` says why it is not done; it is empty if it may be.

    Fields that have the time of the last change by themselves (`auto_now`) belong to nobody.
    """

    def __init__(self, model: type[Model], key: Any, position: int) -> None:
        self._db = current_database()
        self._model = model
        self.timeline = Timeline(self._db, model, key)
        self.commit = self._commit(position)
        before = self._db.load(self.timeline.row, self.commit.first - 1)
        after = self._db.load(self.timeline.row, self.commit.position)
        self.now: Fields | None = self._db.load(self.timeline.row).row
        self.before, self.after = before.row, after.row
        self.target = self._target()
        self.refused = self._refused(before, after)

    def _commit(self, position: int) -> Commit:
        for record in self._db.read(self.timeline.row, after=position - 1, at=position):
            return record.commit
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

    def _refused(self, before: Row, after: Row) -> str:
        if self.after is None and self.now is not None:
            return "The object was deleted by this change, and is there again by now."
        if self.now is None and self.target is not None and self.after is not None:
            return "The object is gone by now. Take its deletion back first."
        if self.target == self.now:
            return "There is nothing to take back: the object has these values already."
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
        model, key = self._model, self.timeline.row.key
        found = model._base_manager.select_for_update().filter(pk=key).first()
        if self.now is None:
            if found is not None:
                raise _Changed
            assert self.target is not None
            _made(model, key, self.target).save(force_insert=True)
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


def revert(model: type[Model], key: Any, position: int, reason: str) -> None:
    """Take back what the commit of this position did to an object, by the author of the context.

    Its signals are sent and its constraints hold, as for each `save`. Raises `RevertError`.
    """
    using = configured().database
    for _ in range(ATTEMPTS):
        drain()
        try:
            with transaction.atomic(using=using):
                if connections[using].vendor == "sqlite":
                    NOTHING.hush(tx_of(connections[using]))  # takes the lock of those who write
                reversal = Reversal(model, key, position)
                said: Any = {REVERTS: [reversal.commit.id]}
                with context(message=reason, **said):
                    reversal.write()
        except _Changed:
            continue
        except IntegrityError as wrong:
            raise RevertError(
                f"The database does not take the values from before: {wrong}. If an object that it belongs to is gone,"
                " bring that one back first."
            ) from wrong
        except (DatabaseError, ValidationError) as wrong:
            raise RevertError(f"The database does not take the values from before: {wrong}") from wrong
        return
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


def _made(model: type[Model], key: str, fields: Fields) -> Model:
    values = {"pk": cast("Any", model._meta.pk).to_python(key)}
    fields_of = {field.attname: field for field in model._meta.concrete_fields}
    for name, value in fields.items():
        if name not in fields_of:
            raise RevertError(f"{model._meta.label} has no field {name} any more")
        values[name] = _value(fields_of[name], value)
    return model(**values)
