"""The scenarios of the tests: a file that pytest writes, with each given/when/then that ran and passed.

Scenarios are recorded while the tests run, because nothing else knows them: a test gives its events by fixtures,
constants, loops and parameters. `pytest --scenarios FILE` writes the file, and keeps the scenarios of tests that did
not run this time, for as long as the files that they stand in have not changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from backstory.errors import ModelError
from backstory.model.elements import Decision, Place, Scenario
from backstory.outfile import written

NAME = "scenarios.json"
"""The name of the file, beside pyproject.toml."""

FORMAT = 1


class Recorded(msgspec.Struct, frozen=True):
    """The file: its scenarios, and a hash of each file of tests as it was when they ran."""

    files: dict[str, str]
    scenarios: list[Scenario]
    format: int = FORMAT


def read(path: Path) -> Recorded:
    """Read the file. Raises `ModelError` if it is none of this kind."""
    try:
        recorded = msgspec.json.decode(path.read_bytes(), type=Recorded)
    except (msgspec.MsgspecError, UnicodeDecodeError) as wrong:
        raise ModelError(
            f"{path} is no file of scenarios: {wrong}; delete it, and run the tests again"
        ) from None
    if recorded.format != FORMAT:
        raise ModelError(
            f"{path} has the format {recorded.format}, and this Backstory reads {FORMAT}: run the tests again"
        )
    return recorded


def changed(path: Path, recorded: Recorded) -> list[str]:
    """The files of tests that are not as they were when their scenarios were recorded in the file at `path`."""
    return sorted(file for file, hash in recorded.files.items() if hash_of(path.parent / file) != hash)


def scenario(test: str, title: str, file: str, line: int, facts: Sequence[Any]) -> Scenario:
    """A scenario of these facts, see `backstory.testing.story.Facts`, as plain data."""
    given, decisions, projects, runs = facts
    return Scenario(
        test=test,
        title=title,
        place=Place(file, line),
        given=given,
        decisions=msgspec.convert(decisions, list[Decision]),
        projects=projects,
        runs=runs,
    )


def record(path: Path, ran: Mapping[str, Iterable[Scenario]], files: Collection[str]) -> None:
    """Write what these tests did, by the id of each, and keep what is known of others whose file is as it was."""
    old = read(path) if path.exists() else Recorded({}, [])
    stale, root = set(changed(path, old)), path.parent
    kept = [one for one in old.scenarios if one.test not in ran and one.place.file not in stale]
    scenarios = sorted([*kept, *(one for told in ran.values() for one in told)], key=lambda one: one.test)
    used = {*files, *(one.place.file for one in scenarios)}
    recorded = Recorded({file: hash_of(root / file) for file in sorted(used)}, scenarios)
    with written(str(path)) as out:
        out.write(msgspec.json.format(msgspec.json.encode(recorded), indent=1) + b"\n")


def hash_of(path: Path) -> str:
    """A short hash of a file's content; empty if there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError:
        return ""
