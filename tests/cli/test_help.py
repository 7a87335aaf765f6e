"""Every verb keeps the promises of every verb: help, examples that run, --json, and tests of its own."""

from __future__ import annotations

import gzip
import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from backstory.cli import VERBS, load, summary
from backstory.cli.parse import parser
from tests import programs
from tests.cli.conftest import Run

ALL = [verb for verbs in VERBS.values() for verb in verbs]

DIFFERS = ("backstory diff ", "backstory check")
"""An example of these verbs may find something."""

ENDLESS = "--follow"
"""An example with this option runs until it is interrupted."""

SHELL = {"<", ">", "&&", ENDLESS}
"""What a process of its own is needed for, or a shell."""


def examples(verb: str) -> list[str]:
    """The examples in a verb's help."""
    return str(load(verb).EXAMPLES).splitlines()


EVERY = [example for verb in ALL for example in examples(verb)]


@pytest.mark.parametrize("verb", ALL)
def test_a_verb_has_a_summary_help_for_every_option_and_json(verb: str) -> None:
    built = parser.build(verb, summary(verb), load(verb))
    assert summary(verb)[0].islower()
    assert not summary(verb).endswith(".")
    for title, rows in built.sections():
        for written, help in rows:
            assert help, f"backstory {verb}: {written} under {title!r} says nothing"
    shown = built.format_help()
    assert "--json " in shown
    assert all(len(line) <= 120 for line in shown.splitlines())


@pytest.mark.parametrize("verb", ALL)
def test_a_verb_has_examples_of_itself(verb: str) -> None:
    assert examples(verb)
    for example in examples(verb):
        assert shlex.split(example)[:2] == ["backstory", verb]


@pytest.mark.parametrize("verb", ALL)
def test_a_verb_has_tests(verb: str) -> None:
    texts = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py")]
    assert any(f'"{verb}"' in text for text in texts if "def test_" in text), (
        f"no test runs `backstory {verb}`"
    )


XES = """\
<log xmlns="http://www.xes-standard.org/">
  <trace>
    <string key="concept:name" value="case-1"/>
    <event>
      <string key="concept:name" value="Placed"/>
      <date key="time:timestamp" value="2026-11-01T10:00:00+00:00"/>
    </event>
  </trace>
</log>
"""


def history(run: Run) -> None:
    """Branches and marks for the examples of those verbs."""
    for words in (
        ("branch", "gone"),
        ("branch", "-d", "gone"),
        ("mark", "q2-closed", "#2"),
        ("switch", "-c", "what-if", "main~1"),
        ("append", "Noted", "--id", "note"),
        ("switch", "main"),
        ("set", "customers", "c-1", "--new", "name=Ann", "city=Basel", "fax=1"),
        ("set", "customers", "c-3", "--new", "name=Cy"),
    ):
        assert run(*words).code == 0


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a Git repository of one commit."""
    folder = tmp_path_factory.mktemp("git")
    (folder / "notes.txt").write_text("one\n", encoding="utf-8")
    git = ["git", "-C", str(folder), "-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
    subprocess.run([*git, "init", "--quiet", "--initial-branch=main"], check=True)
    subprocess.run([*git, "add", "notes.txt"], check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "notes"], check=True)
    return folder


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `sources` made for the first example that asked; the others copy it."""
    return tmp_path_factory.mktemp("filled") / "sources"


@pytest.fixture
def sources(bank: Path, run: Run, project: Path, filled: Path) -> Path:
    """What the examples of `import` read, in the folder where they run."""
    folder = bank.parent
    if not (beside := folder.parent / "project").exists():
        shutil.copytree(project, beside)
    if filled.exists():
        shutil.copytree(filled, folder, dirs_exist_ok=True)
        for branch in ("what-if", "main"):  # which was the branch before is remembered of a store by its path
            assert run("switch", branch).code == 0
    else:
        fill(folder, run, project)
        shutil.copytree(folder, filled)
    return folder


