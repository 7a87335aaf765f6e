"""A store, a branch and an application, found once, without a command line."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import backstory.session as sessions
from backstory.cli import main
from backstory.database import connect
from backstory.errors import SessionError, StoreMissing
from backstory.session import Session, memory
from backstory.session.memory import FILE, Memory, Pending
from tests import programs
from tests.history.ledger import Book, enter


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with a branch, in a folder that is a project."""
    path = tmp_path / "ledger.db"
    with connect(str(path)) as db:
        db.execute(enter(Book("a"), 1))
        db.branch("side").execute(enter(Book("b"), 2))
    (tmp_path / "pyproject.toml").write_text('[tool.backstory]\nstore = "ledger.db"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return path


def test_a_name_that_is_given_comes_before_the_environment_and_that_before_the_project(store: Path) -> None:
    folder = str(store.parent)
    environment = {"BACKSTORY_STORE": "other.db"}
    assert Session(folder, environment, store="third.db").address == "third.db"
    assert Session(folder, environment).address == "other.db"
    found = Session(folder, {})
    assert (found.address, found.explicit) == (str(store), False)
    assert Session(str(store.parent / "deep" / "er"), {}).address == str(store)


def test_where_nothing_is_named_the_error_has_the_ways_as_hints(tmp_path: Path) -> None:
    session = Session(str(tmp_path), {})
    assert not session.has_store
    assert not session.has_application
    for ask, what in ((lambda: session.address, "store"), (lambda: session.application, "application")):
        with pytest.raises(SessionError, match=rf"^no {what} is named$") as error:
            ask()
        assert error.value.kind == "session-error"
        assert any("pyproject.toml" in hint for hint in error.value.hints)


def test_a_store_is_opened_when_it_is_asked_for_and_closed_with_the_session(store: Path) -> None:
    with Session(str(store.parent), {}) as session:
        assert session.log.head().position == 1
        assert session.store is session.store
        assert session.branches.view(session.point("side").chain).head().position == 2
        assert session.database.load(Book("a")).total == 1
    with pytest.raises(StoreMissing), Session(str(store.parent), {}, store="none.db") as other:
        _ = other.log


def test_the_branch_is_the_one_that_is_named_or_that_the_folder_is_on(store: Path) -> None:
    folder = str(store.parent)
    with Session(folder, {}) as session:
        assert session.branch == "main"
        session.remember(Memory("side", "main", Pending("merge", "side", "main")))
    with Session(folder, {}) as session:
        assert (session.branch, session.log.head().position) == ("side", 2)
        assert session.memory.pending == Pending("merge", "side", "main")
        assert session.view("main")[1] == 1
    with Session(folder, {}, branch="main") as session:
        assert session.branch == "main"
        session.remember(Memory())
    assert not (store.parent / FILE).exists()


def test_a_branch_that_is_gone_is_said_with_the_ways_out(store: Path) -> None:
    folder = str(store.parent)
    with Session(folder, {}) as session:
        session.remember(Memory("side"))
        session.branches.delete("side")
    with Session(folder, {}) as session:
        for ask in (lambda: session.log, lambda: session.database, lambda: session.point("HEAD")):
            with pytest.raises(SessionError, match="on the branch side, which is gone") as error:
                ask()
            assert "backstory branch --restore side" in error.value.hints[1]


def test_the_application_is_found_as_the_store_is(tmp_path: Path) -> None:
    with programs.forgotten():
        programs.bank(tmp_path)
        session = Session(str(tmp_path), {}, app="bank")
        assert session.has_application
        assert session.application is session.application
        assert session.application_folder == tmp_path
        assert "Account" in {cls.__name__ for cls in session.application.states}


def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each question is asked."""
    asked: Counter[str] = Counter()

    def counting(module: Any, name: str, label: str) -> None:
        real: Callable[..., Any] = getattr(module, name)

        def ask(*arguments: Any, **options: Any) -> Any:
            asked[label] += 1
            return real(*arguments, **options)

        monkeypatch.setattr(module, name, ask)

    counting(sessions, "open_store", "opened")
    counting(sessions, "setting", "projects read")
    counting(memory, "recall", "memories read")
    return asked


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    "words",
    [
        ["log", "--graph", "main"],
        ["log", "--oneline"],
        ["show"],
        ["diff", "#1", "HEAD"],
        ["blame", "book:a"],
        ["state", "book:a", "--at", "HEAD"],
        ["status"],
        ["merge", "side", "--dry-run"],
    ],
)
def test_a_verb_asks_for_store_branch_and_memory_once(
    words: list[str], store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BACKSTORY_STORE", "BACKSTORY_APP"):
        monkeypatch.delenv(name, raising=False)
    with Session(str(store.parent), os.environ) as session:
        session.remember(Memory(previous="side"))
    asked = counted(monkeypatch)
    assert main(words) == 0
    assert (asked["opened"], asked["memories read"]) == (1, 1)
    assert asked["projects read"] <= 2  # one for the store, one for the application
