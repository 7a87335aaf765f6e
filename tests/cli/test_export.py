"""`backstory export`."""

from __future__ import annotations

import gzip
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
def test_options_that_do_not_go_together_are_refused(run: Run) -> None:
    assert run("export", "--type", "Deposited").code == 2
    assert run("export", "--json").code == 2


@pytest.mark.usefixtures("bank")
def test_every_line_is_json_of_its_own(run: Run) -> None:
    for line in run("export").out.splitlines():
        assert isinstance(msgspec.json.decode(line), dict)
