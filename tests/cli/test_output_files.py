"""Files that verbs write: an export, the rejects of an import, a schema lock."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.cli.conftest import Ran, Run

Write: TypeAlias = Callable[[str], Ran]
"""Writes a file of that name."""

WAYS = {
    "export": ("export", "-o"),
    "rejects": ("import", "jsonl", "bad.jsonl", "--no-app", "--on-error", "skip", "--rejects"),
    "lock": ("schema", "lock", "--force", "--lock"),
}

every_way = pytest.mark.parametrize("write", WAYS, indirect=True)
into_pipes = pytest.mark.parametrize("write", ["export", "rejects"], indirect=True)


@pytest.fixture
def write(request: pytest.FixtureRequest, run: Run, application: Path) -> Write:
    """A way to write a file, in a folder that has a store `bank.db` and another one, `other.db`."""
    (application.parent / "bad.jsonl").write_text(
        'nothing\n{"id":"n","events":[{"type":"N"}]}\n', encoding="utf-8"
    )
    assert run("init", "other.db").code == 0
    return lambda name: run(*WAYS[request.param], name)


@every_way
@pytest.mark.parametrize(
    "name", ["bank.db", "other.db", "hard.db", "link.db", "dangling.db", "bank.db-wal", "other.db-journal"]
)
def test_a_store_is_never_written_over(write: Write, bank: Path, alone: Path, name: str) -> None:
    (alone / "hard.db").hardlink_to(bank)
    (alone / "link.db").symlink_to(alone / "other.db")
    (alone / "dangling.db").symlink_to(alone / "bank.db-shm")
    before = bank.read_bytes(), (alone / "other.db").read_bytes()
    ran = write(name)
    assert (ran.code, ran.out) == (2, "")
    assert f"{name} is a store, or a part of one, and is not written over; write to another file" in ran.err
    assert (bank.read_bytes(), (alone / "other.db").read_bytes()) == before


@every_way
def test_a_folder_is_no_file_to_write(write: Write, alone: Path) -> None:
    (alone / "folder").mkdir()
    ran = write("folder")
    assert (ran.code, "folder is a folder; name a file in it" in ran.err) == (2, True)
    assert list((alone / "folder").iterdir()) == []


@every_way
def test_a_link_keeps_pointing_a_mode_is_kept_and_nobodys_file_is_touched(write: Write, alone: Path) -> None:
    target, link = alone / "target", alone / "link"
    others = [alone / f"target{ending}" for ending in (".part", ".new", f".{os.getpid()}")]
    for other in others:
        other.write_text("mine", encoding="utf-8")
    assert write("target").code == 0
    text = target.read_text(encoding="utf-8")
    if '"format"' not in text:  # a lock reads what it replaces
        target.write_text("old", encoding="utf-8")
    target.chmod(0o640)
    link.symlink_to(target)
    assert write("link").code == 0
    assert link.is_symlink()
    assert (target.read_text(encoding="utf-8"), target.stat().st_mode & 0o777) == (text, 0o640)
    assert [other.read_text(encoding="utf-8") for other in others] == ["mine"] * 3
    assert len(list(alone.glob("target*"))) == 4


@into_pipes
def test_a_pipe_or_a_device_is_written_to(write: Write, alone: Path) -> None:
    assert write("/dev/null").code == 0
    assert Path("/dev/null").is_char_device()
    os.mkfifo(alone / "pipe")
    with subprocess.Popen(["cat", alone / "pipe"], stdout=subprocess.PIPE) as reader:
        assert write("pipe").code == 0
        assert reader.communicate()[0].startswith(b"{")
    assert (alone / "pipe").is_fifo()


@every_way
def test_a_file_that_cannot_be_written_is_named_as_it_was_asked_for(write: Write) -> None:
    ran = write("nowhere/file")
    assert (ran.code, ran.err) == (2, "backstory: nowhere/file: No such file or directory\n")


@pytest.mark.parametrize("write", ["rejects"], indirect=True)
def test_rejects_are_gzipped_by_their_name_and_never_replace_the_source(write: Write, alone: Path) -> None:
    assert write("r.jsonl.gz").code == 0
    assert (alone / "r.jsonl.gz").read_bytes()[:2] == b"\x1f\x8b"
    ran = write("bad.jsonl")
    assert (ran.code, "bad.jsonl is the file that is read" in ran.err) == (2, True)
