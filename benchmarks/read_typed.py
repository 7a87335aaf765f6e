"""How fast is everything read again, as typed events?

Every contestant goes through its whole log in order, makes an event object of each row, and matches on its type.
UmaDB has no typed events: its figure is the bytes as they come. The limit is what Python can do at all: SQLite's rows
as they come, msgspec's decoder, and `match`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import partial

import msgspec

from backstory.values.codec import PLAIN
from benchmarks import bank, raw
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run

SELECT = "SELECT position, in_commit, type, version, tags, CAST(data AS BLOB) FROM events ORDER BY position"


def balance(events: Iterable[object]) -> int:
    """What a reader does with events: match each, and fold it into a number."""
    total = 0
    for event in events:
        match event:
            case bank.Deposited(cents=cents):
                total += cents
            case bank.Withdrawn(cents=cents):
                total -= cents
    return total


def backstory(run: Run) -> float:
    """Log.read and codec.decode."""
    with bank.main_log(run.kept / "bank.db") as log:
        clock = bank.Stopwatch()
        balance(map(PLAIN.decode, log.read()))
        return clock.rate(run.sizes["events"])


def umadb(run: Run) -> float:
    """In batches, untyped."""
    from benchmarks import peer_umadb as peer

    with peer.client(run.kept / "uma.db") as client:
        clock = bank.Stopwatch()
        response, size = client.read(), 0
        while batch := response.next_batch():
            for found in batch:
                size += len(found.event.data)
        return clock.rate(run.sizes["events"])


def eventsourcing(run: Run, *, plain: bool = False) -> float:
    """Its notifications, a thousand at a time, through its mapper."""
    from benchmarks import peer_eventsourcing as peer

    store = peer.event_store(run.kept / "es.db", ordered=True, plain=plain)
    clock = bank.Stopwatch()
    start, total = 1, 0
    while notifications := store.recorder.select_notifications(start, 1_000):
        for notification in notifications:
            match store.mapper.to_domain_event(notification):
                case peer.Deposited(cents=cents) | peer.PlainDeposited(cents=cents):
                    total += cents
                case peer.Withdrawn(cents=cents) | peer.PlainWithdrawn(cents=cents):
                    total -= cents
        start = notifications[-1].id + 1
    return clock.rate(run.sizes["events"])


def raw_sqlite(run: Run) -> float:
    """Rows, decode, match."""
    decoders = {
        "Deposited": msgspec.json.Decoder(bank.Deposited).decode,
        "Withdrawn": msgspec.json.Decoder(bank.Withdrawn).decode,
    }
    with raw.connection(run.kept / "raw.db") as opened:
        clock = bank.Stopwatch()
        balance(decoders[row[2]](row[5]) for row in opened.execute(SELECT))
        return clock.rate(run.sizes["events"])


def _fill_backstory(run: Run) -> None:
    bank.fill(run.kept / "bank.db", run.sizes["events"], run.sizes["tags"])


def _fill_umadb(run: Run) -> None:
    from benchmarks import peer_umadb as peer

    peer.fill(run.kept / "uma.db", run.sizes["events"], run.sizes["tags"])


def _fill_eventsourcing(run: Run, *, plain: bool = False) -> None:
    from benchmarks import peer_eventsourcing as peer

    peer.fill(run.kept / "es.db", run.sizes["events"], run.sizes["tags"], plain=plain)


def _fill_raw(run: Run) -> None:
    raw.fill(run.kept / "raw.db", run.sizes["events"], run.sizes["tags"])


QUESTION = Question(
    "read_typed",
    "events read per second, all of them, in order, as typed events",
    "events/s",
    [
        Contestant("Backstory", backstory, _fill_backstory),
        Contestant("raw SQLite", raw_sqlite, _fill_raw, note="rows, decode, match; the limit"),
        Contestant("eventsourcing", eventsourcing, _fill_eventsourcing),
        Contestant(
            "eventsourcing JSON",
            partial(eventsourcing, plain=True),
            partial(_fill_eventsourcing, plain=True),
            note="its default mapper",
        ),
        Contestant("UmaDB", umadb, _fill_umadb, note="untyped"),
    ],
    [Goal("Backstory", "raw SQLite", at_least=0.7)],
    {"events": 500_000, "tags": 100_000},
    {"events": 5_000, "tags": 1_000},
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
