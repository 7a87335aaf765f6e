"""The command line that the whole bench and every question share."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.frame import CHECKOUT, Answer, Question, Settings, ask
from benchmarks.report import head, machine, summary, table

SCHEMA = 1
"""Version of the form of `--json`."""


def main(modules: Sequence[str], arguments: Sequence[str] | None = None) -> int:
    """Ask these questions and print the answers. A goal that is not met is said so, and is no failure of the bench."""
    options = _parser().parse_args(arguments)
    known = {module.rpartition(".")[2]: module for module in modules}
    if unknown := sorted(set(options.only or ()) - set(known)):
        print(f"no question is named {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    # Others are not even imported: they may need what is not installed.
    asked = [(known[name], _question(known[name])) for name in known if name in (options.only or known)]
    settings = Settings(options.quick, options.data, options.folder, options.rounds, not options.no_peers)
    facts = machine(options.folder)
    _print(head(facts))
    answers: list[Answer] = []
    for module, question in asked:
        answers.append(ask(question, module, settings, _say))
        _say("")
        _print(table(answers[-1]))
        if options.json:
            document = {
                "schema": SCHEMA,
                "machine": facts,
                "answers": [answer.as_json() for answer in answers],
            }
            options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    _print(summary(answers))
    return 0


def alone(question: Question) -> int:
    """Ask the one question of a file that was run by itself."""
    return main([f"benchmarks.{question.name}"])


def _question(module: str) -> Question:
    question = importlib.import_module(module).QUESTION
    assert isinstance(question, Question)
    return question


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", action="append", metavar="NAME", help="ask this question only; may be repeated"
    )
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, one round: shows that it runs, measures nothing"
    )
    parser.add_argument(
        "--rounds", type=int, metavar="N", help="rounds of each question (default: its own, 5 to 15)"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the answers there, after every question"
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        default=CHECKOUT.parent / "shared" / "data",
        help="where bpic2012.xes.gz is (default: ../shared/data beside the checkout)",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        metavar="DIR",
        default=Path(tempfile.gettempdir()),
        help="where stores are made for the time of a question; it must be a real disk (default: %(default)s)",
    )
    parser.add_argument("--no-peers", action="store_true", help="leave the other packages out")
    return parser


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, flush=True)


def _say(what: str) -> None:
    """Show what is going on, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{what}", end="", file=sys.stderr, flush=True)
