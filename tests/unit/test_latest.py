"""The state that needs no code."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from backstory.decide.latest import Field, Latest
from backstory.decide.loading import Loader
from backstory.errors import InvalidTag
from backstory.store import Log, append
from backstory.stores.memory import MemoryStore
from backstory.values.commit import draft
from backstory.values.event_data import encoded


@pytest.fixture
def log() -> Log:
    """Two accounts that share a transfer."""
    log = MemoryStore().log()
    events = [
        encoded("Opened", b'{"owner":"ann","cents":0}', ("account:a",)),
        encoded("Opened", b'{"owner":"bob"}', ("account:b",)),
        encoded("Moved", b'{"cents":5,"note":null}', ("account:a", "account:b")),
        encoded("Moved", b'{"cents":{"deep":[1]}}', ("account:b",)),
    ]
    append(log, draft(events, id="one", time=datetime(2026, 1, 1, tzinfo=UTC)))
    return log


def test_every_field_has_its_last_value_and_the_event_that_gave_it(log: Log) -> None:
    state = Loader(log).load(Latest("account:a"))
    assert state.fields == {
        "owner": Field("ann", 1, "Opened"),
        "cents": Field(5, 3, "Moved"),
        "note": Field(None, 3, "Moved"),
    }
    assert (state.tag, state.events, state.position) == ("account:a", 2, 3)


def test_the_state_at_an_earlier_position_knows_nothing_of_later_events(log: Log) -> None:
    state = Loader(log).load(Latest("account:b"), 3)
    assert state.fields["cents"] == Field(5, 3, "Moved")
    assert Loader(log).load(Latest("account:b")).fields["cents"] == Field({"deep": [1]}, 4, "Moved")


def test_a_tag_that_nobody_used_has_an_empty_state(log: Log) -> None:
    state = Loader(log).load(Latest("account:c"))
    assert (state.fields, state.events, state.position) == ({}, 0, 0)


def test_what_is_no_tag_is_refused(log: Log) -> None:
    with pytest.raises(InvalidTag):
        Loader(log).load(Latest("account"))
