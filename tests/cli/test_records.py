"""Every verb works with a state whose `apply` looks at its record: at the author and the time of each event."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import programs
from tests.cli.conftest import Run

APP = """
from datetime import datetime
from backstory import Event, State, Tag, command

class Said(Event, name="records.said"):
    talk: Tag[str]
    text: str

class Talk(State):
    talk: Tag[str]
    said: list[str] = []
    latest: datetime | None = None

    def apply(self, event: Said, record) -> None:
        self.said.append(f"{record.author}: {event.text}")
        self.latest = record.time

@command
def say(talk: Talk, text: str) -> Said:
    return Said(talk.talk, text)
"""


@pytest.fixture(autouse=True)
def talk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> Iterator[None]:
    """A talk of two events, each of another author."""
    (tmp_path / "talking.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BACKSTORY_STORE", "talk.db")
    monkeypatch.setenv("BACKSTORY_APP", "talking")
    monkeypatch.setenv("BACKSTORY_AUTHOR", "ann")
    with programs.forgotten():
        run("init")
        run("do", "say", "t", "--text", "hi")
        run("do", "say", "t", "--text", "ho", "--author", "bob")
        yield


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("state Talk t", "bob: ho"),
        ("blame Talk t", "bob: ho"),
        ("diff '#1' HEAD Talk t", 'said[1]: "bob: ho"'),
        ("diff '#1' HEAD --all Talk", "bob: ho"),
        ("diff '#1' HEAD Talk t --json-patch", "bob: ho"),
        ("bisect Talk t --where len(said)>1", "since #2"),
        ("bisect Talk t --where len(said)>1 --turns", "#2"),
        ("bisect Talk --all --where len(said)>1", "since #2"),
        ("log --oneline -S 'said.1=bob: ho' --of Talk t", "#2"),
        ("verify --snapshots", "2 events"),
        ("do say t --text x --preview", 'said[2]: "ann: x"'),
        ("do say t --text x --preview --author eve", 'said[2]: "eve: x"'),
    ],
)
def test_a_verb_shows_what_the_record_says(words: str, said: str, run: Run) -> None:
    ran = run(*shlex.split(words))
    assert ran.code in (0, 1), ran
    assert said in ran.out + ran.err, ran


def test_bisect_run_gives_the_command_the_state_with_the_authors(run: Run) -> None:
    check = "grep -q bob && exit 1 || exit 0"
    ran = run("bisect", "run", check, "--of", "Talk", "t", "--good", "#0", "--bad", "HEAD")
    assert ran.code == 0, ran
    assert "#2" in ran.out
