"""A command line that a hint shows can be pasted into a shell as it stands."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from backstory.told import pasted
from tests import programs
from tests.cli.conftest import Run

ODD = "my bank & 'yours'.db"


def shown(text: str) -> list[list[str]]:
    """The command lines in a text, as a shell reads them, without the program's name."""
    lines = [
        line[line.index("backstory ") :]
        for line in text.splitlines()
        if "  backstory " in line or ": backstory " in line
    ]
    return [shlex.split(line)[1:] for line in lines]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_hints_of_init_name_the_store(run: Run) -> None:
    made = run("init", ODD)
    hints = shown(made.err)
    assert [words[:2] for words in hints] == [["-s", ODD], ["-s", ODD]]
    for words in hints:
        assert run(*words).code == 0, words
    assert shlex.split(made.err.splitlines()[-1])[-1] == f"BACKSTORY_STORE={ODD}"


def test_a_store_that_is_missing_says_how_to_make_it(run: Run) -> None:
    refused = run("-s", ODD, "log")
    assert refused.code == 2
    [words] = shown(refused.err)
    assert words == ["init", ODD]
    assert run(*words).code == 0


def test_a_tag_with_a_space_may_be_pasted(run: Run) -> None:
    run("init", "x.db")
    refused = run("-s", "x.db", "log", "account:ann & bob")
    assert shown(refused.err) == [["-s", "x.db", "log", "--tag", "account:ann & bob"]]


def test_an_address_keeps_its_options() -> None:
    address = "postgresql://ann@/bank?host=/tmp&schema=a b"
    assert shlex.split(pasted("init", address)) == ["backstory", "init", address]


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_characters_that_a_terminal_would_not_show_are_written_so_that_a_shell_reads_them() -> None:
    words = ["\x1b[31m", "a'b\\c\n", "ä\u200b"]
    line = pasted(*words).removeprefix("backstory ")
    assert line.isprintable()
    read = subprocess.run(["bash", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True).stdout
    assert read.decode().split("\0")[:-1] == words


@pytest.fixture
def application(tmp_path: Path) -> Iterator[None]:
    """The code of the bank, which nothing but an option names."""
    with programs.forgotten():
        programs.bank(tmp_path)
        (tmp_path / "pyproject.toml").unlink()
        yield


def hints(text: str) -> list[list[str]]:
    """All command lines in a text, each as a shell reads it, without what stands behind two spaces."""
    lines = [line for line in text.splitlines() if not line.startswith("usage:")]
    parts = [part for line in lines for part in re.split(r"(?:^|: |&& |  )(?=backstory )", line)[1:]]
    return [shlex.split(re.split(r"  | &&", part)[0])[1:] for part in parts]


@pytest.mark.usefixtures("application")
def test_every_hint_repeats_the_store_the_branch_and_the_application_and_works_as_pasted(run: Run) -> None:
    run("init", ODD)
    named = ("-s", ODD, "--app", "bank")
    assert run("do", "deposit", "a-7", "--cents", "5", *named).code == 0
    assert run("branch", "trial", "-s", ODD).code == 0
    looks = [
        ("log", "account:a-7", *named),
        ("bisect", "account:a-7", *named),
        ("bisect", "run", *named),
        ("grep", "x", "--type", "Deposited", *named),
        ("log", "--of", "Account", "a-7", *named),
        ("mark", "-s", ODD),
        ("show", "#1", *named),
        ("state", "nothing:there", *named),
        ("tags", "nothing", "-s", ODD),
        ("do", *named),
        ("do", "deposit", "a-7", *named),
        ("branch", "--restore", "gone", "-s", ODD),
        ("branch", "third", "-s", ODD),
        ("branch", "--delete", "third", "-s", ODD),  # this folder went there by the hint before
        ("branch", "--delete", "third", "-s", ODD),
        ("schema", "check", "--lock", "my own.lock", *named),
        ("switch", "trial", "HEAD", f"--store={ODD}"),
        ("status", "-b", "trial", "-s", ODD),
        ("merge", "main", "-s", ODD),
    ]
    seen = set()
    for look in looks:
        ran = run(*look)
        found = hints(ran.out + ran.err)
        for words in found:
            assert "--help" in words or words[:2] == ["-s", ODD], (look, words)
            placed = {"CMD": "true", "./check.sh": "true", "NAME": f"new-{look[0]}"}
            ready = [placed.get(word, word) for word in words]
            pasted_in = run(*ready)
            assert pasted_in.code in (0, 1), (look, words, pasted_in.err)
            seen.add(words[2] if words[0] == "-s" else words[0])
    assert {"log", "bisect", "mark", "tags", "commands", "do", "reflog", "switch", "branch", "schema"} <= seen


def test_a_branch_is_repeated_unless_the_hint_goes_to_another_one(run: Run) -> None:
    run("init", "x.db")
    run("append", "A", "-s", "x.db")
    run("branch", "trial", "-s", "x.db")
    run("append", "B", "-s", "x.db", "-b", "trial")
    run("append", "C", "-s", "x.db")
    refused = run("log", "account:a", "-sx.db", "--branch=trial")
    assert hints(refused.err) == [["-s", "x.db", "-b", "trial", "log", "--tag", "account:a"]]
    status = run("status", "-s", "x.db", "-b", "trial")
    assert hints(status.out) == [
        ["-s", "x.db", "switch", "main"],
        ["-s", "x.db", "merge", "trial"],
        ["-s", "x.db", "-b", "trial", "rebase", "main"],
    ]
    for words in hints(status.out):
        assert run(*words).code == 0, words


@pytest.mark.usefixtures("application")
def test_the_ways_out_of_a_conflict_name_the_store_and_the_application(run: Run) -> None:
    run("init", "x.db")
    named = ("-s", "x.db", "--app", "bank")
    run("do", "deposit", "a-7", "--cents", "5", *named)
    run("branch", "trial", "-s", "x.db")
    run("do", "withdraw", "a-7", "--cents", "5", "-b", "trial", *named)
    run("do", "withdraw", "a-7", "--cents", "3", *named)
    conflict = run("merge", "trial", *named)
    assert conflict.code == 1
    ways = hints(conflict.out + conflict.err)
    assert ["-s", "x.db", "merge", "--app", "bank", "--redecide"] in ways
    assert run(*ways[-1]).code == 0
    run("merge", "trial", *named)
    assert "refused: insufficient funds" in run(*ways[0]).out


def test_a_password_in_an_address_is_not_shown_in_a_hint(run: Run) -> None:
    refused = run("log", "--of", "Account", "a-7", "-s", "postgresql://ann:sesame@127.0.0.1:1/x?timeout=0")
    assert "sesame" not in refused.err
    assert hints(refused.err)[0][:2] == ["-s", "postgresql://ann@127.0.0.1:1/x?timeout=0"]
