"""Live queries on each kind of store, also of what another opener of the store writes."""

from __future__ import annotations

import pytest

from backstory import Event, Projection, State, Tag, Tx
from backstory.live import CaughtUp
from backstory.place import Place
from tests.reactions.conftest import Opener


class Sat(Event, name="live.sat"):
    chair: Tag[str]


class Chair(State):
    chair: Tag[str]
    times: int = 0

    def apply(self, event: Sat) -> None:
        self.times += 1


class Chairs(Projection):
    """How often somebody sat on each chair."""

    tables = "CREATE TABLE chairs (chair TEXT PRIMARY KEY, times BIGINT NOT NULL)"

    def apply(self, event: Sat, tx: Tx) -> None:
        tx.execute(
            "INSERT INTO chairs VALUES (?, 1) ON CONFLICT (chair) DO UPDATE SET times = chairs.times + 1",
            (event.chair,),
        )


@pytest.fixture(autouse=True)
def known_events(own_definitions: None) -> None:
    """The event keeps its name in spite of other modules."""
    from backstory.values.event import definitions
    from backstory.values.event_types import event_type

    definitions[event_type(Sat).name] = Sat


def test_what_another_writes_is_followed_and_watched(connect: Opener) -> None:
    here, elsewhere = connect(), connect()
    with here.follow(Sat, after=0, caught_up=True) as events, here.watch(Chair("a")) as states:
        for times in range(1, 4):
            place = Place.of(elsewhere.append(Sat("a")))
            record = next(events)
            assert not isinstance(record, CaughtUp)
            assert record.event == Sat("a")
            assert next(events) == CaughtUp(place)
            while (seen := next(states)).value.times < times:
                pass
            assert seen.place == place


def test_rows_that_another_feeds_are_watched(connect: Opener) -> None:
    here, elsewhere = connect(), connect()
    sql = "SELECT times FROM chairs WHERE chair = ?"
    with here.watch(Chairs, sql, ("a",)) as rows, elsewhere.run(Chairs):
        for times in range(1, 4):
            place = Place.of(elsewhere.append(Sat("a")))
            while (seen := next(rows)).value != [(times,)]:
                pass
            assert seen.place == place
