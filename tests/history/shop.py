"""What the tests of history fold: a cart with nested fields of every kind, and logs for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, get_args

import msgspec
from hypothesis import strategies as st

from backstory import Event, State, Tag
from backstory.decide.loading import replayed
from backstory.history.compare.shape import Keyed
from backstory.store import Log, append
from backstory.stores.memory import MemoryStore
from backstory.values.codec import PLAIN
from backstory.values.commit import draft

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


How = Literal["sort", "reverse", "clear", "rotate", "drop", "alias", "replace", "closed", "reset"]


class Added(Event):
    cart: Tag[str]
    sku: str
    count: int


class Dropped(Event):
    cart: Tag[str]
    sku: str


class Arranged(Event):
    cart: Tag[str]
    how: How


class Line(msgspec.Struct):
    sku: str
    count: int = 0
    counts: list[int] = []


class Total(msgspec.Struct, frozen=True):
    lines: int = 0
    pieces: tuple[int, ...] = ()


class Cart(State):
    """Changes its fields in all the ways in which Python can."""

    cart: Tag[str]
    status: str = "open"
    pieces: int = 0
    total: Total = Total()
    by_sku: dict[str, Line] = msgspec.field(default_factory=dict)
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    lines: Annotated[list[Line], Keyed("sku")] = msgspec.field(default_factory=list)
    log: list[str] = msgspec.field(default_factory=list)
    skus: set[str] = msgspec.field(default_factory=set)
    numbers: dict[int, list[int]] = msgspec.field(default_factory=dict)
    last: Line | None = None

    def apply(self, event: Added | Dropped | Arranged) -> None:
        match event:
            case Added(sku=sku, count=count):
                self._add(sku, count)
            case Dropped(sku=sku):
                self.by_sku.pop(sku, None)
                self.counts.pop(sku, None)
                self.lines = [line for line in self.lines if line.sku != sku]
                self.skus.discard(sku)
                if sku in self.log:
                    self.log.remove(sku)
            case Arranged(how=how):
                self._arrange(how)

    def _add(self, sku: str, count: int) -> None:
        self.pieces += count
        self.total = Total(len(self.by_sku), (count, *self.total.pieces[:2]))
        self.by_sku.setdefault(sku, Line(sku)).count += count
        self.counts[sku] = self.counts.get(sku, 0) + count
        for line in self.lines:
            if line.sku == sku:
                line.count += count
                line.counts.append(count)
                break
        else:
            self.lines.append(Line(sku, count))
        self.log.append(sku)
        self.skus.add(sku)
        self.numbers.setdefault(count, []).append(self.pieces)

    def _arrange(self, how: str) -> None:
        match how:
            case "sort":
                self.lines.sort(key=lambda line: line.sku)
                self.log.sort()
            case "reverse":
                self.lines.reverse()
                self.log[:] = self.log[::-1]
            case "clear":
                self.log.clear()
                self.counts.clear()
                self.numbers = {}
            case "rotate":
                if self.lines:
                    self.lines.insert(0, self.lines.pop())
            case "drop":
                del self.log[1:3]
                self.numbers.pop(1, None)
            case "alias":
                self.last = next(iter(self.by_sku.values()), None)
            case "replace":
                self.counts |= {"a": 1, "z": 9}
                self.log += ["x", "y"]
                self.skus ^= {"a", "b"}
                if self.last is not None:
                    self.last.count += 1
            case "closed":
                self.status = "closed"
            case "reset":
                self.status = "open"
                self.skus = set(sorted(self.skus)[:2])


carts = st.sampled_from("ab")
skus = st.sampled_from("abc")
events = st.one_of(
    st.builds(Added, carts, skus, st.integers(0, 2)),
    st.builds(Dropped, carts, skus),
    st.builds(Arranged, carts, st.sampled_from(get_args(How))),
)


def extend(log: Log, *commits: Sequence[Any], prefix: str = "c") -> None:
    """Append each list of events as one commit."""
    start = log.head().position
    for number, batch in enumerate(commits):
        encoded = [PLAIN.encode(event) for event in batch]
        append(log, draft(encoded, id=f"{prefix}{start}-{number}", time=NOON, message=f"number {number}"))


def log_of(*commits: Sequence[Any]) -> Log:
    """A memory log of these commits."""
    log = MemoryStore().log()
    extend(log, *commits)
    return log


def commits(max_size: int = 25) -> st.SearchStrategy[list[list[Any]]]:
    """Lists of commits, of one to three events each."""
    return st.lists(st.lists(events, min_size=1, max_size=3), max_size=max_size)


def shop_logs(max_size: int = 25) -> st.SearchStrategy[Log]:
    """Logs of two carts."""
    return commits(max_size).map(lambda batches: log_of(*batches))


def filled(log: Log, reference: Any, upto: int | None = None) -> Any:
    """The state, by a plain fold."""
    return replayed(log, reference, upto)
