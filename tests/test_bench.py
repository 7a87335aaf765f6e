"""The benchmarks run: every question, with tiny sizes and without the peers. What they measure is not tested."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

from benchmarks import cli
from benchmarks.__main__ import QUESTIONS
from benchmarks.frame import PEERS, Contestant, Goal, Question, Reached, Run, Score, Settings, ask, judge
from benchmarks.report import summary, table

# Imported before any test: the events of a module that a test imports first are forgotten after that test.
importlib.import_module("examples.refunds.story")

# One makes a virtual environment from the package index, and one needs a file that does not come with the checkout.
NOT_HERE = {"start_time", "import_xes"}

LARGE = ["assistant", "choices", "web"]
"""Questions with so many contestants, or so much to import, that all of them answer in the process of the test."""


@pytest.mark.parametrize("name", sorted({*QUESTIONS} - {*LARGE} - NOT_HERE))
def test_a_question_is_answered_by_each_contestant_of_ours(name: str, tmp_path: Path) -> None:
    module = f"benchmarks.{name}"
    question: Question = importlib.import_module(module).QUESTION
    answer = ask(question, module, Settings(quick=True, data=tmp_path, folder=tmp_path, peers=False))
    for score in answer.scores:
        assert bool(score.figures) == (score.name not in PEERS), score
    assert list(table(answer))
    assert list(summary([answer]))
    json.dumps(answer.as_json())
    assert list(tmp_path.iterdir()) == [], "it leaves nothing behind"


@pytest.mark.parametrize("name", LARGE)
def test_each_contestant_of_a_large_question_is_measured(tmp_path: Path, name: str) -> None:
    question: Question = importlib.import_module(f"benchmarks.{name}").QUESTION
    for number, contestant in enumerate(question.contestants):
        run = Run(tmp_path / f"{number}", tmp_path / f"kept/{number}", question.quick, tmp_path)
        run.folder.mkdir()
        run.kept.mkdir(parents=True)
        if contestant.prepare is not None:
            contestant.prepare(run)
        assert contestant.measure(run) >= 0, contestant.name


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_goal_names_contestants_of_its_question(name: str) -> None:
    question: Question = importlib.import_module(f"benchmarks.{name}").QUESTION
    names = {contestant.name for contestant in question.contestants}
    for goal in question.goals:
        assert {goal.ours, goal.against} - {""} <= names
        assert (goal.at_least is None) != (goal.at_most is None)


def test_a_ratio_is_taken_round_by_round() -> None:
    scores = {"a": Score("a", [30.0, 10.0, 40.0]), "b": Score("b", [10.0, 10.0, 10.0])}
    assert judge(Goal("a", "b", at_least=3), scores) == Reached(Goal("a", "b", at_least=3), [3.0, 1.0, 4.0])
    assert judge(Goal("a", "b", at_least=3), scores).met is True
    assert judge(Goal("a", "b", at_most=2), scores).met is False


def test_a_goal_against_a_contestant_that_was_skipped_is_not_measured() -> None:
    reached = judge(
        Goal("a", "b", at_least=3), {"a": Score("a", [1.0]), "b": Score("b", skipped="not installed")}
    )
    assert reached.met is None
    assert "not installed" in reached.why_not


def test_a_contestant_that_fails_is_skipped_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    question = Question("x", "x", "x", [Contestant("nobody", lambda _: 1.0)], [])
    answer = ask(question, "benchmarks.nowhere", Settings(quick=True, data=tmp_path, folder=tmp_path))
    assert "benchmarks.nowhere" in answer.scores[0].skipped
    assert "SKIPPED" in capsys.readouterr().err


def test_an_unknown_question_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["benchmarks.single"], ["--only", "nothing"]) == 2
    assert "single" in capsys.readouterr().err


def test_the_answers_are_written_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "answers.json"
    arguments = ["--quick", "--no-peers", "--folder", str(tmp_path), "--json", str(file)]
    assert cli.main(["benchmarks.single"], arguments) == 0
    document = json.loads(file.read_text(encoding="utf-8"))
    assert document["schema"] == 1
    assert document["answers"][0]["contestants"][0]["median"] > 0
    assert "goal: Backstory at least 0.8 x raw SQLite" in capsys.readouterr().out
