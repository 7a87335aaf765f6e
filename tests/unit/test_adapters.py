"""The log below events, states and commands, for adapters of other libraries."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from backstory import Event, Tag, Unknown, adapters, connect
from backstory.adapters import (
    Condition,
    Query,
    Store,
    Waiting,
    append,
    draft,
    encoded,
    named_log,
    new_id,
    now,
    open_store,
    read_with_head,
)
from backstory.errors import Conflict, InvalidEvent
from backstory.history.forget.collection import collect
from backstory.history.refs.branches import Branches
from backstory.values.event_data import RecordedEvent
from tests.patience import PATIENCE


@pytest.fixture(params=["memory:", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store."""
    return open_store(str(tmp_path / "test.db") if request.param == "file" else request.param)


def write(store: Store, *tags: str, after: int | None = None, log: adapters.Log | None = None) -> None:
    """Append one event with these tags; if `after` is given, on the condition that there is none like it since."""
    condition = None if after is None else Condition(Query.of(tags=tags), after)
    append(
        log or store.log(),
        draft([encoded("Happened", b'{"n":1}', tags)], id=new_id(), time=now(), condition=condition),
    )


def test_all_that_an_adapter_needs_has_a_name_here() -> None:
    assert [name for name in adapters.__all__ if not hasattr(adapters, name)] == []
    assert {"Clause", "draft", "encoded", "append", "open_store"} <= set(adapters.__all__)


def test_a_read_comes_with_the_head_that_protects_a_decision_on_it(store: Store) -> None:
    write(store, "a:1")
    events, head = read_with_head(store.log(), Query.of(tags=["b:1"]))
    write(store, "a:1")
    assert (list(events), head.position) == ([], 1)
    write(store, "b:1", after=head.position)
    with pytest.raises(Conflict):
        write(store, "b:1", after=head.position)


def test_what_is_appended_while_a_read_goes_on_is_in_no_part_of_it(store: Store) -> None:
    write(store, "a:1")
    events, head = read_with_head(store.log())
    write(store, "a:1")
    assert [event.position for event in events] == [head.position]


class Looked:
    """A log that says when somebody has looked where it ends."""

    def __init__(self, log: adapters.Log) -> None:
        self._log = log
        self.was = threading.Event()

    def head(self) -> adapters.Head:
        """See `Log.head`."""
        head = self._log.head()
        self.was.set()
        return head


@pytest.fixture
def never_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait that is not woken does not look by itself for as long as a test is patient."""
    monkeypatch.setattr("backstory.waiting.LOOK", 10 * PATIENCE)


@pytest.mark.usefixtures("never_looks")
def test_another_thread_ends_a_wait(store: Store) -> None:
    found: list[int | None] = []
    log = Looked(store.log())
    with Waiting(store, log) as waiting:
        thread = threading.Thread(target=lambda: found.append(waiting.beyond(0)), daemon=True)
        thread.start()
        assert log.was.wait(PATIENCE)
        waiting.stop()
        thread.join(PATIENCE)
        assert found == [None]
        assert waiting.beyond(0) is None


@pytest.mark.usefixtures("never_looks")
def test_a_wait_ends_with_a_new_event_and_after_its_timeout(store: Store) -> None:
    found: list[int | None] = []
    log = Looked(store.log())
    with Waiting(store, log) as waiting:
        assert waiting.beyond(0, timeout=0.01) is None
        log.was.clear()
        thread = threading.Thread(target=lambda: found.append(waiting.beyond(0)), daemon=True)
        thread.start()
        assert log.was.wait(PATIENCE)
        write(store, "a:1")
        thread.join(PATIENCE)
        assert found == [1]
        assert waiting.beyond(0) == 1


def test_a_log_of_ones_own_is_made_once_and_is_apart_from_every_branch(store: Store) -> None:
    made: list[adapters.Log] = []
    threads = [threading.Thread(target=lambda: made.append(named_log(store, "mine"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    write(store, "a:1", log=made[0])
    assert [log.head().position for log in made] == [1, 1, 1, 1]
    assert len(store.logs()) == 2
    assert store.log().head().position == 0
    assert named_log(store, "other").head().position == 0


def test_a_log_of_ones_own_is_still_needed_when_logs_are_collected(store: Store) -> None:
    write(store, "a:1", log=named_log(store, "mine"))
    assert collect(Branches(store)).logs == ()
    assert named_log(store, "mine").head().position == 1


def test_an_event_that_no_class_can_read_can_be_appended_again() -> None:
    with connect() as db:
        data = encoded("Foreign", b'{"n":1,"deep":{"x":[1.5,null,"\xc3\xbc"]}}', ("a:1", "b:2"), 3)
        db.append(data)
        [record] = db.read()
        assert isinstance(record.event, Unknown)
        db.append(record.event)
        _, again = db.read()
        assert again.event == record.event
        assert (again.stored.data, again.stored.tags, again.stored.version) == (data.data, data.tags, 3)


def test_one_of_a_newer_version_than_the_class_here_can_be_appended_again() -> None:
    class Newer(Event, name="adapters.newer"):
        a: Tag[str]

    with connect() as db:
        db.append(encoded("adapters.newer", b'{"a":"x","more":1}', ("a:x",), 2))
        [record] = db.read()
        db.append(record.event)
        assert [each.stored.data for each in db.read()] == [b'{"a":"x","more":1}'] * 2


def test_one_whose_data_is_withheld_cannot() -> None:
    with connect() as db:
        gone = db.handle.drafter.codec.decode(RecordedEvent(1, 1, "Foreign", 1, (), b""))
        assert gone.data is None
        with pytest.raises(InvalidEvent, match="its data is withheld"):
            db.append(gone)
