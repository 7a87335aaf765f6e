"""Loading states: the remembered state, then the events since. Never stale, and never shared between callers."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple, TypeVar, cast

from backstory.decide.cache import Cache, Known, Memory
from backstory.decide.folding import Folding, fold_all
from backstory.decide.mistaken import need_state
from backstory.decide.snapshots import Snapshots
from backstory.decide.state import State, state_type
from backstory.lookup import Commits
from backstory.store import Held, Log
from backstory.values.commit import Commit, Head
from backstory.values.event_data import RecordedEvent
from backstory.values.exact import Inexact, exact
from backstory.values.query import Query, union

S = TypeVar("S", bound=State)
Key = tuple[type[State], Query | None, Hashable]
"""A state is remembered by its class, by its own query if it has one, and by its exact identity."""

NEAR, FAR = 32, 1_000
"""A state without new events is remembered at a later position only if that is so much later: `FAR` if it was read for
a decision, because after that it is remembered anyway."""

PAST = "past"
"""A state that was read as of an earlier position is remembered beside the newest one, the last of each identity: who
looks at the past looks near it again."""

MANY = 8
"""Above so many states of one decision, the events that concern each are looked up by their tags."""


class Read(NamedTuple):
    """One state that is read: a reference, the query for its events, and the key under which it is remembered."""

    reference: State
    query: Query
    key: Key | None


class Reads:
    """The states that a decision reads, each once, and its boundary: the union of their queries."""

    __slots__ = ("boundary", "states")

    def __init__(self, references: Iterable[State]) -> None:
        self.states = list(map(read_of, references))
        self.boundary = union([read.query for read in self.states])

    def __add__(self, others: Reads) -> Reads:
        both = Reads(())
        both.states = self.states + others.states
        both.boundary = union([read.query for read in both.states])
        return both


class Loader:
    """Loads states from one log. Many logs may share the cache; the states of this one are kept apart.

    It forgets all that it remembers when a look at the head shows that values were withheld, by whichever process.
    """

    def __init__(self, log: Log, snapshots: Snapshots | None = None, cache: Cache | None = None) -> None:
        self.log = log
        self._snapshots = snapshots
        self._cache = cache or Cache()
        self.memory = Memory()
        self.left: Head | None = None

    def head(self) -> Head:
        """The end of the log now."""
        head, left = self.log.head(), self.left
        if left is None or head.position > left.position or head.withheld != left.withheld:
            self.saw(head)
        return head

    def saw(self, head: Head) -> None:
        """Note that the log was seen to end here, and forget all states if values were withheld since the last time."""
        memory, left = self.memory, self.left
        if head.withheld != memory.withheld or not memory.is_sure:
            self.memory = Memory(head.withheld, is_sure=True)
            if memory.is_sure:
                self._cache.clear()
        if left is not None and left.withheld != head.withheld:
            # The log must still have that point, else its history was lost.
            self.left = left.marked(head.withheld)
        self.note(head)

    def note(self, head: Head) -> None:
        """Note that the log has got as far as this: `left` is where this process left it, or saw it end.

        Nothing is noted where nothing is remembered: inside of a transaction a savepoint may take commits back. Nor
        before somebody has looked at the log: a guess has to say which mark of the store it was made with.
        """
        left, memory = self.left, self.memory
        if self._cache.limit == 0 or not memory.is_sure:
            return
        if left is None or left.position < head.position:
            # Of two at once the earlier one may stay, and be a worse guess.
            self.left = head if head.withheld == memory.withheld else head.marked(memory.withheld)

    def load(self, reference: S, at: int | None = None) -> S:
        """A filled copy of `reference`, as of position `at` (default: now). Raises `UnreadableEvent`, `InvalidTag`.

        A caller who names a position has looked at the head before, with `head` or `saw`.
        """
        if at is None:
            return self.load_with_head(reference)[0]
        read, memory = read_of(need_state(reference)), self.memory
        known = self._known(read, memory, at)
        if known is None and read.key is not None:
            known = self._cache.get((memory, read.key, PAST))
        state = self._load(read, known, at, None, memory)
        if read.key is not None and at - (known[1] if known and known[1] <= at else 0) > FAR:
            self._cache.replace((memory, read.key, PAST), state, at)
        return cast("S", state_type(type(reference)).copy(state))

    def load_with_head(self, reference: S) -> tuple[S, Head]:
        """The same as of now, and the head that it is of."""
        read, memory = read_of(need_state(reference)), self.memory
        known = self._known(read, memory) if memory.is_sure else None
        head = self.head()
        if memory is not self.memory:
            memory = self.memory
            known = self._known(read, memory)
        loaded = self._load(read, known, head.position, NEAR, memory)
        return cast("S", state_type(type(reference)).copy(loaded)), head

    def load_all(self, reads: Reads, left: Head | None = None) -> tuple[list[State], int]:
        """Several states as of one position, and that position: where the log was `left`, else its head.

        They may be remembered, so the caller must not change them. Remembered states are looked up before the head:
        other threads may bring them forward meanwhile, and a state that is newer than the known head is of no use.
        """
        return self.load_with_memory(reads, left)[:2]

    def load_with_memory(self, reads: Reads, left: Head | None = None) -> tuple[list[State], int, Memory]:
        """The same, and the memory that they were loaded with, for `advance`."""
        if left is None and not self.memory.is_sure:
            left = self.head()
        memory = self.memory
        if len(reads.states) == 1:
            [read] = reads.states
            one = self._known(read, memory)
            if left is None or (one is not None and one[1] > left.position):
                left = self.head()
                if self.memory is not memory:
                    memory = self.memory
                    one = self._known(read, memory)
            return [self._load(read, one, left.position, FAR, memory)], left.position, memory
        known = self._all_known(reads, memory)
        if left is None or any(one is not None and one[1] > left.position for one in known):
            left = self.head()
            if self.memory is not memory:
                memory = self.memory
                known = self._all_known(reads, memory)
        return self._load_all(reads, known, left.position, memory), left.position, memory

    def load_more(self, reads: Reads, upto: int) -> list[State]:
        """More states, as of the position at which others were loaded for the same decision."""
        memory = self.memory
        return self._load_all(reads, self._all_known(reads, memory, upto), upto, memory)

    def _load_all(
        self, reads: Reads, known: Sequence[Known | None], upto: int, memory: Memory
    ) -> list[State]:
        """The states at a position: those that were left at about the same one are folded by one read."""
        states: list[Any] = [one and one[0] for one in known]
        together: dict[int, list[tuple[int, Folding]]] = {}
        for index, one in enumerate(known):
            if one is None or one[1] != upto:
                folding = _folding(reads.states[index], one, upto)
                together.setdefault(_age(folding.position, upto), []).append((index, folding))
        for each in together.values():
            fold_all([folding for _, folding in each], self.log, upto)
            for index, folding in each:
                states[index] = folding.state
                if folding.count or upto - folding.position > FAR:
                    self._remember(reads.states[index], folding.state, upto, folding.count, memory)
        return states

    def _load(self, read: Read, known: Known | None, upto: int, lag: int | None, memory: Memory) -> State:
        """The state at a position; the caller must not change it.

        `lag`: it is remembered if it has changed, or if it was remembered so many positions earlier; None: never.
        """
        if known is None or known[1] > upto:
            known = state_type(type(read.reference)).empty(read.reference), 0
        state, position = known
        if position == upto:
            return state
        events = iter(self.log.read(read.query, after=position, upto=upto))
        first = next(events, None)
        if first is None:
            if lag is not None and read.key is not None and upto - position > lag:
                self._cache.put((memory, read.key), state, upto)
            return state
        folded: State = state_type(type(state)).copy(state)
        count = applied(folded, self.log, chain((first,), events))
        if lag is not None:
            self._remember(read, folded, upto, count, memory)
        return folded

    def _remember(self, read: Read, state: State, upto: int, count: int, memory: Memory) -> None:
        """Remember a state that so many events have changed."""
        reference, query, key = read
        if key is not None:
            self._cache.put((memory, key), state, upto, count or 1)
        if self._snapshots is not None and 0 < type(reference).snapshot_every <= count:
            self._snapshots.keep(reference, query, state, upto, memory.withheld)

    def advance(
        self,
        reads: Reads,
        states: Sequence[State],
        commit: Commit,
        records: Sequence[RecordedEvent],
        memory: Memory,
    ) -> None:
        """Remember states that were loaded with a memory as they are after a commit, appended on that condition.

        No other event that these states read can have come between: the condition excludes it.
        """
        if memory is not self.memory:
            return  # values were withheld meanwhile
        tagged = _by_tag(records) if len(states) > MANY else None
        for (reference, query, key), before in zip(reads.states, states, strict=True):
            if key is None:
                continue
            concerned = records
            if tagged is not None and len(query.clauses) == 1 and query.clauses[0].tags:
                concerned = tagged.get(query.clauses[0].tags[0], ())
            compiled = state_type(type(reference))
            state = compiled.copy(before)
            try:
                compiled.fold(state, filter(query.matches, concerned), Held(commit))
            except Exception:  # noqa: BLE001, S112 - the commit is in the log; the next load of the state raises the error
                continue
            self._cache.put((memory, key), state, commit.position, len(concerned))

    def _known(self, read: Read, memory: Memory, upto: int | None = None) -> Known | None:
        """A remembered state that is not newer than `upto`: in the cache, else in a snapshot."""
        known = None if read.key is None else self._cache.get((memory, read.key))
        if known is not None and (upto is None or known[1] <= upto):
            return known
        if self._snapshots is not None and type(read.reference).snapshot_every:
            return self._snapshots.get(read.reference, read.query, memory.withheld, upto)
        return None

    def _all_known(self, reads: Reads, memory: Memory, upto: int | None = None) -> list[Known | None]:
        """The same for several states, whose snapshots are asked for together."""
        found: list[Known | None] = []
        missing: list[int] = []
        for index, read in enumerate(reads.states):
            known = None if read.key is None else self._cache.get((memory, read.key))
            if known is not None and upto is not None and known[1] > upto:
                known = None
            if known is None and self._snapshots is not None and type(read.reference).snapshot_every:
                missing.append(index)
            found.append(known)
        if self._snapshots is not None and missing:
            wanted = [reads.states[index][:2] for index in missing]
            kept = self._snapshots.get_all(wanted, memory.withheld, upto)
            for index, one in zip(missing, kept, strict=True):
                found[index] = one
        return found


def _folding(read: Read, known: Known | None, upto: int) -> Folding:
    """A state as it is known, to be brought forward; an empty one if it is not known, or only later."""
    if known is None or known[1] > upto:
        known = state_type(type(read.reference)).empty(read.reference), 0
    return Folding(*known, read.query)


def _age(position: int, upto: int) -> int:
    """States of one age are read together: each read is at most twice as long as that of any one of them alone."""
    return -1 if position == 0 else (upto - position).bit_length()


def applied(state: State, log: Log, records: Iterable[RecordedEvent]) -> int:
    """Apply events of a log to `state`, which changes; return how many there were. Raises `UnreadableEvent`."""
    compiled, commits = state_type(type(state)), Commits(log)
    return compiled.fold(state, commits.of(records) if compiled.wants_record else records, commits)


def replay(state: State, log: Log, query: Query, *, after: int = 0, upto: int | None = None) -> int:
    """The same for the events that match a query, between two positions."""
    return applied(state, log, log.read(query, after=after, upto=upto))


def replayed(log: Log, reference: S, upto: int | None = None) -> S:
    """The state as its events give it up to a position, without what is remembered. Raises `UnreadableEvent`."""
    filled: S = state_type(type(reference)).copy(reference)
    replay(filled, log, reference.query(), upto=upto)
    return filled


def read_of(reference: State) -> Read:
    """How a state is read. It has no key if its identity has a value that cannot be told from others."""
    kind, query = type(reference), reference.query()
    compiled = state_type(kind)
    try:
        identity = tuple([exact(getattr(reference, name)) for name in compiled.identity])
    except Inexact:
        return Read(reference, query, None)
    # A query that follows from the types is the same for the same identity, and takes time to compare.
    return Read(reference, query, (kind, query if compiled.own_query else None, identity))


def _by_tag(records: Sequence[RecordedEvent]) -> dict[str, list[RecordedEvent]]:
    """Events by each of their tags, in their order."""
    found: dict[str, list[RecordedEvent]] = {}
    for record in records:
        for tag in record.tags:
            found.setdefault(tag, []).append(record)
    return found
