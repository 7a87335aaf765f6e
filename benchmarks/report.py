"""Answers as a table in plain text, with the machine they were measured on and how noisy it was."""

from __future__ import annotations

import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import apsw

from benchmarks.frame import Answer, Reached, Score


def machine(folder: Path) -> dict[str, Any]:
    """What the figures depend on, and its noise: the same small work ten times over, before anything else runs."""
    loops = [_timed(_spin) for _ in range(10)]
    with tempfile.TemporaryFile(dir=folder) as file:

        def sync() -> None:
            os.write(file.fileno(), bytes(4096))
            os.fsync(file.fileno())

        syncs = [_timed(sync) for _ in range(50)]
    return {
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "filesystem": _filesystem(folder),
        "spin_ms": {"median": median(loops) * 1e3, "min": min(loops) * 1e3, "max": max(loops) * 1e3},
        "fsync_us": {"median": median(syncs) * 1e6, "min": min(syncs) * 1e6, "max": max(syncs) * 1e6},
    }


def _spin() -> None:
    total = 0
    for number in range(1_000_000):
        total += number


def _timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _filesystem(folder: Path) -> str:
    """The type of the filesystem that a folder is on, where Linux says it."""
    best, kind = "", "unknown"
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return kind
    for line in mounts:
        _, place, found, *_ = line.split()
        if folder.resolve().is_relative_to(place) and len(place) >= len(best):
            best, kind = place, found
    return kind


def head(facts: dict[str, Any]) -> Iterator[str]:
    """The machine in a few lines."""
    spin, sync = facts["spin_ms"], facts["fsync_us"]
    yield (
        f"Python {facts['python']}, SQLite {facts['sqlite']}, {facts['system']}, {facts['cores']} cores, "
        f"{facts['filesystem']}"
    )
    yield (
        f"noise: a loop of a million takes {spin['median']:.1f} ms ({spin['min']:.1f} to {spin['max']:.1f}), "
        f"an fsync {sync['median']:.0f} us ({sync['min']:.0f} to {sync['max']:.0f})"
    )
    if facts["filesystem"] in ("tmpfs", "ramfs"):
        yield "WARNING: this folder is in memory, so nothing here is durable; name another with --folder"


def table(answer: Answer) -> Iterator[str]:
    """One question: a line for each contestant, then one for each goal."""
    question = answer.question
    sizes = ", ".join(f"{value:,} {name.replace('_', ' ')}" for name, value in answer.sizes.items())
    yield ""
    yield f"{question.name}: {question.title}"
    yield f"  {sizes}{'; SMALL SIZES, no measurement' if answer.quick else ''}" if sizes else ""
    width = max(len(score.name) for score in answer.scores)
    for score in answer.scores:
        yield f"  {score.name:<{width}}  {_score(score, question.unit)}"
    for reached in answer.reached:
        yield f"  goal: {reached.goal.ours} {reached.goal.wanted}: {_reached(reached, question.unit)}"


def _score(score: Score, unit: str) -> str:
    if score.skipped or not score.figures:
        return f"SKIPPED: {score.skipped}"
    figures = score.figures
    note = f"  ({score.note})" if score.note else ""
    return (
        f"{_number(median(figures)):>10} {unit}  "
        f"[{_number(min(figures))} to {_number(max(figures))}, spread {score.spread:.0%}]{note}"
    )


def _reached(reached: Reached, unit: str) -> str:
    if not reached.rounds:
        return f"NOT MEASURED ({reached.why_not})"
    word = "met" if reached.met else "NOT MET"
    unit = "" if reached.goal.against else f" {unit}"
    low, high = min(reached.rounds), max(reached.rounds)
    return f"{word}, {median(reached.rounds):.2f}{unit} [{low:.2f} to {high:.2f}]"


def summary(answers: list[Answer]) -> Iterator[str]:
    """All goals at a glance."""
    yield ""
    yield "goals:"
    width = max((len(answer.question.name) for answer in answers), default=0)
    for answer in answers:
        for reached in answer.reached:
            yield (
                f"  {answer.question.name:<{width}}  {_reached(reached, answer.question.unit)}; "
                f"wanted: {reached.goal.ours} {reached.goal.wanted}"
            )
    noisy = [
        (score.spread, answer.question.name, score.name) for answer in answers for score in answer.scores
    ]
    if noisy and (worst := max(noisy))[0]:
        yield f"  widest spread between rounds: {worst[0]:.0%} ({worst[1]}, {worst[2]})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.3f}"
