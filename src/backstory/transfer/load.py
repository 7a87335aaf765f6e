"""Taking a source into a log: in batches, in bounded memory, and as often as you like.

Every entry's commit id follows from the source, so a second run finds its commits in the log and adds nothing, a run
that was killed goes on where it stopped, and a source that has grown adds its new records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from backstory.errors import SourceError
from backstory.lookup import commit_at
from backstory.store import Log
from backstory.transfer.ids import KEYED
from backstory.transfer.source import Entry, Item, Known, Progress, Rejected, no_progress
from backstory.values.commit import EARLIEST, Commit
from backstory.values.event_data import EventData
from backstory.values.query import Query

BATCH = 5000
"""Events per transaction: so many that a sync to disk costs next to nothing for each."""

AHEAD = timedelta(days=1)
"""How far a commit's time may be ahead of the clock: one from the future would hold the log's time there for ever."""


LOOKED_AT = 1000
"""Events in which a twin is looked for: a file that is imported again mostly begins with the same records."""


class LoadReport(msgspec.Struct):
    """The result of an import: commits and events that it added, commits that were known, places that it skipped.

    `earlier` counts commits that were added and are older than the log's time was: the log's time does not go back, so
    `@{time}` finds them at that of a newer commit before them. Their own time is `authored`.

    `twin` is the id of an earlier import that says the same as the first commit that was added: perhaps another store
    made it, and the same records are in the log twice now. Empty if none was seen.
    """

    commits: int = 0
    events: int = 0
    known: int = 0
    skipped: int = 0
    earlier: int = 0
    twin: str = ""


def load(
    log: Log,
    source: Iterable[Item],
    *,
    on_reject: Callable[[Rejected], None] | None = None,
    progress: Progress = no_progress,
    batch: int = BATCH,
    future: bool = False,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> LoadReport:
    """Append every entry of a source, each as a batch of its own, unless an entry says that the next one belongs to it.

    `on_reject` takes entries that cannot be understood or that the log refuses, and the import goes on; without it the
    first such entry raises its `SourceError`. The entries before it are in the log either way.

    An entry whose time is more than a day ahead of `clock` is rejected, unless `future` is set.
    """
    loader = _Loader(log, on_reject)
    try:
        for item in source if future else _until_now(source, clock):
            match item:
                case Entry():
                    if loader.take(item) >= batch:
                        loader.flush()
                        progress("events", loader.report.events, None)
                case Known(count):
                    loader.report.known += count
                case Rejected():
                    loader.reject(item)
    except SourceError:
        loader.flush()
        raise
    loader.flush()
    progress("events", loader.report.events, None)
    return loader.report


def _until_now(source: Iterable[Item], clock: Callable[[], datetime]) -> Iterator[Item]:
    """The items, with a reject in the place of each entry of the future."""
    latest = EARLIEST
    for item in source:
        if isinstance(item, Entry) and item.draft.time > latest:
            latest = clock() + AHEAD  # looked at again: a source may be a pipe that lives for days
            if item.draft.time > latest:
                why = (
                    f"the time {item.draft.time.isoformat()} is more than a day ahead of the clock, and would become"
                    " the log's time, which never goes back; the option future takes it all the same"
                )
                yield item.refused(why)
                continue
        yield item


def twin(log: Log, commit: Commit, event: EventData) -> str:
    """The id of an earlier commit that an import made of the same record; empty if none is found.

    It has another id if another store gave it, under its own key. `event` is the first one of `commit`.
    """
    if not commit.id.startswith(KEYED):
        return ""
    for met in log.read(Query.of([event.type], event.tags), upto=commit.first - 1, limit=LOOKED_AT):
        if met.data == event.data:
            there = commit_at(log, met.commit)
            if there.authored == commit.authored and there.id.startswith(KEYED):
                return there.id
    return ""


class _Loader:
    """The entries that wait to be appended, and the outcome of the others."""

    def __init__(self, log: Log, on_reject: Callable[[Rejected], None] | None) -> None:
        self.report = LoadReport()
        self._log = log
        self._on_reject = on_reject
        self._waiting: list[list[Entry]] = []
        self._events = 0

    def take(self, entry: Entry) -> int:
        """Let an entry wait; return how many events do, 0 if they have to wait for more."""
        if self._waiting and self._waiting[-1][-1].more:
            self._waiting[-1].append(entry)
        else:
            self._waiting.append([entry])
        self._events += len(entry.draft.events)
        return 0 if entry.more else self._events

    def flush(self) -> None:
        """Append the waiting entries, in one call."""
        waiting, self._waiting, self._events = self._waiting, [], 0
        if not waiting:
            return
        report, newest = self.report, self._log.head().position
        verdicts = self._log.append([[entry.draft for entry in batch] for batch in waiting])
        refused = []
        for batch, verdict in zip(waiting, verdicts, strict=True):
            if not isinstance(verdict, tuple):
                refused += [(entry, verdict) for entry in batch]
            elif verdict[-1].position > newest and verdict[-1].secret == batch[-1].draft.secret:
                newest = verdict[-1].position
                if not (report.commits or report.known):  # of a store that knows one, the key is the same
                    report.twin = twin(self._log, verdict[0], batch[0].draft.events[0])
                report.commits += len(verdict)
                report.events += sum(commit.size for commit in verdict)
                report.earlier += sum(commit.authored < commit.time for commit in verdict)
            else:
                report.known += len(batch)
        for entry, why in refused:
            self.reject(entry.refused(str(why)))

    def reject(self, rejected: Rejected) -> None:
        """Hand on a reject, or stop there."""
        if self._on_reject is None:
            raise rejected.error
        self.report.skipped += 1
        self._on_reject(rejected)
