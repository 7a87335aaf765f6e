"""The history of an object as its page shows it: what happened, who owns each field, and the object at any point."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

import msgspec
from django.db.models import BinaryField, DateTimeField
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.timezone import is_aware, localtime

from backstory.contrib.django.recording import pk_of, row_with
from backstory.contrib.django.relating import related
from backstory.rows.events import Fields, RowChanged, RowEvent, RowInserted, same
from backstory.rows.kinds import Row
from backstory.values.links import REVERTS

if TYPE_CHECKING:
    from django.db.models import Field, Model

    from backstory.database import Database
    from backstory.store import Record
    from backstory.values.commit import Commit

PAGE = 50
"""Changes on one page."""

LONG = 2_000
"""Characters of a value on a page; the rest is left out, and said to be."""

ABSENT = "—"

ADDED_TO, REMOVED_FROM = "Added to", "Removed from"
WITHHELD = " (its data were withheld)"


class Change(msgspec.Struct, frozen=True):
    """A field with the value that it had, and the one that it was given, as text."""

    label: str
    was: str
    now: str


class Entry(msgspec.Struct):
    """The change of the object by one commit. `revert_url` is where it can be taken back."""

    position: int
    did: str
    changes: Sequence[Change]
    commit: Commit
    reverted_by: Sequence[int] = ()
    revert_url: str = ""

    @property
    def when(self) -> datetime:
        """The time at which it happened."""
        return self.commit.authored

    @property
    def is_own(self) -> bool:
        """Whether it is an event of the object's own row, and none of a many-to-many field."""
        return self.did not in (ADDED_TO, REMOVED_FROM)

    @property
    def reverts(self) -> bool:
        """Whether it takes something back."""
        return REVERTS in self.commit.metadata

    @property
    def where(self) -> str:
        """The page or the program that wrote it."""
        said = self.commit.metadata
        return str(said.get("path") or said.get("process") or "")


class Owner(msgspec.Struct, frozen=True):
    """A field, its value, and the commit that gave it the value."""

    label: str
    value: str
    commit: Commit


