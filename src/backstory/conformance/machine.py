"""Any history that Hypothesis can think of, compared with the model after every step."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeAlias

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from backstory.conformance.counting import added_up
from backstory.conformance.model import ModelLog, Outcome
from backstory.conformance.sample import START, fact
from backstory.errors import AheadOfLog, AppendError, Conflict, HeadMoved, RefMoved
from backstory.refs import MAIN_REF
from backstory.store import Log, Store, create_log, set_ref
from backstory.unit import Append, SetRef, Unit, Written
from backstory.values.commit import Draft, Head, draft
from backstory.values.event_data import EventData
from backstory.values.links import KEYS, Key
from backstory.values.query import Clause, Condition, Query

TYPES = st.sampled_from(["A", "B", "a", "Größe"])
ALIKE = ("x:1", "y:1", 'x:"x:1', 'z:"y:1', 'z:["x:1"]', "y:1\\", "X:1", "x:1\n", "z:é", "z:e\u0301")
"""Tags that look alike; in the value of some stands another one."""

TAGS = st.sampled_from(ALIKE)
SECRETS = st.sampled_from([bytes(16), bytes(range(16))])
IDS = st.sampled_from([f"id-{number}" for number in range(12)])

METADATA = st.sampled_from(
    [
        None,
        {"ip": "id-1"},
        {"causation": "id-1", "correlation": "id-2"},
        {"causation": "id-2", "reverts": ["id-1", "id-2"]},
        {"reverts": ["id-1"], "correlation": 1},
    ]
)

COMMANDS = st.sampled_from(
    [
        None,
        {"name": "sell", "arguments": {"name": "buy"}},
        {"name": "Größe"},
        {"name": ""},
        {"name": 'say "sell"\\'},
        {"name": "long" * 99},
        {"arguments": {}, "name": "late"},
        {"name": 1},
        b'{"name" : "spaced"}',
        b'{"name":"sell\\n"}',
        b'{"nome":"sell"}',
    ]
)
"""Commands that are recorded, most of them as no command of ours is."""

CLAUSES = st.builds(Clause.of, st.lists(TYPES, max_size=2), st.lists(TAGS, max_size=2))
QUERIES = st.builds(Query, st.lists(CLAUSES, max_size=3).map(tuple))
EVENTS = st.builds(
    lambda type, tags, data: fact(type, *tags, data=data),
    TYPES,
    st.lists(TAGS, max_size=4),
    st.sampled_from([b"{}", b'{"a":1}', b'{ "a": "\xc3\xa9" }']),
)


@st.composite
def drafts(draw: st.DrawFn, events: st.SearchStrategy[EventData] = EVENTS) -> tuple[Draft, int | None]:
    """A draft, and how far behind the head it was decided; None if it has no condition."""
    behind = draw(st.none() | st.integers(-1, 70))
    own = draw(st.lists(events, min_size=1, max_size=3))
    made = draft(
        own * draw(st.sampled_from([1, 1, 1, 1, 40])),
        id=draw(IDS),
        time=START + timedelta(seconds=draw(st.integers(-3, 3))),
        condition=None if behind is None else Condition(draw(QUERIES)),
        message=draw(st.sampled_from(["", "why"])),
        command=draw(COMMANDS),
        metadata=draw(METADATA),
        secret=draw(SECRETS),
    )
    return made, behind


BOUNDS = st.tuples(
    st.just(0) | st.integers(0, 4) | st.integers(0, 400), st.none() | st.integers(0, 8) | st.integers(0, 400)
)
"""The position after which somebody asks, and up to which. Most histories are short."""

PARENTS = st.sampled_from(["any"] * 6 + ["head", "other"])
GUARDS = st.none() | st.builds(
    lambda name, value: SetRef(name, value, value), st.sampled_from("abc"), st.none() | st.sampled_from("12")
)
Part: TypeAlias = tuple[tuple[Draft, int | None], str]
BATCHES = st.lists(st.tuples(st.lists(st.tuples(drafts(), PARENTS), max_size=3), GUARDS), max_size=3)


def outcome(verdict: Written | AppendError) -> Outcome:
    """A verdict in the model's words."""
    if isinstance(verdict, Written):
        return "in", verdict.commits[0]
    if isinstance(verdict, Conflict):
        return "conflict", (verdict.condition, list(verdict.events))
    if isinstance(verdict, HeadMoved):
        return "moved", verdict.head
    if isinstance(verdict, RefMoved):
        return "ref moved", (verdict.ref, verdict.value)
    if isinstance(verdict, AheadOfLog):
        return "ahead", (verdict.after, verdict.head)
    return "id reused", None


