"""`backstory run` and its companions, with reactions: `--take-over`, `projections`, `parked`, `pause`, `resume`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import programs
from tests.cli.conftest import Run

MODULE = """
from backstory import Command, Event, Process, Refused, State, Tag, command, reaction, react
from backstory import Deadline, Due
from datetime import timedelta


class Deposited(Event, name="bank.paid_in"):
    account: Tag[str]
    cents: int


class Thanked(Event, name="bank.thanked"):
    account: Tag[str]


class Thanks(State):
    account: Tag[str]

    def apply(self, event: Thanked) -> None: ...


@command
def thank(thanks: Thanks) -> Thanked:
    return Thanked(thanks.account)


@reaction(since="start", partition="account", retries=1)
def greet(event: Deposited) -> Command:
    if event.cents < 0:
        raise ValueError("negative")
    return thank(Thanks(event.account))


class Dormant(Process):
    account: Tag[str]

    def apply(self, event: Deposited) -> None: ...

    @react
    def used(self, event: Deposited) -> list[Deadline]:
        return [Deadline("sleep", after=timedelta(days=365))]

    @react
    def sleep(self, due: Due) -> None: ...
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An application that reacts, in a folder with an empty store."""
    (tmp_path / "reacting.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    with programs.forgotten():
        yield tmp_path


def begin(run: Run, *cents: int) -> None:
    """A store with deposits of one account each."""
    assert run("init", "bank.db").code == 0
    for number, amount in enumerate(cents):
        words = ("append", "bank.paid_in", "--tag", f"account:a-{number}", f"cents={amount}")
        assert run("-s", "bank.db", *words, f"account=a-{number}").code == 0


def test_reactions_are_run_and_listed(run: Run, shop: Path) -> None:
    begin(run, 5, -1)
    ran = run("-s", "bank.db", "run", "--app", "reacting", "--once")
    assert ran.code == 0
    first, second = ran.err.splitlines()
    assert first == "backstory: running dormant, greet"
    assert second.startswith(
        "backstory: dormant: runs for the first time, and takes no event up to #2; since="
    )
    again = run("-s", "bank.db", "run", "--app", "reacting", "--once")
    assert again.err == "backstory: running dormant, greet\n"
    found = run("-s", "bank.db", "projections", "--app", "reacting", "--json").json["projections"]
    assert [(each["name"], each["kind"], each["state"], each["parked"]) for each in found] == [
        ("dormant", "process", "running", 0),
        ("greet", "reaction", "running", 1),
    ]
    assert run("-s", "bank.db", "projections", "--app", "reacting", "--check").code == 1
    assert run("-s", "bank.db", "types").out.count("bank.thanked") == 1


def test_what_an_event_has_stopped_is_said_with_what_lets_it_go_on(run: Run, shop: Path) -> None:
    begin(run, -1)
    (shop / "stopping.py").write_text(
        "from backstory import Projection, Tx\nfrom reacting import Deposited\n\n\n"
        "class Sums(Projection):\n"
        "    tables = 'CREATE TABLE sums (account TEXT PRIMARY KEY)'\n\n"
        "    def apply(self, event: Deposited, tx: Tx) -> None:\n"
        "        raise ValueError('negative')\n"
    )
    app = ("-s", "bank.db", "--app", "stopping")
    ran = run("run", "sums", "--once", *app)
    assert ran.code == 1
    assert "sums: #1 bank.paid_in: ValueError: negative (stopping.py:9); when the code is mended: " in ran.err
    assert "resume" in ran.err.splitlines()[-1]
    assert "when the code is mended" in run("projections", "sums", *app).out
    [still] = run("run", "sums", "--once", "--json", *app).json["still"]
    assert (still["name"], still["state"]) == ("sums", "stopped")
    run("pause", "sums", *app)
    paused = run("run", "sums", "--once", *app)
    assert (paused.code, "sums: it is paused; to let it go on: " in paused.err) == (0, True)


def test_a_parked_event_is_shown_and_tried_again_or_left_out(run: Run, shop: Path) -> None:
    begin(run, -1)
    app = ("--app", "reacting")
    run("-s", "bank.db", "run", "greet", *app, "--once")
    shown = run("-s", "bank.db", "parked", "greet", *app).out
    assert "ValueError: negative (reacting.py:" in shown
    again = run("-s", "bank.db", "parked", "greet", *app, "--retry", "all")
    assert again.err == "backstory: 1 event to be tried again\n"
    run("-s", "bank.db", "run", "greet", *app, "--once")
    [event] = run("-s", "bank.db", "parked", "greet", *app, "--json").json["events"]
    assert (event["state"], event["tries"]) == ("parked", 2)
    run("-s", "bank.db", "parked", "greet", *app, "--skip", "1", "-m", "a test")
    [event] = run("-s", "bank.db", "parked", "greet", *app, "--json").json["events"]
    assert (event["state"], event["why"]) == ("skipped", "a test")


def test_one_is_paused_resumed_and_never_rebuilt(run: Run, shop: Path) -> None:
    begin(run, 5)
    app = ("--app", "reacting")
    run("-s", "bank.db", "run", *app, "--once")
    assert run("-s", "bank.db", "pause", "greet", *app).out == "greet is paused\n"
    assert run("-s", "bank.db", "resume", "greet", *app).out == "greet is resumed\n"
    refused = run("-s", "bank.db", "rebuild", "greet", *app)
    assert refused.code == 2
    assert "greet is a reaction, which is never run again" in refused.err


def test_a_clone_says_what_it_would_react_to_and_takes_over_when_told(run: Run, shop: Path) -> None:
    begin(run, 5, 6)
    assert run("clone", "bank.db", "copy.db").code == 0
    app = ("--app", "reacting")
    ran = run("-s", "copy.db", "run", *app, "--once")
    assert ran.code == 0
    assert (
        "backstory: dormant, greet: not run, because this store does not react: it has a history" in ran.err
    )
    assert ran.err.endswith("backstory: running nothing\n")
    dry = run("-s", "copy.db", "run", *app, "--once", "--take-over")
    assert (dry.code, dry.out) == (1, "dormant: 0 events after #2\ngreet: 2 events after #0\n")
    assert "nothing was taken over" in dry.err
    data = run("-s", "copy.db", "run", *app, "--take-over", "--json").json
    assert data["reactions"][1] == {"name": "greet", "position": 0, "events": 2, "overdue": 0}
    assert run("-s", "copy.db", "run", *app, "--yes").code == 2
    taken = run("-s", "copy.db", "run", *app, "--once", "--take-over", "--yes")
    assert (taken.code, taken.err.splitlines()[0]) == (0, "backstory: running dormant, greet")
    assert "bank.thanked" in run("-s", "copy.db", "types").out


def test_the_events_of_deadlines_are_the_librarys_own_and_need_no_class(run: Run, shop: Path) -> None:
    begin(run)
    app = ("--app", "reacting")
    run("-s", "bank.db", "run", *app, "--once")
    run("-s", "bank.db", "append", "bank.paid_in", "--tag", "account:a", "cents=5", "account=a")
    run("-s", "bank.db", "run", *app, "--once")
    assert "backstory.deadline-set" in run("-s", "bank.db", "types").out
    run("-s", "bank.db", "schema", "lock", *app)
    assert run("-s", "bank.db", "schema", "check", *app).code == 0


def test_a_store_that_was_made_from_an_export_does_not_react(run: Run, shop: Path) -> None:
    begin(run)
    run("-s", "bank.db", "run", "--app", "reacting", "--once")
    run("-s", "bank.db", "append", "bank.paid_in", "--tag", "account:a", "cents=5", "account=a")
    run("-s", "bank.db", "run", "--app", "reacting", "--once")
    assert run("-s", "bank.db", "export", "-o", "bank.jsonl").code == 0
    app = ("--app", "reacting")
    assert run("-s", "new.db", "import", "jsonl", "bank.jsonl", *app).code == 0
    assert "not run, because this store does not react" in run("-s", "new.db", "run", *app, "--once").err
    (shop / "rows.csv").write_text("account,cents\na-1,5\n")
    assert run("-s", "rows.db", "import", "csv", "rows.csv", "--type", "bank.paid_in").code == 0
    assert "does not react" not in run("-s", "rows.db", "run", *app, "--once").err


def test_a_name_that_nothing_has_is_said(run: Run, shop: Path) -> None:
    begin(run)
    wrong = run("-s", "bank.db", "run", "mail", "--app", "reacting")
    assert "reacting has no projection, reaction or outbox 'mail'; it has dormant, greet" in wrong.err