class Timeline:
    """The history of one object of a recorded model, which may be gone by now. Fields in `hidden` are not shown."""

    def __init__(
        self, db: Database, model: type[Model], key: Any, hidden: Collection[str] | None = None
    ) -> None:
        self._db = db
        self._hidden = {
            field.attname for field in model._meta.concrete_fields if field.name in set(hidden or ())
        }
        self.model = model
        self.row: Row = row_with(model, key)
        self.pk = pk_of(model, self.row.key)
        self._labels = labels(model)

    @property
    def exists(self) -> bool:
        """Whether anything is known of it."""
        return any(True for _ in self._db.read(self.row, limit=1))

    def entries(self, before: int | None = None, limit: int = PAGE) -> tuple[list[Entry], int | None]:
        """The entries, the newest first; and the position before which there is more."""
        at = None if before is None else before - 1
        records = list(self._db.read(self.row, at=at, backwards=True, limit=limit + 1))
        more = records[limit - 1].position if len(records) > limit else None
        found = []
        shown = records[:limit]
        row: Any = self._db.load(self.row, shown[-1].position - 1) if shown else None
        for _, group in groupby(reversed(shown), key=lambda record: record.stored.commit):
            was, together = row.row, list(group)
            for record in together:
                row.apply(record.event)
            commit = together[-1].commit
            undone = [later.position for later in self._db.undone_by(commit) if self._is_of(later)]
            is_known = all(isinstance(record.event, RowEvent) for record in together)
            did = _did(was, row.row) + ("" if is_known else WITHHELD)
            changes = list(self.changes(was, row.row)) if is_known else ()
            found.append(Entry(together[-1].position, did, changes, commit, undone))
        found += self._related(found[0].position if more else 0, at) if found else []
        return sorted(found, key=lambda entry: entry.position, reverse=True), more

    def _is_of(self, commit: Commit) -> bool:
        """Whether a commit wrote the object's own row: a commit of many objects is taken back object by object."""
        return any(True for _ in self._db.read(self.row, after=commit.first - 1, at=commit.position, limit=1))

    def _related(self, after: int, upto: int | None) -> list[Entry]:
        """The rows that were added to its many-to-many fields, and removed, since a position."""
        return [
            Entry(
                one.record.position,
                ADDED_TO if one.added else REMOVED_FROM,
                [Change(one.label, *(("", one.other) if one.added else (one.other, "")))],
                one.record.commit,
            )
            for one in related(self._db, self.model, str(self.pk), after, upto)
        ]

    def changes(self, was: Fields | None, now: Fields | None) -> Iterator[Change]:
        """The fields that differ, in the order of the model's."""
        old, new = was or {}, now or {}
        for name in self._ordered({**old, **new}):
            if (name in old) != (name in new) or not same(old.get(name), new.get(name)):
                label, shown = self._labels.get(name, (name, _plain))
                yield Change(
                    label,
                    text(shown(old[name])) if name in old else ABSENT,
                    text(shown(new[name])) if name in new else ABSENT,
                )

    def at(self, position: int) -> Fields | None:
        """The fields as of a position. Raises `RevisionError`."""
        return self._db.load(self.row, position).row

    def shown(self, fields: Fields | None) -> list[tuple[str, str]]:
        """Fields as labels and texts."""
        fields = fields or {}
        known = [(self._labels.get(name, (name, _plain)), fields[name]) for name in self._ordered(fields)]
        return [(label, text(shown(value))) for (label, shown), value in known]

    def owners(self) -> list[Owner]:
        """Each field of the object as it is, with the commit that gave it its value; none if it is gone."""
        row = self._db.load(self.row).row
        if row is None:
            return []
        gave: dict[str, Record] = {}
        for record in self._db.read(self.row):
            gave |= dict.fromkeys(_given(record.event), record)
        found = []
        for name in self._ordered({name: value for name, value in row.items() if name in self._labels}):
            label, shown = self._labels[name]
            found.append(Owner(label, text(shown(row[name])), gave[name].commit))
        return found

    def _ordered(self, fields: Mapping[str, Any]) -> list[str]:
        return [
            *(name for name in self._labels if name in fields and name not in self._hidden),
            *sorted(name for name in fields if name not in self._labels),
        ]


def _given(event: object) -> Iterable[str]:
    """The fields to which an event gives a value. A field is given whole, also where only a part of it is new."""
    if isinstance(event, RowInserted):
        return event.row
    return event.set if isinstance(event, RowChanged) else ()


def _did(was: Fields | None, now: Fields | None) -> str:
    return "Added" if was is None else "Deleted" if now is None else "Changed"


def labels(model: type[Model]) -> dict[str, tuple[str, Callable[[Any], Any]]]:
    """The label of each field of a row, and how its values are shown."""
    return {field.attname: (str(field.verbose_name), _shown(field)) for field in model._meta.concrete_fields}


def _shown(field: Field[Any, Any]) -> Callable[[Any], Any]:
    if choices := dict(getattr(field, "flatchoices", ())):
        return lambda value: choices.get(field.to_python(value), value)
    if isinstance(field, DateTimeField):
        return _moment
    if isinstance(field, BinaryField):
        return lambda value: f"{len(b64decode(value)):,} bytes" if isinstance(value, str) else value
    return _plain


def _moment(value: Any) -> Any:
    found = parse_datetime(value) if isinstance(value, str) else None
    if found is None:
        return value
    return date_format(localtime(found) if is_aware(found) else found, "DATETIME_FORMAT")


def _plain(value: Any) -> Any:
    return value


def text(value: Any) -> str:
    """A value as text for people. The template escapes it."""
    if value is None or value == "":
        return "none" if value is None else "(empty)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    shown = value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()
    return shown if len(shown) <= LONG else f"{shown[:LONG]} ... ({len(shown):,} characters)"
