"""`backstory schema`: the lock, and what it finds."""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path

import pytest

from backstory.schema import lock as locks
from tests import programs
from tests.cli.conftest import Ran, Run


def changed(application: Path, run: Run, before: str, after: str, *words: str) -> Ran:
    """Change the code, and run the command line as a new process would."""
    text = application.read_text(encoding="utf-8")
    assert before in text
    application.write_text(text.replace(before, after, 1), encoding="utf-8")
    later = (
        application.stat().st_mtime + 10
    )  # or Python takes the bytecode of a file of the same size and second
    os.utime(application, (later, later))
    sys.modules.pop("bank", None)
    with programs.forgotten():
        return run(*words)


@pytest.fixture
def locked(application: Path, run: Run) -> Path:
    with programs.forgotten():
        assert run("schema", "lock").code == 0
    return application


def test_a_lock_is_written_and_the_same_code_keeps_to_it(run: Run, locked: Path) -> None:
    text = (locked.parent / "events.lock").read_text(encoding="utf-8")
    assert '"Settled": {' in text
    ran = run("schema", "check", "--exact")
    assert (ran.code, ran.out) == (0, f"sound: 6 events, and {locked.parent}/bank.db\n")
    assert run("schema", "lock").code == 0
    assert (locked.parent / "events.lock").read_text(encoding="utf-8") == text
    document = run("schema", "check", "--json").json
    assert (document["sound"], document["findings"], document["events"]) == (True, [], 6)


def test_a_pattern_with_a_field_that_the_event_has_not_is_found(run: Run, locked: Path) -> None:
    ran = changed(
        locked, run, "case Withdrawn(cents=cents):", "case Withdrawn(cnts=cents):", "schema", "check"
    )
    assert ran.code == 1
    lines = locked.read_text(encoding="utf-8").splitlines()
    number = next(number for number, line in enumerate(lines, 1) if "cnts=cents" in line)
    assert (
        f"broken  Withdrawn 1 has no field 'cnts', which Account.apply matches in line {number} of bank:"
        " no event would match\n        Did you mean cents?\n"
    ) in ran.out


def test_a_break_names_the_field_says_what_to_do_and_shows_the_upcaster(run: Run, locked: Path) -> None:
    before = "class Withdrawn(Event):\n    account: Tag[str]\n    cents: int"
    after = "class Withdrawn(Event):\n    account: Tag[str]\n    cents: str\n    memo: str"
    ran = changed(locked, run, before, after, "schema", "check")
    assert ran.code == 1
    assert "broken  Withdrawn 1 changed in a way that stored events cannot follow\n" in ran.out
    assert "        cents was a whole number, is now text\n" in ran.out
    assert "        memo is new, and has no default that stored events could take\n" in ran.out
    assert "Publish the change as version 2" in ran.out
    with programs.forgotten():
        [finding] = run("schema", "check", "--json").json["findings"]
    assert [difference["field"] for difference in finding["differences"]] == ["cents", "memo"]
    assert finding["stub"] == (
        "class Withdrawn(Event, version=2):\n"
        "    ...\n"
        "\n"
        "    @upcast(1)\n"
        "    @staticmethod\n"
        "    def from_1(data: dict[str, Any]) -> dict[str, Any]:\n"
        "        data = dict(data)\n"
        '        data["cents"] = str(data["cents"])  # was a whole number, is now text\n'
        '        data["memo"] = ...  # is new, and has no default that stored events could take\n'
        "        return data"
    )
    ast.parse(finding["stub"])
    with programs.forgotten():
        refused = run("schema", "lock")
    assert (refused.code, "nothing was locked" in refused.err) == (1, True)


def test_a_new_version_with_its_upcaster_is_news_and_the_old_one_stays_in_the_lock(
    run: Run, locked: Path
) -> None:
    before = "class Withdrawn(Event):\n    account: Tag[str]\n    cents: int"
    after = (
        "class Withdrawn(Event, version=2):\n    account: Tag[str]\n    cents: str\n"
        "    @upcast(1)\n    @staticmethod\n    def from_1(data):\n"
        '        return {**data, "cents": str(data["cents"])}\n'
    )
    ran = changed(locked, run, before, after, "schema", "check", "--sample", "5")
    assert ran.code == 0
    assert "news    Withdrawn 2 has a new version 2\n" in ran.out
    with programs.forgotten():
        assert run("schema", "check", "--exact").code == 1
        assert run("schema", "lock").code == 0
        assert run("schema", "check", "--exact").code == 0
    lock = (locked.parent / "events.lock").read_text(encoding="utf-8")
    assert lock.count('"1": {') == 5
    assert lock.count('"2": {') == 2


def test_a_compatible_change_is_news(run: Run, locked: Path) -> None:
    ran = changed(
        locked,
        run,
        "class Noted(Event):\n    pass",
        "class Noted(Event):\n    text: str = ''",
        "schema",
        "check",
    )
    assert ran.code == 0
    assert "news    Noted 1 changed, and still reads every stored event\n" in ran.out
    assert "backstory schema lock" in ran.err


