"""The frame of every question: who competes, over what sizes, and which ratios are the goals.

All contestants of a question run in the same run, in interleaved rounds (A B C, A B C, ...), each in a process of its
own with a fresh folder on the same filesystem. A machine is never idle, so what counts is the ratio of neighbours: it
is taken round by round, and its median is judged, not the ratio of two medians that were minutes apart.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent


class Skip(Exception):
    """Raised by a contestant that cannot run here, with the reason."""


@dataclass(frozen=True)
class Run:
    """What a contestant is given.

    `folder` is fresh in every round; `kept` is the contestant's own for the whole question, filled by its `prepare`.
    """

    folder: Path
    kept: Path
    sizes: Mapping[str, int]
    data: Path


Measure = Callable[[Run], float]


@dataclass(frozen=True)
class Contestant:
    """Somebody who answers the question with a figure. `prepare` runs once, before the rounds and outside the clock."""

    name: str
    measure: Measure
    prepare: Callable[[Run], None] | None = None
    note: str = ""


@dataclass(frozen=True)
class Goal:
    """What the figure of `ours` must be: against another contestant's, as a ratio, or alone, as a value."""

    ours: str
    against: str = ""
    at_least: float | None = None
    at_most: float | None = None

    def met(self, reached: float) -> bool:
        """Whether a ratio, or a value, is good enough."""
        return (self.at_least is None or reached >= self.at_least) and (
            self.at_most is None or reached <= self.at_most
        )

    @property
    def wanted(self) -> str:
        """The goal in words."""
        limit = f"at least {self.at_least:g}" if self.at_least is not None else f"at most {self.at_most:g}"
        return f"{limit} x {self.against}" if self.against else limit


@dataclass(frozen=True)
class Question:
    """One question. `sizes` are for a real run, `quick` for seeing that it runs. Short work takes more `rounds`."""

    name: str
    title: str
    unit: str
    contestants: Sequence[Contestant]
    goals: Sequence[Goal]
    sizes: Mapping[str, int] = field(default_factory=dict)
    quick: Mapping[str, int] = field(default_factory=dict)
    rounds: int = 5

    def contestant(self, name: str) -> Contestant:
        """The contestant of this name."""
        return next(contestant for contestant in self.contestants if contestant.name == name)


@dataclass
class Score:
    """One contestant's figures, a figure a round, or why there is none."""

    name: str
    figures: list[float] = field(default_factory=list)
    skipped: str = ""
    note: str = ""

    @property
    def spread(self) -> float:
        """How far apart the rounds are, as a part of their median."""
        return (max(self.figures) - min(self.figures)) / median(self.figures) if any(self.figures) else 0.0


@dataclass
class Reached:
    """What became of a goal: the ratio (or value) of each round, or why there is none."""

    goal: Goal
    rounds: list[float] = field(default_factory=list)
    why_not: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the median is good enough; None where it was not measured."""
        return self.goal.met(median(self.rounds)) if self.rounds else None


@dataclass
class Answer:
    """What was measured for one question."""

    question: Question
    quick: bool
    sizes: Mapping[str, int]
    scores: list[Score]
    reached: list[Reached] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The answer as plain data."""
        return {
            "name": self.question.name,
            "title": self.question.title,
            "unit": self.question.unit,
            "quick": self.quick,
            "sizes": dict(self.sizes),
            "contestants": [
                {"name": score.name, "rounds": score.figures, "skipped": score.skipped, "note": score.note}
                | ({"median": median(score.figures), "spread": score.spread} if score.figures else {})
                for score in self.scores
            ],
            "goals": [
                asdict(reached.goal)
                | {"wanted": reached.goal.wanted, "rounds": reached.rounds, "met": reached.met}
                | ({"reached": median(reached.rounds)} if reached.rounds else {"why_not": reached.why_not})
                for reached in self.reached
            ],
        }


@dataclass(frozen=True)
class Settings:
    """What the command line asked for."""

    quick: bool
    data: Path
    folder: Path
    rounds: int | None = None
    peers: bool = True


