"""Nothing that is marked is shown by any verb: values are planted in every marked place, and all output is searched."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import pytest

from backstory import ClearTextWarning
from backstory.cli import VERBS, main
from backstory.cli.exits import BUG, USAGE
from backstory.decide import register
from backstory.values import masking
from tests import programs
from tests.privacy.app import PERSONAL, SECRET

WALK: dict[str, list[str]] = {
    "init": ["other.db"],
    "append": ["privacy.renamed --tag user:u-1 user=u-1 full_name=PERSONAL-canary token=SECRET-canary"],
    "do": [
        "rename u-1 --name PERSONAL-canary-3",
        "rename u-1 --name PERSONAL-canary-3",
        "rename u-1 --name PERSONAL-canary-4 --preview",
        'enrol u-2 --name PERSONAL-canary --password SECRET-canary --keys [["a","SECRET-canary"]]',
        "wrong u-1 --name PERSONAL-canary",
        "enrol --help",
    ],
    "set": ["notes n-1 --new text=hello", "notes n-1 text=there -m why", "notes n-1 --delete"],
    "table": ["notes", "notes n-1 --at main", "notes --history", "notes --history --as csv"],
    "import": ["jsonl history.jsonl", "rows notes.csv --table notes --key id --sync"],
    "revert": ["#2"],
    "export": ["--format cloudevents", "--format cloudevents -o events.jsonl"],
    "clone": ["people.db copy.db"],
    "log": [
        "",
        "--oneline",
        "--graph",
        "-p",
        "--stat",
        "-S plan=paid",
        "--format {command}{subject}{message}{tags}",
    ],
    "show": ["", "#1", "#2", "HEAD~1"],
    "state": ["user:u-1", "User u-1"],
    "grep": ["--data u-1", "--data anary", "."],
    "diff": [
        "#1 HEAD",
        "#1 HEAD user:u-1",
        "#1 HEAD User u-1",
        "#1 HEAD --all User",
        "#1 HEAD --all tags",
        "#1 HEAD User u-1 --json-patch",
        "#1 HEAD --stat",
    ],
    "blame": ["user:u-1", "User u-1"],
    "bisect": [
        "User u-1 --where plan=='paid'",
        "user:u-1 --where plan=='paid' --turns",
        "User --all --where plan=='paid'",
        "User --all --where plan=='paid' --turns",
        "run cat>&2;false --of User u-1",
    ],
    "why": ["User u-1 full_name", "User u-1 plan", "user:u-1 fullName", "user:u-1 plan"],
    "find": ["User", "User --count", "User --sort=-user -n 1", "User --where plan=='free'"],
    "what-if": [
        "rename u-1 --name PERSONAL-canary-5",
        "rename u-1 --name PERSONAL-canary-5 --at #1",
        "enrol --help",
    ],
    "spec": ["User u-1", "User u-1 --then state", "User u-1 --then refused --code x", "User u-1 #1..HEAD"],
    "backtest": ["", "--each", "#1..main --command rename"],
    "causes": ["", "#1", "--correlation x"],
    "status": [""],
    "branch": [""],
    "switch": ["main"],
    "mark": ["here"],
    "reflog": [""],
    "merge": ["what-if --preview", "what-if", "--redecide --dry-run", "--redecide"],
    "rebase": ["main --dry-run -b what-if"],
    "cherry-pick": ["what-if --dry-run"],
    "guide": ["", "debug"],
    "new": ["app other"],
    "states": [""],
    "commands": [""],
    "model": [""],
    "check": ["", "--format github"],
    "schema": ["lock", "check --sample 10"],
    "types": [""],
    "tags": [""],
    "stats": [""],
    "verify": ["", "--snapshots"],
    "run": ["--once"],
    "projections": ["", "--check"],
    "parked": ["people", "people --skip 3 -m known", "people --retry all"],
    "pause": ["people"],
    "resume": ["people"],
    "rebuild": ["people"],
    "prove": ["#1 --without-data", "#2 --without-data --show author"],
    "forget": ["notes n-1 --yes"],
    "withhold": ["HEAD message --yes"],
    "gc": ["--dry-run", "--days 0"],
    "ui": ["--no-open --for 0.1"],
    "mcp": ["--http --for 0.1"],
}
"""Every verb, as it is used on data with marks. A new verb gets a line here: it may not show them either."""


def test_every_verb_is_walked() -> None:
    assert set(WALK) == {verb for verbs in VERBS.values() for verb in verbs}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with planted values, two branches in conflict over them, and the application that marks them."""
    folder = tmp_path_factory.mktemp("marked")
    source = Path(__file__).with_name("app.py").read_text(encoding="utf-8")
    (folder / "people.py").write_text(source, encoding="utf-8")
    (folder / "pyproject.toml").write_text(
        '[tool.backstory]\napp = "people"\nstore = "people.db"\n', encoding="utf-8"
    )
    (folder / "notes.csv").write_text("id,text\nn-1,hello\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for line in (
            "init people.db",
            f"do enrol u-1 --name {PERSONAL} --password {SECRET}",
            f"do rename u-1 --name {PERSONAL}-2",
            "switch -c what-if",
            f"do rename u-1 --name {PERSONAL}-there",
            "switch main",
            f"do rename u-1 --name {PERSONAL}-here",
            "export -o history.jsonl",
            "run --once",
        ):
            assert backstory(line) in (0, 1)
    return folder