def fill(folder: Path, run: Run, project: Path) -> None:
    """Make what `sources` gives, once for all examples."""
    orders = "status,at,order_id,user\nPlaced,2026-11-01T10:00:00Z,o-1,ann\n"
    (folder / "orders.csv").write_text(orders, encoding="utf-8")
    (folder / "accounts.csv").write_text("id,owner,opened\na-9,Ann,2026-11-01\n", encoding="utf-8")
    (folder / "bank.py").write_text(programs.BANK, encoding="utf-8")
    (folder / "sensor.csv").write_text("time,celsius\n2026-11-01 10:00,7.5\n", encoding="utf-8")
    (folder / "opened.csv").write_text("id,at\n1,2026-11-01 10:00\n", encoding="utf-8")
    (folder / "closed.csv").write_text("id,on\n1,2026-11-02 10:00\n", encoding="utf-8")
    (folder / "customers.csv").write_text("id,name,city\nc-1,Ann,Bern\nc-3,Cy,\n", encoding="utf-8")
    programs.prices(folder / "shop.db")
    for year in (2025, 2026):
        (folder / f"{year}.csv").write_text(f"time,celsius\n{year}-11-01 10:00,7.5\n", encoding="utf-8")
    (folder / "log.xes.gz").write_bytes(gzip.compress(XES.encode()))
    shutil.copytree(project, folder, dirs_exist_ok=True)
    run("-s", "other.db", "import", "csv", "orders.csv", "--type-column", "status", "--time-column", "at")
    assert run("-s", "other.db", "export", "-o", "history.jsonl").code == 0
    history(run)
    programs.bank(folder)
    with programs.forgotten():
        assert run("schema", "lock").code == 0


def in_a_shell(example: str) -> bool:
    """Whether an example needs a shell, a process of its own, or something before it."""
    _, verb, *rest = shlex.split(example)
    return verb in {"ui", "mcp", "run", "spec"} or rest[:1] == ["slice"] or not SHELL.isdisjoint(rest)


@pytest.mark.parametrize("example", [one for one in EVERY if not in_a_shell(one)])
def test_every_example_in_the_help_runs(sources: Path, run: Run, example: str) -> None:
    if example.startswith("backstory import") and "--app" not in example:
        (sources / "pyproject.toml").unlink()  # which names an application, whose events these are not
    with programs.forgotten():
        ran = run(*shlex.split(example)[1:])
    assert ran.code == 0 or (ran.code == 1 and example.startswith(DIFFERS)), ran.err


@pytest.mark.usefixtures("sources", "interruptible")
@pytest.mark.parametrize("example", [one for one in EVERY if in_a_shell(one)])
def test_every_example_that_needs_a_shell_runs_in_one(example: str) -> None:
    if example.startswith("backstory import"):
        Path("pyproject.toml").unlink()
    if ENDLESS not in example:
        before = "backstory new app shop; cd shop; " if example.startswith("backstory new slice") else ""
        if "OrderShipped" in example:
            before += "backstory new slice place --gives OrderPlaced order; "
        if "--after" not in example and "OrderShipped" in example:
            before += "backstory new slice ship --gives OrderShipped order; "
        if example.startswith("backstory spec"):
            before += "backstory do deposit a-7 --cents 5 >&2; "
        script = f'backstory() {{ {shlex.quote(sys.executable)} -m backstory "$@"; }}\n{before}{example}'
        ran = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        return
    words = shlex.split(example)[1:]
    with subprocess.Popen([sys.executable, "-m", "backstory", *words], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
    assert process.returncode == 130


@pytest.mark.parametrize("verb", ["log", "show", "state", "types", "tags", "stats", "verify"])
def test_no_verb_that_reads_makes_or_changes_a_store(run: Run, bank: Path, verb: str) -> None:
    before = run("stats", "--json").json
    run(verb, *(["account:a-7"] if verb == "state" else []))
    assert run("stats", "--json").json == before
    assert run("-s", "gone.db", verb, *(["account:a-7"] if verb == "state" else [])).code == 2
    assert not os.path.lexists("gone.db")


def test_the_help_of_a_part_of_a_verb_is_that_of_its_words(run: Run) -> None:
    assert run("help", "import", "rows").out == run("import", "rows", "--help").out
    assert run("help", "import", "rows").out.startswith("backstory import rows: ")
    assert "|rows|audit" in run("help", "import").out


@pytest.mark.parametrize(
    "words", [("backtest", "--since", "yesterday"), ("spec", "account", "a-7", "--at", "#5")]
)
def test_a_range_by_an_option_that_the_verb_has_not_is_told_with_the_form_of_a_range(
    run: Run, words: tuple[str, ...]
) -> None:
    ran = run(*words)
    assert ran.code == 2
    assert "a revision or a range stands here without an option: '#12', or '@{yesterday}..HEAD'" in ran.err
    assert "did you mean" not in ran.err


@pytest.mark.parametrize(("option", "meant"), [("--order-by", "--sort"), ("--limit", "--number")])
def test_an_option_in_the_words_of_the_library_is_told_with_its_own_name(
    run: Run, option: str, meant: str
) -> None:
    ran = run("find", "Account", option, "3")
    assert (ran.code, f"did you mean {meant}?" in ran.err) == (2, True)