def ask(
    question: Question, module: str, settings: Settings, say: Callable[[str], None] = lambda _: None
) -> Answer:
    """Let all contestants answer, in interleaved rounds. `say` is told what is going on."""
    sizes = {**question.sizes, **(question.quick if settings.quick else {})}
    answer = Answer(
        question, settings.quick, sizes, [Score(who.name, note=who.note) for who in question.contestants]
    )
    with tempfile.TemporaryDirectory(prefix="backstory-bench-", dir=settings.folder) as folder:
        step = _Step(question, module, Path(folder), sizes, settings)
        if not settings.peers:
            for score in answer.scores:
                score.skipped = "left out: --no-peers" if score.name in PEERS else ""
        for who, score in zip(question.contestants, answer.scores, strict=True):
            if who.prepare is not None and not score.skipped:
                say(f"{question.name}: {who.name} prepares")
                step.run(who, score, "prepare")
        rounds = settings.rounds or (1 if settings.quick else question.rounds)
        for number in range(rounds):
            for who, score in zip(question.contestants, answer.scores, strict=True):
                if not score.skipped:
                    say(f"{question.name}: round {number + 1} of {rounds}, {who.name}")
                    step.run(who, score, "measure")
    answer.reached = [judge(goal, {score.name: score for score in answer.scores}) for goal in question.goals]
    return answer


def judge(goal: Goal, scores: Mapping[str, Score]) -> Reached:
    """Compare what was measured with a goal, round by round."""
    for name in (goal.ours, goal.against):
        if name and not scores[name].figures:
            return Reached(goal, why_not=f"{name}: {scores[name].skipped}")
    ours = scores[goal.ours].figures
    if not goal.against:
        return Reached(goal, list(ours))
    return Reached(
        goal, [mine / other for mine, other in zip(ours, scores[goal.against].figures, strict=True)]
    )


PEERS = (
    "eventsourcing",
    "eventsourcing JSON",
    "eventsourcing aggregates",
    "eventsourcing aggregates, 1",
    "eventsourcing aggregates, 32",
    "eventsourcing DCB",
    "eventsourcing DCB, 1",
    "eventsourcing DCB, 32",
    "eventsourcing, deciding",
    "eventsourcing, one entity",
    "django-simple-history",
    "SQLAlchemy-Continuum",
    "UmaDB",
    "UmaDB, deciding",
    "UmaDB, one entity",
)
"""Contestants that other packages bring."""


class _Step:
    """Runs steps of contestants, each in a process of its own."""

    def __init__(
        self, question: Question, module: str, top: Path, sizes: Mapping[str, int], settings: Settings
    ) -> None:
        self._question = question
        self._module = module
        self._top = top
        self._sizes = sizes
        self._settings = settings

    def run(self, who: Contestant, score: Score, step: str) -> None:
        """Prepare or measure, and note the figure. What fails is skipped from then on, and says why."""
        kept = self._top / "kept" / who.name.replace(" ", "-")
        kept.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=self._top))
        job = {
            "module": self._module,
            "contestant": who.name,
            "step": step,
            "folder": str(fresh),
            "kept": str(kept),
            "sizes": dict(self._sizes),
            "data": str(self._settings.data),
        }
        command = [sys.executable, "-m", "benchmarks.worker", json.dumps(job)]
        if not self._settings.quick:
            os.sync()  # or the one before would be written back in this one's fsyncs
        done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
        shutil.rmtree(fresh, ignore_errors=True)
        last = (done.stdout.strip().splitlines() or [""])[-1]
        if done.returncode == 0 and last.startswith("{"):
            result = json.loads(last)
            score.skipped = result.get("skipped", "")
            if step == "measure" and not score.skipped:
                score.figures.append(result["figure"])
        else:
            words = (done.stderr.strip().splitlines() or ["no message"])[-1]
            score.skipped = f"failed in {step} (exit code {done.returncode}): {words}"
            print(done.stderr, file=sys.stderr)
        if score.skipped:
            score.figures.clear()
            print(f"{self._question.name}: {who.name} SKIPPED: {score.skipped}", file=sys.stderr)