def machine(
    open_store: Callable[[], Store], reopen: Callable[[Store], Store] | None
) -> type[RuleBasedStateMachine]:
    """A state machine for the stores that `open_store` makes. `reopen` is None if closing forgets everything."""

    class StoreMachine(RuleBasedStateMachine):
        store: Store

        @initialize()
        def open(self) -> None:
            self.store = open_store()
            self.logs = [ModelLog()]
            self.refs = {MAIN_REF: "0"}

        def log(self, number: int) -> tuple[Log, ModelLog]:
            number %= len(self.logs)
            return self.store.log(number), self.logs[number]

        @rule(number=st.integers(0, 2), batches=BATCHES)
        def append(self, number: int, batches: list[tuple[list[Part], SetRef | None]]) -> None:
            number %= len(self.logs)
            model = self.logs[number]
            placed = [
                (
                    tuple(self.placed(made, behind, parent, model.head) for (made, behind), parent in batch),
                    guard,
                )
                for batch, guard in batches
            ]
            expectations = [model.append(batch, guard, self.refs) for batch, guard in placed]
            units = [
                Unit((Append(number, batch), *(() if guard is None else (guard,)))) for batch, guard in placed
            ]
            for verdict, expected in zip(self.store.write(units), expectations, strict=True):
                word, about = outcome(verdict)
                if word == "conflict" and expected[0] == "conflict":
                    assert isinstance(verdict, Conflict)
                    assert isinstance(expected[1], tuple)
                    condition, events = expected[1]
                    assert about == (condition, events[: len(verdict.events)])
                    assert verdict.events
                else:
                    assert (word, about) == expected

        def placed(self, made: Draft, behind: int | None, parent: str, head: Head) -> Draft:
            condition = made.condition
            if condition is not None and behind is not None:
                condition = Condition(condition.query, max(head.position - behind, 0))
            stands_on = {"any": None, "head": head.hash, "other": bytes(31) + b"x"}[parent]
            return replace(made, condition=condition, parent=stands_on)

        @rule(
            number=st.integers(0, 2),
            query=QUERIES,
            bounds=BOUNDS,
            limit=st.none() | st.integers(0, 5),
            backwards=st.booleans(),
        )
        def read(
            self,
            number: int,
            query: Query,
            bounds: tuple[int, int | None],
            limit: int | None,
            backwards: bool,
        ) -> None:
            log, model = self.log(number)
            after, upto = bounds
            end = model.head.position if upto is None else upto
            expected = [event for event in model.read(query) if after < event.position <= end]
            expected = (expected[::-1] if backwards else expected)[:limit]
            assert list(log.read(query, after=after, upto=upto, limit=limit, backwards=backwards)) == expected
            commits = [commit for commit in model.commits if after < commit.position <= end]
            commits = (commits[::-1] if backwards else commits)[:limit]
            assert list(log.commits(after=after, upto=upto, limit=limit, backwards=backwards)) == commits

        @rule(number=st.integers(0, 2))
        def read_by_each_tag(self, number: int) -> None:
            log, model = self.log(number)
            for tag in ALIKE:
                query = Query.of(tags=[tag])
                assert list(log.read(query)) == model.read(query)

        @rule(number=st.integers(0, 2), id=IDS)
        def find(self, number: int, id: str) -> None:
            log, model = self.log(number)
            assert log.find(id) == [commit for commit in model.commits if commit.id == id]
            for commit in model.commits[-2:]:
                assert commit in log.find(commit.hash.hex()[:8])

        @rule(
            number=st.integers(0, 2),
            key=st.sampled_from(KEYS),
            id=st.sampled_from(["id-1", "id-2", "id-3"]),
            bounds=BOUNDS,
            limit=st.none() | st.integers(0, 5),
        )
        def linked(
            self, number: int, key: Key, id: str, bounds: tuple[int, int | None], limit: int | None
        ) -> None:
            log, model = self.log(number)
            after, upto = bounds
            end = model.head.position if upto is None else upto
            expected = [commit for commit in model.linked(key, id) if after < commit.position <= end][:limit]
            assert list(log.linked(key, id, after=after, upto=upto, limit=limit)) == expected

        @rule(number=st.integers(0, 2), bounds=BOUNDS)
        def counts(self, number: int, bounds: tuple[int, int | None]) -> None:
            log, model = self.log(number)
            after, upto = bounds
            end = model.head.position if upto is None else upto
            assert added_up(log, after, upto) == model.counts(after, end)

        @precondition(lambda self: len(self.logs) < 3)
        @rule()
        def create_log(self) -> None:
            origin = self.logs[-1].head
            assert create_log(self.store, origin) == len(self.logs)
            self.logs.append(ModelLog(origin))

        @rule(
            name=st.sampled_from("abc"),
            value=st.sampled_from(["1", "2"]) | st.none(),
            old=st.sampled_from(["1", "2"]) | st.none(),
        )
        def set_ref(self, name: str, value: str | None, old: str | None) -> None:
            expected = self.refs.get(name) in (old, value) if value != old else self.refs.get(name) == old
            assert set_ref(self.store, name, value, old=old) is expected
            if expected and value is not None:
                self.refs[name] = value
            elif expected:
                self.refs.pop(name, None)
            assert dict(self.store.refs.list()) == self.refs

        @precondition(lambda _self: reopen is not None)
        @rule()
        def close_and_open(self) -> None:
            assert reopen is not None
            self.store = reopen(self.store)

        @invariant()
        def ends_where_the_model_does(self) -> None:
            for number, model in enumerate(getattr(self, "logs", [])):
                assert self.store.log(number).head() == model.head

        @rule()
        def has_no_problems(self) -> None:
            assert list(self.store.problems()) == []
            for number, model in enumerate(self.logs):
                assert list(self.store.log(number).read()) == model.events
                assert list(self.store.log(number).commits()) == model.commits

        def teardown(self) -> None:
            if hasattr(self, "store"):
                self.store.close()

    return StoreMachine
