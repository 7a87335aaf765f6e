"""A log as a reader sees it is what looking at each commit and each event alone gives, whatever is asked of it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backstory.errors import OutOfScope
from backstory.scope import Scope, ScopedLog
from backstory.scope import log as scoped_log
from backstory.store import Log, append
from backstory.stores.memory import MemoryStore
from backstory.stores.rows import emptied
from backstory.values.commit import AUTHOR, COMMAND, DATA, MESSAGE, METADATA, QUERY, Commit, draft
from backstory.values.event_data import EventData, RecordedEvent, command_name, encoded
from backstory.values.query import Clause, Condition, Query

TYPES = ("a", "b")
TAGS = ("j:1", "k:1", "k:2")
START = datetime(2026, 3, 1, tzinfo=UTC)

subsets = st.lists(st.sampled_from(TAGS), max_size=3, unique=True).map(tuple)
events = st.builds(lambda type, tags: encoded(type, b'{"x":"y"}', tags), st.sampled_from(TYPES), subsets)
clauses = st.builds(
    Clause.of,
    st.lists(st.sampled_from(TYPES), max_size=2, unique=True),
    subsets,
)
queries = st.lists(clauses, min_size=1, max_size=3).map(lambda some: Query(tuple(some)))
commits = st.tuples(st.lists(events, min_size=1, max_size=3), st.none() | queries)
histories = st.lists(commits, max_size=12)
scopes = st.builds(
    Scope,
    st.none() | st.lists(st.sampled_from([*TAGS, "k:*", "j:*"]), max_size=3).map(tuple),
    st.none() | st.lists(st.sampled_from(TYPES), max_size=2).map(tuple),
    st.sampled_from([(), (), ("j",)]),
)


def logged(history: list[tuple[list[EventData], Query | None]]) -> Log:
    log = MemoryStore().log()
    for number, (made, query) in enumerate(history):
        append(
            log,
            draft(
                made,
                id=f"id-{number}",
                time=START + timedelta(seconds=number),
                condition=None if query is None else Condition(query, log.head().position),
                author="ann",
                message="why",
                command={"name": f"do {number % 2}"},
                metadata={"correlation": "one"},
            ),
        )
    return log


class Model:
    """What a reader sees, found by looking at one commit after the other."""

    def __init__(self, log: Log, scope: Scope) -> None:
        self.scope = scope
        self.events: list[RecordedEvent] = []
        self.commits: list[Commit] = []
        for commit in log.commits():
            own = list(log.read(after=commit.first - 1, upto=commit.position))
            seen = [event for event in own if self.sees(event)]
            self.events += [self.shown(event) for event in seen]
            if seen:
                self.commits.append(self.left(commit, own, len(seen)))

    def tag(self, tag: str) -> bool:
        key = tag.partition(":")[0]
        tags = self.scope.tags
        return key not in self.scope.hidden and (tags is None or tag in tags or f"{key}:*" in tags)

    def sees(self, event: RecordedEvent) -> bool:
        fits = self.scope.types is None or event.type in self.scope.types
        return fits and (self.scope.tags is None or any(map(self.tag, event.tags)))

    def shown(self, event: RecordedEvent) -> RecordedEvent:
        tags = tuple(filter(self.tag, event.tags))
        return RecordedEvent(event.position, event.commit, event.type, event.version, tags, event.data)

    def names_outside(self, query: Query) -> bool:
        types = self.scope.types
        return any(
            not all(map(self.tag, clause.tags))
            or (types is not None and not set(clause.types).issubset(types))
            for clause in query.clauses
        )

    def left(self, commit: Commit, own: list[RecordedEvent], seen: int) -> Commit:
        if seen < len(own):
            places = {AUTHOR, MESSAGE, COMMAND, METADATA, QUERY}
            places |= {place for place, event in enumerate(own, DATA) if not self.sees(event)}
            return emptied(commit, own, places)[0]
        if commit.condition is not None and self.names_outside(commit.condition.query):
            return emptied(commit, own, {COMMAND, QUERY})[0]
        return commit


@given(histories, scopes, queries, st.data())
def test_every_question_has_the_answer_that_looking_at_each_commit_gives(
    history: list[tuple[list[EventData], Query | None]], scope: Scope, query: Query, data: st.DataObject
) -> None:
    whole = logged(history)
    log, model, head = ScopedLog(whole, scope), Model(whole, scope), whole.head().position
    scoped_log.CHUNK, scoped_log.GAP = data.draw(st.sampled_from([(64, 64), (2, 0), (1, 1)]))
    try:
        after = data.draw(st.integers(0, head + 1))
        upto = data.draw(st.none() | st.integers(0, head + 1))
        limit = data.draw(st.none() | st.integers(0, 4))
        backwards = data.draw(st.booleans())
        step = -1 if backwards else 1

        def asked(found: list[Commit]) -> list[Commit]:
            end = head if upto is None else upto
            return [one for one in found if after < one.position <= end][::step][:limit]

        bounds: dict[str, Any] = {"after": after, "upto": upto, "limit": limit}
        assert list(log.commits(**bounds, backwards=backwards)) == asked(model.commits)
        if model.names_outside(query):
            try:
                log.read(query)
            except OutOfScope:
                pass
            else:
                raise AssertionError(query)
        else:
            end = head if upto is None else upto
            found = [one for one in model.events if after < one.position <= end and query.matches(one)]
            assert list(log.read(query, **bounds, backwards=backwards)) == found[::step][:limit]
        positions = data.draw(st.lists(st.integers(0, head + 1), max_size=6))
        held = [one for one in model.commits if {*range(one.first, one.position + 1)} & {*positions}]
        assert log.commits_at(positions) == held
        for commit in whole.commits():
            assert log.find(commit.id) == [one for one in model.commits if one.id == commit.id]
        backwards = False
        step = 1
        seen = [one for one in model.commits if METADATA not in one.withheld]
        assert list(log.linked("correlation", "one", **bounds)) == asked(seen)
        end = head if upto is None else upto
        names = {one.position: command_name(one.command_json) for one in model.commits}
        told = Counter(
            (names[one.commit], one.type)
            for one in model.events
            if one.commit in names and after < one.commit <= end
        )
        counts = log.counts(after=after, upto=upto)
        assert {(one.command, one.type): one.events for one in counts} == told
    finally:
        scoped_log.CHUNK, scoped_log.GAP = 64, 64
