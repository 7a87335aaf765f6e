"""`backstory bisect`: the first event after which a condition is true of a state, or that a check calls bad."""

from __future__ import annotations

import os
import subprocess
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from backstory.cli.exits import DIFFERENT, UsageError, answer
from backstory.cli.parse import target
from backstory.cli.parse.parser import application_options
from backstory.cli.show import changes, commits
from backstory.cli.show.text import count
from backstory.decide.loading import replayed
from backstory.documents.bisect import first_document, state_turn_document, suspects_document, turns_document
from backstory.documents.states import name_of
from backstory.failing import theirs
from backstory.history.ask.bisect import Found, first, first_of_all, turns_of_all
from backstory.history.ask.bisect_run import Answer, answer_of, halve
from backstory.history.compare.diff import diff_states
from backstory.history.compare.jsonable import shown
from backstory.history.refs.revision import Point
from backstory.lookup import commit_at
from backstory.subject import Subjects, subject_of
from backstory.texts import states
from backstory.told import pasted, plain
from backstory.values.codec import Codec

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from backstory.cli.show.output import Output
    from backstory.decide.state import State
    from backstory.history.ask.bisect import StateTurn, Turn
    from backstory.session import Session
    from backstory.store import Log
    from backstory.values.commit import Commit
    from backstory.values.event_data import RecordedEvent

AS_STORED = Codec(classes={})
"""Turns are shown as they are stored: an event that its class cannot read any more is shown too."""

EXAMPLES = """\
backstory bisect Account a-7 --where 'balance < 400'
backstory bisect Account a-7 --where 'balance >= 500' --turns
backstory bisect Account --all --where 'balance < 400'
backstory bisect Account --all --where 'balance < 400' --turns -n 20 --ndjson
backstory bisect account:a-7 --where 'cents == 200 and owner == "Ann"'
backstory bisect run 'grep -q 300 && exit 1 || exit 0' --of Account a-7 --good '#1' --bad HEAD
"""

TEXT = """\
Exact: every event of the state is looked at, once. EXPRESSION is about its fields: comparisons, and or not, arithmetic,
len sum min max abs any all, as in 'any(line.count < 0 for line in lines)'. A missing value is None. A field whose name
is no word of Python is field("concept:name"). Exit code 1: it never became true.
--all looks for the first state of a kind of which it became true. With --turns it lists every turn of every state, in
the order of the log and while it reads, in one pass; --json has for each turn the position of that state's turn before.

bisect run halves instead, for checks that cost more: CMD is run at commits between --good (a good commit) and
--bad (a bad one), with the state of --of as JSON on its standard input, and in its environment BACKSTORY_AT, the
position, BACKSTORY_STORE and BACKSTORY_BRANCH. It answers as for git bisect: exit code 0 good, 125 cannot be judged,
1 to 127 bad, any other ends the search. One word is run by the shell, several as they are; before options of the
command itself write --."""