@pytest.fixture
def marked(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, to work in."""
    folder = tmp_path / "marked"
    shutil.copytree(template, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(folder)
    return folder


def backstory(line: str, *more: str) -> int:
    """Run a line as a process of its own would: only what it loads itself is known."""
    with warnings.catch_warnings(), programs.forgotten(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore", ClearTextWarning)
        patch.setattr(masking, "_commands", {})
        patch.setattr(register, "definitions", {})
        return main([*line.split(), *more])


@pytest.mark.parametrize("verb", list(WALK))
@pytest.mark.parametrize("form", ["", "--json", "--ndjson"])
def test_no_verb_shows_what_is_marked(
    verb: str, form: str, marked: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for line in WALK[verb]:
        code = backstory(f"{verb} {line} {form}")
        shown = "".join(capfd.readouterr())
        assert code != BUG, shown
        assert form or line.startswith("wrong") or code in (0, 1), (
            f"backstory {verb} {line} did not run: {shown}"
        )
        assert "canary" not in shown, f"backstory {verb} {line}:\n{shown}"
    assert "canary" not in "".join(path.read_text(encoding="utf-8") for path in marked.glob("events.jsonl"))


def test_what_is_personal_is_shown_to_those_who_ask_and_what_is_secret_is_not(
    marked: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for line in (
        "show #1",
        "state User u-1",
        "diff #1 HEAD User u-1",
        "export --format cloudevents",
        "log --json",
    ):
        capfd.readouterr()
        assert backstory(f"{line} --personal") in (0, 1)
        shown = capfd.readouterr().out
        assert PERSONAL in shown, line
        assert SECRET not in shown, line


@pytest.mark.usefixtures("marked")
@pytest.mark.parametrize(
    "line",
    [
        f"find User --where full_name=='{PERSONAL}'",
        f"find User --where '{PERSONAL}'in(full_name)",
        "find User --sort=-full_name",
        "find User --where any(home.street=='x'for(home)in(homes))",
        "find User --where token=='x'",
        f"bisect User --all --where full_name=='{PERSONAL}'",
        f"bisect User u-1 --where full_name=='{PERSONAL}'",
        f"bisect User --all --turns --where full_name=='{PERSONAL}'",
        f"bisect user:u-1 --where full_name=='{PERSONAL}'",
        f"log -S fullName={PERSONAL}",
        f"log -S fullName={PERSONAL} --of user:u-1",
        f"log -S full_name={PERSONAL} --of User",
        f"log -S full_name={PERSONAL} --of User u-1",
        f"log -S homes.0.street={PERSONAL} --of User u-1",
        f"log -S /homes/0/street={PERSONAL} --of user:u-1",
        f"find Member --where full_name=='{PERSONAL}'",
        f"log -S fullName={PERSONAL} --of Member u-1",
        "log -S token=x --of User",
    ],
)
def test_what_is_masked_cannot_be_guessed_by_a_condition(
    line: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert backstory(line) == USAGE
    assert "is marked, so its values are not shown" in capfd.readouterr().err
    if "token" not in line:
        assert backstory(f"{line} --personal") in (0, 1)


@pytest.mark.usefixtures("marked")
def test_a_proof_does_not_show_what_is_marked(capfd: pytest.CaptureFixture[str]) -> None:
    for line in ("prove #1", "prove #1 --personal", "prove #1 --without-data --show command"):
        capfd.readouterr()
        assert backstory(line) == USAGE
        shown = "".join(capfd.readouterr())
        assert "that the application marks" in shown
        assert "canary" not in shown


def test_the_own_format_keeps_history_exactly(marked: Path) -> None:
    text = (marked / "history.jsonl").read_text(encoding="utf-8")
    assert PERSONAL in text
    assert text.count(SECRET) == 2  # of the event; the command is recorded without it


def test_without_an_application_nothing_is_known_of_marks(
    marked: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (marked / "pyproject.toml").write_text('[tool.backstory]\nstore = "people.db"\n', encoding="utf-8")
    assert backstory("show #1") == 0
    assert PERSONAL in capfd.readouterr().out


def test_an_application_that_cannot_be_imported_is_no_reason_to_show_what_it_marks(
    marked: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (marked / "people.py").write_text("import missing", encoding="utf-8")
    assert backstory("show #1") == 2
    assert "canary" not in "".join(capfd.readouterr())
