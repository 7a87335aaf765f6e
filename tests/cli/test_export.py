"""`backstory export`."""

from __future__ import annotations

import gzip
import os
import subprocess
from pathlib import Path

import msgspec
import pytest

from tests.cli.conftest import Run


@pytest.mark.usefixtures("bank")
def test_an_export_is_imported_as_the_same_history(run: Run, tmp_path: Path) -> None:
    assert run("export", "-o", str(tmp_path / "all.jsonl.gz")).code == 0
    copy = str(tmp_path / "copy.db")
    assert run("import", "-s", copy, "jsonl", str(tmp_path / "all.jsonl.gz")).code == 0
    hashes = [
        [commit["hash"] for commit in run("log", *words, "--ndjson").ndjson] for words in ([], ["-s", copy])
    ]
    assert hashes[0] == hashes[1] != []
    assert gzip.decompress((tmp_path / "all.jsonl.gz").read_bytes()).decode() == run("export").out


@pytest.mark.usefixtures("bank")
def test_cloudevents_are_filtered_by_type_and_tag(run: Run) -> None:
    words = ("export", "--format", "cloudevents", "--source", "urn:bank")
    every = run(*words).ndjson
    opened = run(*words, "--type", "AccountOpened", "--tag", "account:a-7").ndjson
    assert [event["type"] for event in opened] == ["AccountOpened"]
    assert opened[0] in every
    assert {event["source"] for event in every} == {"urn:bank"}


@pytest.mark.usefixtures("bank")
def test_a_range_is_exported(run: Run) -> None:
    whole = run("export").ndjson
    head, *rest = run("export", "--after", "1", "--upto", "4").ndjson
    assert rest
    assert all(line in whole for line in rest)
    assert (head["after"], head["upto"]) == (
        rest[0]["position"] - len(rest[0]["events"]),
        rest[-1]["position"],
    )


@pytest.mark.usefixtures("bank")
def test_a_file_is_there_only_when_it_is_complete(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "all.jsonl"
    path.write_text("precious", encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr("backstory.transfer.export.commit_line", fails)
        ran = run("export", "-o", str(path))
        assert (ran.code, ran.err) == (2, f"backstory: {path}: No space left on device\n")
    assert [found.name for found in tmp_path.glob("all*")] == ["all.jsonl"]
    assert path.read_text(encoding="utf-8") == "precious"
    assert run("export", "-o", str(path), "--json").json["lines"] == len(
        path.read_text(encoding="utf-8").splitlines()
    )


@pytest.mark.usefixtures("bank")
def test_a_file_that_cannot_be_written_is_named_as_it_was_asked_for(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "no such folder" / "all.jsonl"
    assert run("export", "-o", str(path)).err == f"backstory: {path}: No such file or directory\n"


@pytest.mark.usefixtures("bank")
def test_options_that_do_not_go_together_are_refused(run: Run) -> None:
    assert run("export", "--type", "Deposited").code == 2
    assert run("export", "--json").code == 2


@pytest.mark.usefixtures("bank")
def test_every_line_is_json_of_its_own(run: Run) -> None:
    for line in run("export").out.splitlines():
        assert isinstance(msgspec.json.decode(line), dict)


def test_a_file_is_never_written_over_a_store(run: Run, bank: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    assert run("init", str(other)).code == 0
    (tmp_path / "hard.db").hardlink_to(bank)
    (tmp_path / "link.db").symlink_to(other)
    before = bank.read_bytes(), other.read_bytes()
    for name in ("bank.db", "other.db", "hard.db", "link.db", "bank.db-wal", "other.db-journal"):
        ran = run("export", "-o", name)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err == (
            f"backstory: {name} is a store, or a part of one, and is not written over; write to another file\n"
        )
    assert (bank.read_bytes(), other.read_bytes()) == before
    assert len(run("log", "--ndjson").ndjson) == 4


@pytest.mark.usefixtures("bank")
def test_a_folder_is_no_file_to_write(run: Run, tmp_path: Path) -> None:
    assert run("export", "-o", str(tmp_path)).err == f"backstory: {tmp_path} is a folder; name a file in it\n"


@pytest.mark.usefixtures("bank")
def test_what_stands_at_the_name_stays_what_it_is(run: Run, tmp_path: Path) -> None:
    target, link, part = tmp_path / "all.jsonl", tmp_path / "link.jsonl", tmp_path / "all.jsonl.part"
    target.write_text("old", encoding="utf-8")
    target.chmod(0o600)
    link.symlink_to(target)
    part.write_text("mine", encoding="utf-8")
    assert run("export", "-o", str(link)).code == 0
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == run("export").out
    assert target.stat().st_mode & 0o777 == 0o600
    assert part.read_text(encoding="utf-8") == "mine"
    assert len(list(tmp_path.glob("*.part"))) == 1


@pytest.mark.usefixtures("bank")
def test_a_pipe_or_a_device_is_written_to(run: Run, tmp_path: Path) -> None:
    assert run("export", "-o", "/dev/null").code == 0
    assert Path("/dev/null").is_char_device()
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE) as reader:
        assert run("export", "-o", "pipe").code == 0
        assert reader.communicate()[0].decode() == run("export").out
    assert (tmp_path / "pipe").is_fifo()
