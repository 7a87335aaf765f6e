"""`backstory do` for commands with states that may be missing or are many, that depend on others, and with inputs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import programs
from tests.cli.conftest import Run

DESK = '''\
from __future__ import annotations

from backstory import Author, Event, NewId, Now, State, Tag, command, depends, provided


class Opened(Event, name="shelf.opened"):
    ticket: Tag[str]
    by: str


class Closed(Event, name="shelf.closed"):
    ticket: Tag[str]


class Job(State):
    ticket: Tag[str]
    by: str = ""

    def apply(self, event: Opened | Closed) -> None:
        self.by = event.by if isinstance(event, Opened) else ""


class Person(State):
    by: Tag[str]
    seen: int = 0

    def apply(self, event: Met) -> None:
        self.seen += 1


class Met(Event, name="shelf.met"):
    by: Tag[str]


def opener(job: Job) -> Person | None:
    return Person(job.by) if job.by else None


@command
def start(job: Job | None = None, by: Author = provided, new: NewId = provided, now: Now = provided) -> Opened:
    """Open one."""
    return Opened(job.ticket if job else new, by)


@command
def again(job: Job | None, by: Author = provided, new: NewId = provided) -> Opened:
    return Opened(job.ticket if job else new, by)


@command
def finish(jobs: list[Job]) -> list[Closed]:
    """Close some."""
    return [Closed(job.ticket) for job in jobs if job.by]


@command
def greet(job: Job, person: Person | None = depends(opener)) -> Met | None:
    return Met(person.by) if person else None
'''


@pytest.fixture
def desk(alone: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> Iterator[None]:
    """An empty store, and the code above, named by the project."""
    (alone / "shelf.py").write_text(DESK)
    assert run("init", "shelf.db").code == 0
    monkeypatch.setenv("BACKSTORY_STORE", "shelf.db")
    monkeypatch.setenv("BACKSTORY_APP", "shelf")
    with programs.forgotten():
        yield


pytestmark = pytest.mark.usefixtures("desk")


def test_a_state_that_may_be_missing_is_given_by_name_or_left_out(run: Run) -> None:
    ran = run("do", "start", "--job", "t-1", "--author", "ann")
    assert (ran.code, ran.err) == (0, "")
    ran = run("do", "start", "--author", "bo")
    assert (ran.code, ran.err) == (0, "")
    assert run("state", "Job", "t-1", "--json").json["fields"] == {"ticket": "t-1", "by": "ann"}
    assert "start(t-1)" in run("log", "--oneline").out
    assert "start(None)" in run("log", "--oneline").out


def test_a_state_that_may_be_missing_is_left_out_too_where_it_has_no_default(run: Run) -> None:
    assert "[--job TICKET]" in run("do", "again", "--help").out
    for words in ([], ["--job", "t-1"]):
        ran = run("do", "again", *words, "--author", "bo")
        assert (ran.code, ran.err) == (0, "")
    assert "again(t-1)\n" in run("log", "--oneline").out
    assert "again(None)\n" in run("log", "--oneline").out


@pytest.mark.parametrize("word", ["", " ", "="])
def test_an_empty_word_that_is_too_much_is_an_error_of_the_caller(run: Run, word: str) -> None:
    ran = run("do", "again", word, "--author", "bo")
    assert ran.code == 2
    assert ran.err.startswith("backstory: unrecognized arguments: ")


def test_many_states_repeat_their_option(run: Run) -> None:
    for name in ("t-1", "t-2"):
        run("do", "start", "--job", name, "--author", "ann")
    seen = run("do", "finish", "--jobs", "t-1", "--jobs", "t-2", "--preview", "--json").json
    assert [state["parameter"] for state in seen["states"]] == ["jobs[0]", "jobs[1]"]
    assert len(seen["events"]) == 2
    words = run("do", "finish", "--jobs", "t-1", "--jobs", "t-2", "--preview").out
    assert "finish([t-1, t-2]) would append:" in words
    assert "Job t-2" in words
    ran = run("do", "finish")
    assert ran.code == 2
    assert "--jobs is missing" in ran.err


def test_a_dependent_state_is_shown_and_not_asked_for(run: Run) -> None:
    run("do", "start", "--job", "t-1", "--author", "ann")
    words = run("do", "greet", "t-1", "--preview").out
    assert "Person ann\n  ~ seen: 0 -> 1" in words
    assert run("do", "greet", "t-1", "--person", "bo").code == 2
    assert "Person" not in run("do", "greet", "t-2", "--preview").out


def test_the_commands_are_listed_with_all_that_they_read(run: Run) -> None:
    words = run("commands").out
    assert "start [--job TICKET]\n" in words
    assert "finish --jobs TICKET ...\n" in words
    assert "greet JOB\n" in words
    assert "reads Person: shelf.met" in words
    found = {one["name"]: one for one in run("commands", "--json").json["commands"]}
    assert found["start"]["inputs"] == {"by": "author", "new": "new id", "now": "now"}
    assert [one["name"] for one in found["start"]["parameters"]] == ["job"]
    assert found["finish"]["parameters"][0]["type"] == "list[Job]"
    assert [one["parameter"] for one in found["greet"]["reads"]] == ["job", "person"]


def test_a_conflict_names_the_other_state_that_would_be_read_now(run: Run) -> None:
    run("do", "start", "--job", "t-1", "--author", "ann")
    run("switch", "-c", "side")
    run("do", "greet", "t-1")
    run("switch", "main")
    run("do", "start", "--job", "t-1", "--author", "bo")
    words = run("merge", "side").out
    assert "Person ann, read when this was decided; now it would be Person bo" in words
    assert set(run("merge", "side", "--json", "--dry-run").json["steps"][0]["after"]) == {"job", "person"}


def test_help_names_the_options_of_states(run: Run) -> None:
    words = run("do", "finish", "--help").out
    assert "--jobs TICKET" in words
    assert "repeat for more" in words
    assert "--now" not in run("do", "start", "--help").out
