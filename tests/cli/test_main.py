"""The command as a whole: verbs, help, exit codes, and how errors look."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

import backstory.cli
from backstory.cli import VERBS
from tests.cli.conftest import Run

COMMAND = [sys.executable, "-m", "backstory"]


def test_help_lists_every_verb_with_what_it_does(run: Run) -> None:
    for words in (["--help"], ["-h"], ["help"]):
        ran = run(*words)
        assert ran.code == 0
        for verbs in VERBS.values():
            for verb, summary in verbs.items():
                assert f"  {verb:13}{summary}\n" in ran.out


def test_nothing_at_all_is_a_usage_error_that_shows_the_help(run: Run) -> None:
    assert run().code == 2
    assert "make history:" in run().out


def test_the_version_is_shown(run: Run) -> None:
    assert run("--version").out.startswith("backstory 0.")


def test_help_for_a_verb_is_the_same_however_it_is_asked_for(run: Run) -> None:
    shown = run("help", "log")
    assert shown.code == 0
    assert shown.out == run("log", "--help").out == run("log", "-n", "3", "-h").out
    assert "usage: backstory log [options]" in shown.out


def test_an_unknown_verb_is_a_usage_error_with_the_nearest_ones(run: Run) -> None:
    ran = run("lgo")
    assert (ran.code, ran.out) == (2, "")
    assert "there is no verb 'lgo'; did you mean log?" in ran.err
    assert "backstory --help" in run("zzz").err
    assert run("help", "zzz").code == 2


@pytest.mark.usefixtures("bank")
def test_options_of_every_verb_may_stand_before_it(
    run: Run, bank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BACKSTORY_STORE")
    assert run("-s", str(bank), "--color", "never", "--json", "stats").json["events"] == 6
    assert run("-s", str(bank)).code == 2


def test_a_wrong_option_points_to_the_help(run: Run) -> None:
    ran = run("log", "--onelin")
    assert ran.code == 2
    assert ran.err == (
        "backstory: unrecognized arguments: --onelin; did you mean --oneline?\nTry: backstory log --help\n"
    )


def test_an_extra_that_is_missing_is_no_bug_and_the_line_that_installs_it_is_shown(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    ran = run("-s", "memory:", "ui", "--no-open")
    assert ran.code == 2
    assert ran.err == "backstory: backstory ui needs uvicorn: pip install 'backstory[web]'\n"


def test_a_bug_is_called_a_bug_and_its_traceback_is_for_those_who_ask(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_badly(*_: object) -> int:
        raise ValueError("oops")

    broken = SimpleNamespace(EXAMPLES="", arguments=lambda _: None, run=run_badly)
    monkeypatch.setattr(backstory.cli, "load", lambda *_: broken)
    ran = run("log")
    assert ran.code == 70
    assert ran.err.startswith("backstory: this is a bug: ValueError: oops\n")
    monkeypatch.setenv("BACKSTORY_DEBUG", "1")
    with pytest.raises(ValueError, match="oops"):
        run("log")


def test_a_folder_that_cannot_be_is_one_line(run: Run, alone: Path) -> None:
    (alone / "file").write_text("x", encoding="utf-8")
    ran = run("init", str(alone / "file" / "x.db"))
    assert ran.code == 2
    assert ran.err.count("\n") == 1


@pytest.mark.usefixtures("bank")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-"])
def test_a_closed_standard_stream_is_no_bug(closed: str) -> None:
    script = f"{shlex.quote(sys.executable)} -m backstory log --oneline {closed}"
    assert subprocess.run(["bash", "-c", script], capture_output=True, check=False).returncode == 0
    refused = f"{shlex.quote(sys.executable)} -m backstory show nothing {closed}"
    assert subprocess.run(["bash", "-c", refused], capture_output=True, check=False).returncode == 2


@pytest.mark.usefixtures("bank")
@pytest.mark.parametrize(
    "words",
    [
        ["append", "Noted", b"a=\xff"],
        ["append", "Noted", "--tag", b"a:\xff"],
        ["append", b"\xff"],
        ["show", b"\xff"],
    ],
)
def test_words_that_are_no_text_are_a_usage_error(words: list[str | bytes]) -> None:
    ran = subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 1


def test_a_file_of_another_kind_is_named(run: Run, alone: Path) -> None:
    (alone / "notes.txt").write_text("x" * 200, encoding="utf-8")
    ran = run("-s", "notes.txt", "log")
    assert (ran.code, ran.err) == (2, "backstory: notes.txt is not a Backstory store\n")


def test_a_store_that_is_not_there_is_named_with_what_makes_it(run: Run) -> None:
    ran = run("-s", "gone.db", "log")
    assert ran.code == 2
    assert "backstory init gone.db" in ran.err
    assert not Path("gone.db").exists()


@pytest.mark.usefixtures("bank")
def test_a_reader_who_leaves_early_ends_it_silently() -> None:
    # A full pipe: more than any buffer holds.
    for _ in range(3):
        subprocess.run(
            [*COMMAND, "append", "Noted", f"text={'x' * 90_000}"], check=True, stdout=subprocess.DEVNULL
        )
    with subprocess.Popen(
        [*COMMAND, "log", "--ndjson"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.usefixtures("bank", "interruptible")
def test_ctrl_c_ends_it_with_130_and_no_traceback() -> None:
    with subprocess.Popen(
        [*COMMAND, "log", "--follow", "--oneline"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for _ in range(4):
            process.stdout.readline()
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == b""
    assert process.returncode == 130


@pytest.mark.usefixtures("bank")
def test_a_verb_imports_nothing_of_the_others_and_nothing_slow() -> None:
    code = (
        "import sys; sys.modules['typing_extensions'] = None  # msgspec uses it if it is there, and it loads much\n"
        "import msgspec, apsw, argparse; before = set(sys.modules)\n"
        "from backstory.cli import main; main(['log', '-n', '20'])\n"
        "print(*sorted(set(sys.modules) - before), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(ran.stderr.split())
    own = {name for name in loaded if name.startswith("backstory.cli.")}
    assert own == {
        f"backstory.cli.{name}"
        for name in (
            *("exits", "verbs", "verbs.log", "verbs.log.view"),
            *("parse", "parse.parser"),
            *("show", "show.commits", "show.output", "show.text", "show.times"),
        )
    }
    assert not {"shutil", "subprocess", "tempfile", "difflib", "tomllib", "importlib.resources"} & loaded
    assert (
        not {
            *("dataclasses", "inspect", "ast", "dis", "tokenize", "traceback", "logging"),
            "hashlib",
            "pathlib",
            "backstory.values.event",
            "backstory.values.codec",
            "backstory.decide.state",
        }
        & loaded
    )
    assert {name for name in loaded if name.startswith("backstory.history.")} == {
        "backstory.history.ask",
        "backstory.history.ask.listing",
    }
    assert len([name for name in loaded if name.startswith("backstory.")]) <= 75


def test_the_console_script_is_the_same_command() -> None:
    script = Path(sys.executable).with_name("backstory")
    if not script.exists():
        pytest.skip("the package is not installed beside this Python")
    ran = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("backstory ")


def test_standard_input_and_the_environment_are_left_alone(run: Run) -> None:
    before = dict(os.environ)
    run("--help")
    assert dict(os.environ) == before


def test_a_verb_without_its_words_says_what_is_missing_and_no_more(run: Run) -> None:
    ran = run("diff")
    assert ran.code == 2
    missing = "the following arguments are required: A [B] [KEY:VALUE|STATE ...]"
    assert ran.err == f"backstory: {missing}\nTry: backstory diff --help\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-n", "5", "log"], "there is no verb '5'; the verb comes first: backstory log -n 5"),
        (["bank.db", "log"], "there is no verb 'bank.db'; a store is named by -s: backstory -s bank.db log"),
        (["checkout", "main"], "there is no verb 'checkout'; did you mean switch?"),
        (["stats2"], "there is no verb 'stats2'; did you mean stats"),
        (["wibble"], "there is no verb 'wibble'; the verbs are listed by: backstory --help"),
    ],
)
def test_what_was_probably_meant_by_a_word_that_is_no_verb(run: Run, words: list[str], said: str) -> None:
    ran = run(*words)
    assert ran.code == 2
    assert said in ran.err


def test_each_word_of_other_programs_stands_for_a_verb_and_is_none() -> None:
    verbs = {verb for group in backstory.cli.VERBS.values() for verb in group}
    assert set(backstory.cli.OTHERS.values()) <= verbs
    assert not set(backstory.cli.OTHERS) & verbs