def arguments(parser: ArgumentParser) -> None:
    """The state or the command, the question, and the two revisions."""
    parser.add_argument(
        "words",
        nargs="+",
        metavar="KEY:VALUE|STATE|run CMD",
        help="a tag, a state and its identity, or run and a command",
    )
    parser.add_argument("--where", metavar="EXPRESSION", help="the condition that is to be true of the state")
    parser.add_argument(
        "--turns", action="store_true", help="list every event after which the answer changed"
    )
    parser.add_argument("--all", action="store_true", help="any state of this kind, or with tags any tag")
    parser.add_argument(
        "-n", "--number", type=int, metavar="N", help="with --all --turns: the highest number of turns"
    )
    parser.add_argument(
        "--ndjson",
        action="store_true",
        help="with --all --turns: print a JSON document for each, on one line",
    )
    parser.add_argument("--good", metavar="REVISION", help="look after this (default: before everything)")
    parser.add_argument("--bad", metavar="REVISION", help="look no later than this (default: HEAD)")
    parser.add_argument("--of", nargs="+", metavar="WORD", help="run: the state that the command is given")
    application_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Look for it."""
    halves = arguments.words[0] == "run"
    if halves and (arguments.where or arguments.turns or arguments.all):
        raise UsageError("bisect run asks a command; --where, --turns and --all are for the other way")
    if not halves and not arguments.where:
        raise UsageError(
            f"bisect needs a condition. Give one, as in --where 'balance < 0', or: {pasted('bisect', 'run', 'CMD')}"
        )
    if not halves and arguments.of:
        raise UsageError("--of is for bisect run; here the state comes first")
    many = arguments.all and arguments.turns
    if not many and (arguments.number is not None or out.ndjson):
        raise UsageError(f"{'--ndjson' if out.ndjson else '-n'} is for the turns of all: --all --turns")
    if arguments.number is not None and arguments.number < 0:
        raise UsageError(f"-n takes a number, not {arguments.number}")
    end, start = session.point(arguments.bad or "HEAD"), session.point(arguments.good or 0)
    if start.position > end.position:
        raise UsageError(f"--good (#{start.position}) is to be before --bad (#{end.position})")
    log = session.branches.view(end.chain)
    if halves:
        return asked(log, start, end, arguments, session, out)
    if many:
        return turns_of_many(log, start, end, arguments, session, out)
    if arguments.all:
        return any_of(log, start, end, arguments, session, out)
    return exact(log, start, end, arguments, session, out)


def exact(log: Log, start: Point, end: Point, arguments: Namespace, session: Session, out: Output) -> int:
    """The first event after which it is true of one state."""
    reference = target.reference(session, arguments.words)
    holds = states.condition(arguments.where, type(reference))
    with theirs(reference):
        found = first(log, reference, holds, start.position, end.position, AS_STORED)
    name = plain(name_of(reference))
    if out.json:
        out.document("bisect", **turns_document(reference, arguments.where, found))
        return answer(found.first or found.began)
    if arguments.turns:
        return turns(log, name, found, arguments.where, start, out)
    if found.first is None:
        always = f"it was so already at #{start.position}" if found.began else "it never became true"
        out.say(f"backstory: {name}: {arguments.where}: {always}")
        return answer(found.began)
    result(log, reference, found.first.stored, f"{name}: {arguments.where}", out)
    if found.flipped:
        now = "is true" if found.holds else "is not true"
        out.say(
            f"\nIt went back and forth: {count(len(found.turns), 'turn')}, and {now} at #{end.position}."
            " All of them: --turns"
        )
    return 0


def turns(log: Log, name: str, found: Found, where: str, start: Point, out: Output) -> int:
    """Every event after which the answer was another one."""
    out.page()
    out.line(f"{name}: {plain(where)}")
    if start.position:
        out.line(f"  {'true' if found.began else 'false'}  #{start.position}")
    subjects = Subjects(log)
    for turn in found.turns:
        commit = turn.record.commit
        told = commits.line(commit, subjects.of(commit), out)
        out.line(f"  {answered(turn, out)}  {commits.event(turn.record.stored, out)}  {told}")
    if not found.turns:
        out.say("it never turned")
    return answer(found.first is not None or found.began)


def kind(arguments: Namespace, session: Session) -> type[State]:
    """The class of all the states that are meant. Raises `UsageError`."""
    if len(arguments.words) > 1:
        raise UsageError(f"--all is about all of them; {arguments.words[1]!r} is too much")
    return target.state_class(session, arguments.words[0])


def turns_of_many(
    log: Log, start: Point, end: Point, arguments: Namespace, session: Session, out: Output
) -> int:
    """Every event after which it is true of a state of a kind, or not any more, as they are found."""
    cls = kind(arguments, session)
    turning = turns_of_all(
        log, cls, states.condition(arguments.where, cls), start.position, end.position, AS_STORED
    )
    holds: dict[str, bool] = {}
    number = 0

    def each() -> Iterator[StateTurn]:
        nonlocal number
        with theirs(cls):
            for turn in islice(turning, arguments.number):
                number += 1
                holds[name_of(turn.reference)] = turn.holds
                yield turn

    if out.json or out.ndjson:
        out.records("turn", map(state_turn_document, each()), plural="turns")
        return answer(number)
    out.page()
    out.line(f"{arguments.words[0]}: {plain(arguments.where)}")
    subjects = Subjects(log)
    for turn in each():
        name = out.paint(plain(name_of(turn.reference)), "bold")
        commit = turn.record.commit
        told = commits.line(commit, subjects.of(commit), out)
        out.line(f"  {answered(turn, out)}  {name}  {commits.event(turn.record.stored, out)}  {told}")
        out.flush()
    if number == arguments.number:
        out.say(f"These are the first {count(number, 'turn')}; there may be more: -n")
    elif number:
        true = sum(holds.values())
        out.say(f"{count(number, 'turn')} of {len(holds):,}; true at #{end.position} of {true:,} of them")
    else:
        out.say("it never turned")
    return answer(number)


def answered(turn: Turn | StateTurn, out: Output) -> str:
    """The answer after a turn."""
    return out.paint("true ", "green") if turn.holds else out.paint("false", "red")


def any_of(log: Log, start: Point, end: Point, arguments: Namespace, session: Session, out: Output) -> int:
    """The first event after which it is true of any state of a kind."""
    cls = kind(arguments, session)
    with theirs(cls):
        broken = first_of_all(
            log, cls, states.condition(arguments.where, cls), start.position, end.position, AS_STORED
        )
    if out.json:
        out.document("bisect", **first_document(arguments.where, broken))
        return answer(broken)
    if broken is None:
        out.say(f"backstory: {arguments.where}: it never became true of any {arguments.words[0]}")
        return DIFFERENT
    title = f"{plain(name_of(broken.reference))}: {plain(arguments.where)}"
    result(log, broken.reference, broken.record.stored, title, out)
    return 0


def result(log: Log, reference: State, record: RecordedEvent, title: str, out: Output) -> None:
    """An event, its commit, and its changes of the state."""
    commit = commit_at(log, record.position)
    out.line(f"{title}, since {out.paint(f'#{record.position}', 'cyan')}")
    out.line()
    out.lines(described(log, commit, out))
    out.line()
    out.line(f"{commits.INDENT}{commits.event(record, out)}  {commits.data_line(record)}")
    difference = diff_states(log, record.position - 1, log, record.position, reference)
    out.lines(f"{commits.INDENT}  {text}" for text in changes.painted(difference, out))


def described(log: Log, commit: Commit, out: Output) -> list[str]:
    """A commit with its message."""
    message = commits.message(commit, subject_of(log, commit), out)
    return [commits.title(commit, out), *commits.signature(commit), *message]


def asked(log: Log, start: Point, end: Point, arguments: Namespace, session: Session, out: Output) -> int:
    """The first commit that a command calls bad."""
    words = arguments.words[1:]
    if not words:
        example = pasted("bisect", "run", "./check.sh", "--good", "#1", "--bad", "HEAD")
        raise UsageError(f"bisect run needs a command. For example: {example}")
    reference = target.reference(session, arguments.of) if arguments.of else None
    environment = {
        **os.environ,
        "BACKSTORY_STORE": session.address,
        "BACKSTORY_BRANCH": session.branch,
    }

    def check(position: int) -> Answer:
        given: Any = {}
        if reference is not None:
            with theirs(reference):
                given = shown(replayed(log, reference, position))
        ran = subprocess.run(
            ["sh", "-c", words[0]] if len(words) == 1 else words,
            input=msgspec.json.encode(given),
            env={**environment, "BACKSTORY_AT": str(position)},
            stdout=2,
            check=False,
        )
        code = 128 - ran.returncode if ran.returncode < 0 else ran.returncode
        answer = answer_of(code)
        if answer is None:
            raise UsageError(f"the command ended with {code} at #{position}, so the search ends too")
        out.say(f"#{position} {answer.value}")
        return answer

    suspects = halve(log, start.position, end.position, check)
    found, subjects = [commit_at(log, position) for position in suspects.positions], Subjects(log)
    if out.json:
        out.document("bisect", **suspects_document(suspects.asked, found, subjects))
        return answer(len(found) == 1)
    if suspects.first is None:
        out.line("some commits could not be judged; the first bad one is any of:")
        out.lines(f"  {commits.line(each, subjects.of(each), out)}" for each in found)
        return DIFFERENT
    out.line(f"the first bad commit, after {count(suspects.asked, 'check')}")
    out.line()
    out.lines(described(log, found[0], out))
    return 0
