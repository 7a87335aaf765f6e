"""`pytest --spec`: the scenarios that ran, as a specification. `--spec-md FILE` writes them as Markdown, and
`--scenarios FILE` as data, for `backstory model` and `backstory check`.

Until one of them is asked for, this only adds two options: nothing of Backstory is imported.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from backstory.model.elements import Scenario
    from backstory.testing.specification import Tested
    from backstory.testing.story import Story


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--spec`, `--spec-md` and `--scenarios`."""
    group = parser.getgroup("backstory")
    group.addoption(
        "--spec", action="store_true", help="print the given/when/then scenarios as a specification"
    )
    group.addoption(
        "--spec-md",
        metavar="FILE",
        type=Path,
        help="write the given/when/then scenarios to FILE, as Markdown",
    )
    group.addoption(
        "--scenarios",
        metavar="FILE",
        type=Path,
        help="record the given/when/then scenarios in FILE, for `backstory model` and `backstory check`",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begin to listen, where somebody wants to read."""
    files = {option: config.getoption(option) for option in ("--spec-md", "--scenarios")}
    for option, file in files.items():
        if file is not None:
            from backstory.errors import OutputError
            from backstory.outfile import check

            try:
                check(str(file))
            except OutputError as wrong:
                raise pytest.UsageError(f"{option}: {wrong}") from wrong
    if config.getoption("--spec") or any(files.values()):
        config.pluginmanager.register(Listener(config), "backstory-specification")


class Listener:
    """Gathers the stories of each test, sends them along with its report, and writes them in the end.

    pytest-xdist carries reports between processes, so they hold plain lists.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._print = bool(config.getoption("--spec"))
        self._file: Path | None = config.getoption("--spec-md")
        self._record: Path | None = config.getoption("--scenarios")
        self._root = config.rootpath
        self._ran: dict[str, list[Scenario]] = {}
        self._files: set[str] = set()
        self._is_worker = hasattr(config, "workerinput")
        self._stories = pytest.StashKey[list["Story"]]()
        self._tests: list[Tested] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """Listen to the test."""
        from backstory.testing.story import listening

        with listening() as stories:
            item.stash[self._stories] = stories
            yield

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put the recorded scenarios into the report."""
        report = yield
        if call.when == "call":
            stories = item.stash.get(self._stories, [])
            told = [[[step.word, list(step.lines)] for step in story.steps] for story in stories]
            report.specification = [module_title(item), title_of(item), told]  # type: ignore[attr-defined]
            if self._record is not None:
                facts = [[list(map(_plain, each)) for each in story.facts] for story in stories]
                report.scenarios = [title_of(item), facts]  # type: ignore[attr-defined]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gather."""
        from backstory.testing.specification import Tested
        from backstory.testing.story import Step

        module, title, stories = getattr(report, "specification", ("", "", []))
        if stories:
            scenarios = [[Step(word, tuple(lines)) for word, lines in steps] for steps in stories]
            self._tests.append(Tested(module, title, report.passed, scenarios))
        if hasattr(report, "scenarios"):
            self._note(report, *report.scenarios)

    def _note(self, report: pytest.TestReport, title: str, told: list[Any]) -> None:
        """Note what a test did; nothing of one that failed."""
        from os.path import relpath

        from backstory.model.scenarios import scenario

        assert self._record is not None
        path, line, _ = report.location
        file = Path(relpath(self._root / path, self._record.resolve().parent)).as_posix()
        self._files.add(file)
        self._ran[report.nodeid] = [
            scenario(report.nodeid, title, file, (line or 0) + 1, facts) for facts in told if report.passed
        ]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print and write."""
        from backstory.outfile import written
        from backstory.testing import specification

        if self._print:
            terminalreporter.section("specification")
            for line in specification.plain(self._tests):
                terminalreporter.write_line(line)
        if self._file is not None and not self._is_worker:
            text = "\n".join(specification.markdown(self._tests)) + "\n"
            with written(str(self._file)) as file:
                file.write(text.encode())
        if self._record is not None and not self._is_worker:
            from backstory.model.scenarios import record

            record(self._record.resolve(), self._ran, self._files)


def _plain(fact: Any) -> Any:
    """A type's name as it is; a decision as plain data, which pytest-xdist can carry."""
    from msgspec import to_builtins

    return to_builtins(fact)


def module_title(item: pytest.Item) -> str:
    """The first line of the module's docstring, or its path."""
    doc = getattr(getattr(item, "module", None), "__doc__", None) or ""
    return doc.strip().partition("\n")[0].rstrip(".") or item.nodeid.partition("::")[0]


def title_of(item: pytest.Item) -> str:
    """The test's name as a sentence, after its classes' and before its parameters."""
    path, bracket, parameters = item.nodeid.partition("[")
    names = [name.removeprefix("test_").replace("_", " ") for name in path.split("::")[1:]]
    return ": ".join(names) + (f" {bracket}{parameters}" if bracket else "")
