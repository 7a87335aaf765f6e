"""pytest --spec and --spec-md."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from backstory.errors import ModelError
from backstory.model import scenarios
from backstory.model.elements import Decision
from backstory.stores import open_store

pytest_plugins = ["pytester"]

SPECIFICATION = '''
"""A warehouse.

With shelves.
"""
import pytest
from backstory.testing import given
from tests.testing.warehouse import SHELF, Stored, Taken, take

class TestTaking:
    def test_what_is_there(self):
        given(Stored("s-1", 3)).when(take(SHELF, 2)).then(Taken("s-1", 2))

@pytest.mark.parametrize("amount", [4, 5])
def test_more_than_is_there(amount):
    given(Stored("s-1", 3)).when(take(SHELF, amount)).then_refused("too few")

def test_wrong():
    given().when(take(SHELF, 0)).then_nothing()

def test_without_scenarios():
    pass
'''

MARKDOWN = """\
# Specification

## A warehouse

### TestTaking: what is there

```text
Given  Stored(s-1, amount=3, colours=[])
When   take(s-1, amount=2)
Then   Taken(s-1, amount=2)
```

### more than is there [4]

```text
Given  Stored(s-1, amount=3, colours=[])
When   take(s-1, amount=4)
Then   refused: not enough there
```
"""


@pytest.fixture
def spec(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(SPECIFICATION)
    pytester.makeini("[pytest]\nfilterwarnings = error\nstrict = true\naddopts = --import-mode=importlib")
    return pytester


def test_spec_prints_the_scenarios_by_module_and_test(spec: pytest.Pytester) -> None:
    result = spec.runpytest_inprocess("--spec")
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*= specification =*",
            "",
            "A warehouse",
            "",
            "  TestTaking: what is there",
            "    Given  Stored(s-1, amount=3, colours=[[]])",
            "    When   take(s-1, amount=2)",
            "    Then   Taken(s-1, amount=2)",
            "",
            "  more than is there [[]4]",
            "    Given  Stored(s-1, amount=3, colours=[[]])",
            "    When   take(s-1, amount=4)",
            "    Then   refused: not enough there",
            "",
            "  more than is there [[]5]",
            "*",
            "  wrong (FAILED)",
            "    Given  nothing",
            "    When   take(s-1, amount=0)",
            "    Then   + Taken(s-1, amount=0)   not expected",
            "*= short test summary info =*",
        ],
        consecutive=False,
    )
    result.stdout.no_fnmatch_line("*without scenarios*")


def test_spec_md_writes_them_as_markdown(spec: pytest.Pytester) -> None:
    spec.runpytest_inprocess("--spec-md", "SPEC.md").stdout.no_fnmatch_line("*= specification =*")
    written = (spec.path / "SPEC.md").read_text(encoding="utf-8")
    assert written.startswith(MARKDOWN)
    assert written.count("```text") == 4


def test_spec_md_is_not_written_over_a_store_and_goes_through_a_link(spec: pytest.Pytester) -> None:
    store, link = spec.path / "bank.db", spec.path / "link.md"
    open_store(str(store), create=True).close()
    before = store.read_bytes()
    refused = spec.runpytest_inprocess("--spec-md", str(store))
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    assert "is a store, or a part of one" in refused.stderr.str()
    assert store.read_bytes() == before
    link.symlink_to(spec.path / "SPEC.md")
    spec.runpytest_inprocess("--spec-md", str(link))
    assert link.is_symlink()
    assert (spec.path / "SPEC.md").read_text(encoding="utf-8").startswith(MARKDOWN)


def test_a_failure_points_to_the_test_and_not_into_the_library(spec: pytest.Pytester) -> None:
    shown = spec.runpytest_inprocess("-k", "wrong").stdout.str()
    assert ">       given().when(take(SHELF, 0)).then_nothing()" in shown
    assert "scenario.py" not in shown


def test_nothing_is_imported_unless_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys\n"
        "def test_it():\n"
        "    assert 'backstory.pytest_plugin' in sys.modules\n"
        "    assert not {'msgspec', 'apsw', 'backstory.testing'} & set(sys.modules)\n"
    )
    command = [
        sys.executable,
        "-W",
        "error",
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        "/dev/null",
    ]
    done = subprocess.run(
        [*command, "--rootdir", tmp_path, tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_scenarios_are_recorded_as_data_of_the_tests_that_passed(spec: pytest.Pytester) -> None:
    spec.runpytest_inprocess("--scenarios", "told.json")
    told = scenarios.read(spec.path / "told.json")
    file = next(spec.path.glob("test_*.py")).name
    assert [(one.title, one.place.file, one.place.line) for one in told.scenarios] == [
        ("TestTaking: what is there", file, 10),
        ("more than is there [4]", file, 13),
        ("more than is there [5]", file, 13),
    ]
    first, second, _ = told.scenarios
    assert (first.given, first.decisions) == (
        ["warehouse.stored"],
        [Decision("take", "tests.testing.warehouse", ["warehouse.taken"])],
    )
    assert second.decisions == [Decision("take", "tests.testing.warehouse", refused="too few")]


def test_a_run_of_some_tests_keeps_what_is_known_of_the_others_until_their_file_changes(
    spec: pytest.Pytester,
) -> None:
    spec.runpytest_inprocess("--scenarios", "told.json", "-n", "2")
    spec.runpytest_inprocess("--scenarios", "told.json", "-k", "TestTaking")
    told = spec.path / "told.json"
    assert len(scenarios.read(told).scenarios) == 3
    assert scenarios.changed(told, scenarios.read(told)) == []
    spec.makepyfile(SPECIFICATION + "\n# changed\n")
    assert scenarios.changed(told, scenarios.read(told)) == [next(spec.path.glob("test_*.py")).name]
    spec.runpytest_inprocess("--scenarios", "told.json", "-k", "TestTaking")
    assert [one.title for one in scenarios.read(told).scenarios] == ["TestTaking: what is there"]


def test_a_file_that_is_no_record_of_scenarios_is_named(tmp_path: Path) -> None:
    file = tmp_path / "scenarios.json"
    file.write_text('{"scenarios": 1}')
    with pytest.raises(ModelError, match=r"scenarios\.json is no file of scenarios"):
        scenarios.read(file)
