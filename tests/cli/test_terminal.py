"""What a person at a terminal gets: colour, a pager, a progress line; and a program none of them."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from backstory.cli.show import output
from backstory.cli.show.output import Output
from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("bank")

ESCAPE = "\x1b["


def at_terminal(*words: str, error_only: bool = False, **environment: str) -> tuple[int, str]:
    """Run the command with a terminal for its output; `error_only`: for its messages alone. What the terminal got."""
    leader, follower = pty.openpty()
    variables = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24", **environment}
    with subprocess.Popen(
        [sys.executable, "-m", "backstory", *words],
        stdin=follower,
        stdout=subprocess.DEVNULL if error_only else follower,
        stderr=follower,
        env=variables,
    ) as process:
        os.close(follower)
        parts = []
        while True:
            try:
                part = os.read(leader, 65536)
            except OSError:  # Linux ends a terminal that nobody holds with EIO
                break
            if not part:
                break
            parts.append(part)
    os.close(leader)
    return process.returncode, b"".join(parts).decode().replace("\r\n", "\n")


def test_a_terminal_gets_colour_and_a_pipe_none(run: Run) -> None:
    assert f"{ESCAPE}33mcommit " in at_terminal("log", PAGER="cat")[1]
    assert ESCAPE not in run("log").out


def test_colour_is_off_for_no_color_and_for_a_dumb_terminal_unless_it_is_asked_for(run: Run) -> None:
    assert ESCAPE not in at_terminal("log", PAGER="cat", NO_COLOR="1")[1]
    assert ESCAPE not in at_terminal("log", PAGER="cat", TERM="dumb")[1]
    assert ESCAPE not in at_terminal("log", "--color", "never", PAGER="cat")[1]
    assert ESCAPE in at_terminal("log", "--color", "always", PAGER="cat", NO_COLOR="1")[1]
    assert ESCAPE in run("log", "--color", "always").out


def test_json_is_never_coloured_or_paged() -> None:
    code, shown = at_terminal("log", "--json", "--color", "always", BACKSTORY_PAGER="sh -c 'echo paged; cat'")
    assert code == 0
    assert ESCAPE not in shown
    assert "paged" not in shown


@pytest.mark.parametrize("words", [["log"], ["show"], ["state", "account:a-7"], ["types"], ["tags"]])
def test_long_output_goes_through_the_pager(words: list[str]) -> None:
    code, shown = at_terminal(*words, BACKSTORY_PAGER="sh -c 'echo paged; cat'", PAGER="false")
    assert code == 0
    assert shown.startswith("paged\n")
    assert len(shown) > 40


def test_the_pager_may_be_named_by_pager_or_left_out() -> None:
    assert at_terminal("log", PAGER="sh -c 'echo paged; cat'")[1].startswith("paged")
    assert "paged" not in at_terminal("log", "--no-pager", PAGER="sh -c 'echo paged; cat'")[1]
    assert "commit" in at_terminal("log", PAGER="")[1]
    assert "commit" in at_terminal("log", PAGER="pager-that-is-not-there")[1]
    assert "paged" not in at_terminal("log", BACKSTORY_PAGER="cat", PAGER="sh -c 'echo paged; cat'")[1]


@pytest.mark.parametrize("pager", ["less 'R", "./no-program", ".", "  ", "LESS=R less", "\\"])
def test_a_pager_that_cannot_be_started_is_left_out(alone: Path, pager: str) -> None:
    (alone / "no-program").write_bytes(b"\0\1\2")
    (alone / "no-program").chmod(0o755)
    code, shown = at_terminal("log", PAGER=pager)
    assert (code, "commit" in shown, "Traceback" in shown) == (0, True, False)


@pytest.mark.parametrize(("encoding", "shown"), [("ascii", "Zo\\xeb"), ("utf-8", "Zo\xeb")])
def test_a_pager_gets_what_the_terminal_can_show(run: Run, encoding: str, shown: str) -> None:
    run("append", "Noted", "--author", "Zo\xeb")
    assert f"Author: {shown}" in at_terminal("log", PAGER="sed ''", PYTHONIOENCODING=encoding)[1]


def test_a_pager_may_be_a_pipe_of_programs() -> None:
    assert at_terminal("log", PAGER="cat | sed 's/^/> /'")[1].startswith("> ")


def test_a_pager_that_is_left_early_is_no_error(run: Run) -> None:
    for _ in range(3):
        run("append", "Noted", "-m", "\n".join("x" * 1000 for _ in range(200)))
    assert at_terminal("log", PAGER="head -n 1") == (0, at_terminal("log", PAGER="head -n 1")[1])
    assert at_terminal("log", PAGER="head -n 1")[1].count("\n") == 1


def test_what_fits_on_the_screen_stays_on_it_with_less() -> None:
    import shutil

    if shutil.which("less") is None:
        pytest.skip("less is not installed")
    code, shown = at_terminal("log", "-n", "1")
    assert code == 0
    assert "RateChanged" in shown


def test_a_long_value_is_cut_on_a_terminal_only(run: Run) -> None:
    run("append", "Noted", "--tag", "n:1", f"text={'long ' * 50}end")
    assert "…" in at_terminal("state", "n:1", PAGER="cat")[1]
    assert "long end" in run("state", "n:1").out


def test_progress_is_a_line_on_the_terminal_that_is_gone_in_the_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(output, "DELAY", 0)
    with Output().progress("verifying", 2000) as tick:
        tick(1000)
        tick(1001)
    assert capsys.readouterr().err == f"\rverifying 1,000 of 2,000 (50%){ESCAPE}K\r{ESCAPE}K"


def test_what_is_quick_shows_no_progress() -> None:
    assert at_terminal("verify", error_only=True) == (0, "")


def test_no_progress_is_shown_where_nobody_looks(run: Run) -> None:
    assert run("verify").err == ""


def test_ctrl_c_in_front_of_a_pager_waits_for_the_reader(bank: Path) -> None:
    assert bank.exists()
    code, shown = at_terminal(
        "log", PAGER="sh -c 'trap \"\" INT; kill -INT $PPID; sleep 0.2; echo still here; cat >/dev/null'"
    )
    assert code in (0, 130)
    assert "still here" in shown
    assert "Traceback" not in shown


ENCODINGS = [
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "cp1252"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


@pytest.mark.parametrize("variables", ENCODINGS, ids=lambda variables: next(iter(variables)))
def test_output_never_fails_for_its_encoding_and_json_stays_json(run: Run, variables: dict[str, str]) -> None:
    run(
        "append",
        "Noted",
        "--tag",
        "name:J\u00fcrgen",
        "text=\U0001f600",
        "-m",
        "Gr\u00f6\u00dfe",
        "--author",
        "Zo\u00eb",
    )
    expected = {
        words: run(*words.split()).out for words in ("log --json", "show --json", "diff main~1 main --json")
    }
    for words in ("log --graph", "show", "tags --key name", *expected):
        ran = subprocess.run(
            [sys.executable, "-m", "backstory", *words.split()],
            env={**os.environ, **variables},
            capture_output=True,
            check=False,
        )
        assert (ran.returncode in (0, 1), ran.stderr) == (True, b""), words
        if words in expected:
            assert ran.stdout.isascii()
            assert msgspec.json.decode(ran.stdout) == msgspec.json.decode(expected[words])


def test_what_the_encoding_does_not_have_is_shown_by_its_number(run: Run) -> None:
    run("append", "Noted", "text=\U0001f600")
    ran = subprocess.run(
        [sys.executable, "-m", "backstory", "show"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert b'"text":"\\U0001f600"' in ran.stdout.replace(b" ", b"")


def test_no_word_of_the_command_line_moves_the_cursor(run: Run) -> None:
    odd = f"{ESCAPE}31mX\a"
    Path(f"{odd}.csv").write_text("a\n1,2\n", encoding="utf-8")
    skipping = ["import", "csv", f"{odd}.csv", "--on-error", "skip", "--rejects", f"{odd}.rej"]
    for words in (
        [odd],
        ["help", odd],
        ["log", odd],
        ["log", f"--{odd}"],
        ["-b", odd, "log"],
        ["-s", odd, "log"],
        ["init", f"{odd}.db"],
        ["init", f"{odd}.db"],
        ["-s", f"{odd}.db", "status"],
        ["-s", f"{odd}.db", "stats"],
        ["clone", odd, "copy.db"],
        ["clone", f"{odd}.db", f"{odd}copy.db"],
        ["import", "jsonl", odd],
        ["import", "csv", f"{odd}.csv"],
        ["import", "git", odd],
        skipping,
        ["export", "-o", f"{odd}.jsonl"],
        ["export", "-o", f"{odd}/x"],
        ["append", "A", "--tag", odd],
        ["state", f"a:{odd}"],
        ["states", "--app", odd],
    ):
        ran = run(*words)
        assert "\x1b" not in ran.out + ran.err, words
        assert "\a" not in ran.out + ran.err, words
        assert ran.code != 70
