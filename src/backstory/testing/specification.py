"""The scenarios of a test run, as a specification: for the terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from backstory.testing.story import Step, told


class Tested(NamedTuple):
    """A test with the scenarios that it ran: the module's title, the test's, and how it ended."""

    module: str
    title: str
    passed: bool
    scenarios: list[list[Step]]


def plain(tests: Iterable[Tested]) -> Iterator[str]:
    """Lines for a terminal."""
    for module, group in grouped(tests).items():
        yield from ("", module)
        for test in group:
            yield from ("", f"  {test.title}{failed(test)}")
            for number, scenario in enumerate(test.scenarios):
                yield from [""] * bool(number)
                yield from (f"    {line}" for line in told(scenario))


def markdown(tests: Iterable[Tested]) -> Iterator[str]:
    """Lines of Markdown."""
    yield "# Specification"
    for module, group in grouped(tests).items():
        yield from ("", f"## {module}")
        for test in group:
            yield from ("", f"### {test.title}{failed(test)}")
            for scenario in test.scenarios:
                yield from ("", "```text", *told(scenario), "```")


def grouped(tests: Iterable[Tested]) -> dict[str, list[Tested]]:
    """Tests by module, in the order in which they ran."""
    groups: dict[str, list[Tested]] = {}
    for test in tests:
        groups.setdefault(test.module, []).append(test)
    return groups


def failed(test: Tested) -> str:
    """The words behind the title of a test that failed, because its sentence is not true."""
    return "" if test.passed else " (FAILED)"
