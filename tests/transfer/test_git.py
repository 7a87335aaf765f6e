"""Importing Git repositories that Git itself made."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backstory.database import connect
from backstory.decide.latest import Latest
from backstory.decide.loading import Loader
from backstory.errors import SourceError, UnknownRevision
from backstory.history.check.verify import verify
from backstory.store import Log
from backstory.stores.memory import MemoryStore
from backstory.transfer import load, read_git
from backstory.transfer.formats.git import commit_id, path_bytes, readable
from backstory.transfer.load import LoadReport
from tests.transfer.conftest import data


class Repository:
    """A repository in a folder, with a clock that goes on by a minute with each commit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._clock = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
        self("init", "-q", "-b", "main")

    def __call__(self, *words: str) -> str:
        """Run Git; return what it says."""
        self._clock += 60
        environment = {
            **os.environ,
            **{f"GIT_{who}_NAME": "Ann Ä" for who in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{who}_EMAIL": "ann@example.org" for who in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{who}_DATE": f"{self._clock:.0f} +0100" for who in ("AUTHOR", "COMMITTER")},
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        ran = subprocess.run(
            ["git", *words], cwd=self.folder, env=environment, check=True, capture_output=True, text=True
        )
        return ran.stdout.strip()

    def commit(self, message: str, files: dict[str | bytes, str | bytes | None]) -> str:
        """Write files (None: delete), commit, and return the id."""
        for name, content in files.items():
            path = os.path.join(os.fsencode(self.folder), os.fsencode(name))  # noqa: PTH118 - names that are no text
            if content is None:
                os.remove(path)  # noqa: PTH107
            else:
                os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
                with open(path, "wb") as file:  # noqa: PTH123
                    file.write(content if isinstance(content, bytes) else content.encode())
        self("add", "-A")
        self("commit", "-q", "--allow-empty", "--allow-empty-message", "-m", message)
        return self("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """An empty repository."""
    folder = tmp_path / "project"
    folder.mkdir()
    return Repository(folder)


def test_each_commit_of_git_is_a_commit_with_its_author_time_and_message(
    repository: Repository, log: Log
) -> None:
    sha = repository.commit("first\n\nwith a body: ☃", {"a.txt": "1\n2\n"})
    assert load(log, read_git(repository.folder)) == LoadReport(commits=1, events=1)
    [commit] = log.commits()
    assert (commit.id, commit.author) == (commit_id(sha), "Ann Ä <ann@example.org>")
    assert commit.message == "first\n\nwith a body: ☃"
    assert commit.authored == datetime(2026, 11, 1, 0, 3, tzinfo=UTC)
    assert commit.metadata == {
        "sha": sha,
        "parents": [],
        "committer": "Ann Ä <ann@example.org>",
        "committed": "2026-11-01T00:03:00Z",
    }


def test_files_that_were_added_changed_renamed_and_deleted_are_events(
    repository: Repository, log: Log
) -> None:
    repository.commit("add", {"a.txt": "1\n2\n3\n", "b.bin": b"\0\1"})
    repository.commit("change", {"a.txt": "1\n2\n3\n4\n"})
    repository("mv", "a.txt", "new name.txt")
    repository.commit("rename", {})
    repository.commit("delete", {"new name.txt": None})
    load(log, read_git(repository.folder))
    events = list(log.read())
    author = "author:ann@example.org"
    assert [(event.type, event.tags) for event in events] == [
        ("FileAdded", (author, "file:a.txt")),
        ("FileAdded", (author, "file:b.bin")),
        ("FileChanged", (author, "file:a.txt")),
        ("FileRenamed", (author, "file:a.txt", "file:new name.txt")),
        ("FileDeleted", (author, "file:new name.txt")),
    ]
    added, binary, changed, renamed, deleted = data(events)
    assert (added["path"], added["mode"], added["added"], added["deleted"]) == ("a.txt", "100644", 3, 0)
    assert (binary["added"], binary["deleted"]) == (None, None)
    assert (changed["added"], changed["blob"] != added["blob"]) == (1, True)
    assert (renamed["from"], renamed["path"], renamed["blob"]) == ("a.txt", "new name.txt", changed["blob"])
    assert deleted == {"path": "new name.txt", "mode": None, "blob": None, "added": 0, "deleted": 4}
    assert Loader(log).load(Latest("file:a.txt")).fields["path"].value == "new name.txt"


def test_a_commit_without_files_and_a_merge_are_there_too(repository: Repository, log: Log) -> None:
    repository.commit("base", {"a": "1\n"})
    repository("switch", "-qc", "side")
    side = repository.commit("side", {"b": "1\n"})
    repository("switch", "-q", "main")
    main = repository.commit("", {})
    repository("merge", "-q", "--no-edit", "side")
    load(log, read_git(repository.folder))
    assert [event.type for event in log.read()] == [
        "FileAdded",
        "FileAdded",
        "NothingChanged",
        "BranchesMerged",
    ]
    assert data(log.read())[-1] == {"parents": [main, side]}


def test_a_merge_names_what_it_changed_itself(repository: Repository, log: Log) -> None:
    repository.commit("base", {"a": "1\n", "gone": "x\n", "from": "moved\n"})
    repository("switch", "-qc", "side")
    repository.commit("side", {"a": "2\n", "b c": "1\n"})
    repository("switch", "-q", "main")
    repository.commit("main", {"a": "3\n"})
    with pytest.raises(subprocess.CalledProcessError):
        repository("merge", "-q", "side")
    repository.commit(
        "merged", {"a": "2 and 3\n", "gone": None, "made here": "y\n", "to": "moved\n", "from": None}
    )
    load(log, read_git(repository.folder))
    [last] = log.commits(backwards=True, limit=1)
    events = list(log.read(after=last.first - 1))
    assert [(event.type, event.tags[-1]) for event in events] == [
        ("BranchesMerged", "author:ann@example.org"),
        ("FileChanged", "file:a"),
        ("FileDeleted", "file:gone"),
        ("FileAdded", "file:made here"),
        ("FileRenamed", "file:to"),
    ]
    assert data(events)[1]["blob"] == repository("rev-parse", "HEAD:a")


ODD = (
    b"plain",
    b"two words",
    "schön/☃.txt".encode(),
    b"new\nline",
    b"tab\there",
    b"caf\xe9",
    b'"quoted"',
    b"back\\slash",
    b"\x01:\xff",
)


def test_a_path_of_any_bytes_is_kept_readable_and_reversible(repository: Repository, log: Log) -> None:
    repository.commit("odd", dict.fromkeys(ODD, "x"))
    load(log, read_git(repository.folder))
    paths = [event["path"] for event in data(log.read())]
    assert sorted(map(path_bytes, paths)) == sorted(ODD)
    assert {event.tags[1] for event in log.read()} == {f"file:{path}" for path in paths}
    assert readable(b"caf\xe9") == '"caf\\351"'
    assert "schön/☃.txt" in paths


def test_a_message_and_a_name_that_are_not_utf_8_do_not_stop_it(repository: Repository, log: Log) -> None:
    repository.commit("x", {"a": "1"})
    message = repository.folder.parent / "message"
    message.write_bytes(b"caf\xe9\n")
    repository(
        "-c", "i18n.commitEncoding=utf-8", "commit", "-q", "--amend", "-F", str(message)
    )  # Git takes it for Latin-1
    load(log, read_git(repository.folder))
    assert next(log.commits()).message == "café"


def test_a_second_run_adds_nothing_and_a_new_commit_alone_comes_in(repository: Repository, log: Log) -> None:
    repository.commit("one", {"a": "1"})
    repository.commit("two", {"a": "2"})
    assert load(log, read_git(repository.folder)).commits == 2
    head = log.head()
    assert load(log, read_git(repository.folder)) == LoadReport(known=2)
    assert log.head() == head
    repository.commit("three", {"a": "3"})

    def known(id: str) -> bool:
        return any(commit.id == id for commit in log.find(id))

    assert load(log, read_git(repository.folder, known=known)) == LoadReport(commits=1, events=1, known=2)


def test_parents_come_before_children_whatever_the_clocks_said(repository: Repository, log: Log) -> None:
    first = repository.commit("from the future", {"a": "1"})
    repository._clock -= 10_000
    second = repository.commit("from the past", {"a": "2"})
    load(log, read_git(repository.folder))
    commits = list(log.commits())
    assert [commit.id for commit in commits] == [commit_id(first), commit_id(second)]
    assert commits[1].authored < commits[0].authored == commits[1].time


def test_a_revision_chooses_what_is_imported(repository: Repository, log: Log) -> None:
    first = repository.commit("one", {"a": "1"})
    repository.commit("two", {"a": "2"})
    load(log, read_git(repository.folder, "HEAD~1"))
    assert [commit.id for commit in log.commits()] == [commit_id(first)]


def test_a_whole_hash_of_git_is_a_revision(repository: Repository) -> None:
    first = repository.commit("one", {"a": "1"})
    second = repository.commit("two", {"a": "2"})
    db = connect()
    load(db.log, read_git(repository.folder))
    assert [db.point(hash).position for hash in (first, second, commit_id(first))] == [1, 2, 1]
    with pytest.raises(UnknownRevision):
        db.point(first[:39])


def test_what_is_missing_is_named(
    repository: Repository, tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SourceError, match="no commit yet") as raised:
        load(log, read_git(repository.folder))
    assert str(raised.value).startswith(f"{repository.folder}: ")  # a repository has no lines
    repository.commit("one", {"a": "1"})
    with pytest.raises(SourceError, match="no such revision"):
        load(log, read_git(repository.folder, "nowhere"))
    with pytest.raises(SourceError, match="not a git repository"):
        load(log, read_git(tmp_path))
    with pytest.raises(SourceError, match="nothing"):
        load(log, read_git(tmp_path / "nothing"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="git is not installed"):
        load(log, read_git(repository.folder))


def test_a_revision_cannot_smuggle_an_option(repository: Repository, log: Log) -> None:
    repository.commit("one", {"a": "1"})
    with pytest.raises(SourceError, match="no such revision"):
        load(log, read_git(repository.folder, "--output=owned"))
    assert not (repository.folder / "owned").exists()


def test_the_result_verifies(repository: Repository) -> None:
    repository.commit("one", {"a": "1"})
    store = MemoryStore()
    load(store.log(), read_git(repository.folder))
    assert verify(store).sound