def test_an_event_that_is_gone_is_a_break_until_it_is_retired(run: Run, locked: Path) -> None:
    ran = changed(locked, run, "class Noted(Event):", "class Written(Event):", "schema", "check")
    assert ran.code == 1
    assert 'If it is Written now: class Written(Event, name="Noted")' in ran.out
    assert "broken  Noted 1 is in the log (#6), and no event class here has this name\n" in ran.out
    assert "backstory schema lock --retire Noted" in ran.out
    with programs.forgotten():
        assert run("schema", "lock").code == 1
        assert run("schema", "lock", "--retire", "Noted").code == 0
        assert run("schema", "check", "--exact").code == 0
        assert run("schema", "lock", "--force").code == 0
        assert run("schema", "check", "--exact", "--sample", "5").code == 0
        assert run("-s", "memory:", "schema", "check", "--exact").code == 0
        shown = run("show", "#6", "--json")
    assert "Noted" in shown.out
    lock = locks.read(locked.parent / "events.lock")
    assert (lock.retired, 1 in lock.events["Noted"]) == (["Noted"], True)
    back = changed(locked, run, "class Written(Event):", "class Noted(Event):", "schema", "lock", "--force")
    assert back.code == 0
    assert locks.read(locked.parent / "events.lock").retired == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lock", "--retire", "Noted"], "Noted cannot be retired while the code has it"),
        (
            ["lock", "--retire", "Nooted"],
            "Nooted is not in the lock, so there is nothing to retire; did you mean Noted?",
        ),
        (["check", "--retire", "Noted"], "--force and --retire belong to lock, not to check"),
    ],
)
@pytest.mark.usefixtures("locked")
def test_what_cannot_be_retired_is_said(run: Run, words: list[str], said: str) -> None:
    with programs.forgotten():
        ran = run("schema", *words)
    assert (ran.code, said in ran.err) == (2, True), ran


def test_what_no_store_has_may_be_locked_by_force(run: Run, locked: Path) -> None:
    ran = changed(locked, run, "cents: int", "cents: str", "schema", "lock", "--force")
    assert ran.code == 0
    assert "of Deposited version 2, from before this change; to see whether the code reads them: " in ran.err
    with programs.forgotten():
        assert run("schema", "check", "--exact").code == 0


def test_versions_that_the_code_does_not_know_are_found_in_the_store(run: Run, locked: Path) -> None:
    before = (
        "class Deposited(Event, version=2):\n    account: Tag[str]\n    cents: int\n\n"
        "    @upcast(1)\n    @staticmethod\n"
        "    def from_1(data: dict[str, Any]) -> dict[str, Any]:\n        return data\n"
    )
    after = "class Deposited(Event):\n    account: Tag[str]\n    cents: int\n"
    ran = changed(locked, run, before, after, "schema", "check")
    assert ran.code == 1
    assert "broken  Deposited 2 is locked as version 2, and the code has version 1\n" in ran.out
    assert "broken  Deposited 2 is in the log in version 2 (#4), and the code has version 1\n" in ran.out


def test_a_sample_decodes_what_is_stored(run: Run, locked: Path) -> None:
    assert (
        run("append", "Withdrawn", "--tag", "account:x", "--data", '{"account": "x", "cents": "1"}').code == 0
    )
    assert run("append", "Noted", "--tag", "account:x").code == 0
    assert run("schema", "check").code == 0
    ran = run("schema", "check", "--sample", "2")
    assert ran.code == 1
    assert (
        "broken  Withdrawn 1 #7 (version 1) cannot be read: ValidationError: Expected `int`, got `str`"
        in ran.out
    )
    assert "warning Noted 1 #8 has account:x, and its class would give it no tags\n" in ran.out


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize(
    "words",
    [
        ["lock", "--exact"],
        ["lock", "--sample", "3"],
        ["check", "--force"],
        ["check", "--sample", "0"],
        ["chek"],
    ],
)
def test_options_that_mean_nothing_are_refused(run: Run, words: list[str]) -> None:
    assert run("schema", *words).code == 2


def test_a_store_that_only_the_project_names_need_not_be_there(
    run: Run, locked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BACKSTORY_STORE")
    project = locked.parent / "pyproject.toml"
    project.write_text('[tool.backstory]\napp = "bank"\nstore = "gone.db"\n', encoding="utf-8")
    ran = run("schema", "check")
    assert (ran.code, ran.out) == (0, "sound: 6 events\n")
    assert run("schema", "check", "--sample", "3").code == 2
    assert run("schema", "check", "-s", "gone.db").code == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "there is no schema lock"),
        ("{", "is not a schema lock"),
        ("<<<<<<< HEAD\n{}", "has a merge conflict"),
        ('{"format": 9, "events": {}}', "was written by a newer Backstory"),
    ],
)
def test_a_lock_that_is_none_is_named(run: Run, application: Path, text: str | None, message: str) -> None:
    if text is not None:
        (application.parent / "other.lock").write_text(text, encoding="utf-8")
    ran = run("schema", "check", "--lock", "other.lock")
    assert ran.code == 2
    assert message in ran.err
    assert "other.lock" in ran.err
