"""Making a test of a decision: the events that its command had read, the command, and the events that it gave.

The test has no value of people in it, and is run before anybody sees it, in a namespace of its own.
"""

from __future__ import annotations

import ast
import contextvars
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Literal, NamedTuple

import msgspec

from backstory.decide.call import Command
from backstory.decide.inputs import Input, provided
from backstory.decide.loading import Loader, Reads, replayed
from backstory.decide.state import State, state_type
from backstory.errors import BackstoryError, InputError
from backstory.history.ask.recall import Known, Stuck, recalled, unrecorded
from backstory.history.ask.unread import uncovered
from backstory.history.compare.jsonable import words_of
from backstory.history.spec.layout import Group, Node, chained, prefixed, text
from backstory.history.spec.literals import Imports, Literals
from backstory.history.spec.samples import sample
from backstory.history.spec.stand_ins import StandIns, marked
from backstory.lookup import commit_at, events_of
from backstory.store import Log
from backstory.subject import ROW, ROWS
from backstory.values.codec import Codec
from backstory.values.commit import AUTHOR, COMMAND, Commit
from backstory.values.masking import is_hidden
from backstory.values.privacy import Privacy
from backstory.values.query import union
from backstory.values.veil import OPEN, Veil, veil_of

MOST = 1_000
"""Events that a test has at most: one of more is nothing that a person reads."""

LOOKED = 1_000
"""Commits that are looked at for one that a command made."""

TRIED = 20
"""Values of the events that are tried for a secret argument."""

Then = Literal["events", "state", "refused"]

AUTHOR_FIELD, PERSON = "author", Veil(Privacy.PERSONAL)
"""An author is a personal value, too."""

CODE = "write here why"

ALLOWED = (
    ast.Module, ast.ImportFrom, ast.alias, ast.FunctionDef, ast.arguments, ast.Expr, ast.Call, ast.keyword, ast.Name,
    ast.Load, ast.Attribute, ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.UnaryOp, ast.USub,
)  # fmt: skip
"""All that the code of a test consists of."""


class Spec(msgspec.Struct, frozen=True):
    """A test: its text, the commit that it is about, and whether it passes as it stands.

    `why` says why it does not: `matters` names the fields whose stand-ins change the decision; else the code at hand
    decides otherwise than was recorded, or the test says what is to be, and not yet is. `replaced` are the fields that
    have stand-ins. `unrecorded` are secret arguments, whose values nobody knows: others stand in their places.
    """

    text: str
    commit: Commit
    passes: bool
    why: str = ""
    matters: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    unrecorded: tuple[str, ...] = ()


class Scenario(NamedTuple):
    """A decision: the events before it with their commits, the command, its commit, and the events that it gave."""

    given: list[tuple[Any, Commit]]
    command: Command
    commit: Commit
    gave: list[Any]
    looks: bool
    """Whether a state looks at the records of its events: at their author, time and so on."""
    state: State | None


def spec(
    log: Log,
    reference: State,
    after: int,
    upto: int,
    *,
    codec: Codec,
    commands: Known,
    then: Then = "events",
    code: str | None = None,
) -> Spec:
    """A test of the last decision about a state in a part of its history. Raises `InputError`, and as `load` does."""
    commit = _decision(log, reference, after, upto)
    if (commit.command or {}).get("name") in (ROW, ROWS):
        raise InputError(
            f"no test can be made of #{commit.position}: it is a write of rows, which Backstory decided on by itself,"
            " so the test would run no code of yours. Test the function that writes the rows, with a store in memory:"
            " with connect() as db"
        )
    arguments = tuple(unrecorded(commit))
    command = recalled(commit, commands, sample)
    if isinstance(command, Stuck):
        raise InputError(f"no test can be made of #{commit.position}: {command.words}")
    scenario = _scenario(log, commit, command, codec, reference if then == "state" else None)
    first = _tested(scenario, then, code, arguments)
    if not arguments or _holds(first, then):
        return first
    for value in _others(scenario):
        command = recalled(commit, commands, lambda _, __, value=value: value)  # type: ignore[misc]
        if not isinstance(command, Stuck):
            made = _tested(scenario._replace(command=command), then, code, arguments)
            if _holds(made, then):
                return made
    names = " and ".join(f"`{name}`" for name in arguments)
    raise InputError(
        f"no test can be made of #{commit.position}: {scenario.command.name} had {names}, which is secret and was"
        f" not recorded, and with another value it is decided otherwise ({first.why})"
    )


def _holds(made: Spec, then: Then) -> bool:
    """Whether a test decides as was recorded, with stand-ins or without."""
    return made.passes or bool(made.matters) or then == "refused"


def _others(scenario: Scenario) -> list[Any]:
    """Marked values of the events, each of which may have been a secret argument, too: a password that is checked."""
    every = (value for name, value in _marked(scenario) if name != AUTHOR_FIELD)
    return list(dict.fromkeys(value for value in every if type(value) in (str, int)))[:TRIED]


def _tested(scenario: Scenario, then: Then, code: str | None, unrecorded: tuple[str, ...]) -> Spec:
    """The test of a scenario, and whether it passes."""
    commit, values = scenario.commit, list(_marked(scenario))
    made_up = _made_up(scenario, values, unrecorded)
    names = tuple(dict.fromkeys(name for name, _ in values if name not in made_up))

    def written(kept: Collection[str] = ()) -> str:
        return _Writer(scenario, StandIns(values, {*kept, *made_up}), then, code, unrecorded).text()

    def spec(passes: bool, why: str = "", matters: tuple[str, ...] = ()) -> Spec:
        return Spec(made, commit, passes, why, matters, names, unrecorded)

    made = written()
    if then == "refused":
        return spec(False, "it says that the decision is to be refused")
    if (wrong := ran(made)) is None:
        return spec(True)
    otherwise = "the code at hand decides otherwise than was recorded"
    if not names:
        return spec(False, f"{otherwise}: {wrong}")
    if ran(written(names)) is not None:
        return spec(False, otherwise)
    matters = tuple(name for name in names if ran(written([name])) is None) or names
    verb = "matters" if len(matters) == 1 else "matter"
    return spec(False, f"with stand-ins it is decided otherwise: {' and '.join(matters)} {verb}", matters)


def _decision(log: Log, reference: State, after: int, upto: int) -> Commit:
    """The last commit of a command that concerns a state."""
    positions: dict[int, None] = {}
    for event in log.read(reference.query(), after=after, upto=upto, backwards=True):
        if event.commit in positions:
            continue
        positions[event.commit] = None
        commit = commit_at(log, event.commit)
        if commit.command_json or COMMAND in commit.withheld:
            return commit
        if len(positions) >= LOOKED:
            break
    name = " ".join(words_of(reference))
    raise InputError(
        f"no command has decided anything about {name} in #{after + 1} to #{upto}; facts that were appended have no"
        " decision to test"
    )


def _scenario(log: Log, commit: Commit, command: Command, codec: Codec, state: State | None) -> Scenario:
    loader, references, known = Loader(log), list[State](), commit.first - 1

    def load(stage: list[State]) -> list[State]:
        references.extend(stage)
        return loader.load_more(Reads(stage), known)

    command.gathered(load)
    boundary = union(each.query() for each in references)
    records = list(islice(log.read(boundary, upto=known), MOST + 1)) if references else []
    if len(records) > MOST:
        raise InputError(
            f"the command of #{commit.position} had read more than {MOST:,} events, and nobody reads such a test; take"
            " an earlier decision: a range that ends before"
        )
    if state is not None and uncovered(state.query(), boundary).clauses:
        raise InputError(
            f"{type(state).__name__} follows also from events that {command.name} does not read, so a test of that"
            " decision cannot say what it is"
        )
    commits = {record.commit: commit_at(log, record.commit) for record in records}
    return Scenario(
        [(codec.decode(record), commits[record.commit]) for record in records],
        command,
        commit,
        [codec.decode(event) for event in events_of(log, commit)],
        any(state_type(type(each)).wants_record for each in references),
        None if state is None else replayed(log, state, commit.position),
    )


def _marked(scenario: Scenario) -> Iterator[tuple[str, Any]]:
    """All marked values of a scenario, with their fields; an author is somebody, too."""
    command = scenario.command
    for event in [*(event for event, _ in scenario.given), *scenario.gave]:
        yield from marked(event, veil_of(type(event)) or OPEN)
    if command.kind.veil is not None:
        for name, value in command.arguments.items():
            yield from marked(value, command.kind.veil.at(name), f"{command.name}.{name}")
    if scenario.state is not None:
        yield from marked(scenario.state, veil_of(type(scenario.state)) or OPEN)
    for commit in (*(commit for _, commit in scenario.given), scenario.commit):
        if commit.author and AUTHOR not in commit.withheld and is_hidden(PERSON):
            yield AUTHOR_FIELD, commit.author


def _made_up(
    scenario: Scenario, values: Collection[tuple[str, Any]], unrecorded: Collection[str]
) -> set[str]:
    """The fields of arguments that were not recorded: no stand-ins, unless a marked value of the record is equal."""
    own = {f"{scenario.command.name}.{name}" for name in unrecorded}
    known = [value for name, value in values if name not in own]
    return set() if any(value in known for name, value in values if name in own) else own


class _Writer:
    """Writes the test of a scenario."""

    def __init__(
        self,
        scenario: Scenario,
        stand_ins: StandIns,
        then: Then,
        code: str | None,
        unrecorded: Sequence[str] = (),
    ) -> None:
        self._scenario, self._then, self._code, self._unrecorded = scenario, then, code, unrecorded
        self._stand_ins = stand_ins
        self._imports = Imports()
        self._write = Literals(self._imports, stand_ins)

    def text(self) -> str:
        """The module."""
        given = self._imports.name("backstory.testing", "given")
        calls: list[Node] = [Group(f"{given}(", list(self._given()), ")"), self._when(), self._expected()]
        notes = (
            f"    # {name} was not recorded: another value stands in its place" for name in self._unrecorded
        )
        body = [*notes, *chained(calls, "    ")]
        gave = "_and_".join(dict.fromkeys(_word(type(event).__name__) for event in self._scenario.gave[:2]))
        what = {"events": f"gives_{gave}", "state": f"leads_to_{gave}", "refused": "is_refused"}[self._then]
        name = f"test_{_word(self._scenario.command.name)}_{what}"
        return "\n".join([*self._imports.lines(), "", "", f"def {name}() -> None:", *body, ""])

    def _given(self) -> Iterator[Node]:
        if not self._scenario.looks:
            yield from (self._write.event(event) for event, _ in self._scenario.given)
            return
        committed = self._imports.name("backstory.testing", "committed")
        groups: dict[int, tuple[Commit, list[Node]]] = {}
        for event, commit in self._scenario.given:
            groups.setdefault(commit.position, (commit, []))[1].append(self._write.event(event))
        for commit, events in groups.values():
            yield Group(f"{committed}(", [*events, *self._around(commit)], ")")

    def _around(self, commit: Commit) -> Iterator[Node]:
        if commit.author:
            yield f"author={text(self._stand_ins.of(commit.author))}"
        yield f"time={text(commit.authored.isoformat())}"

    def _when(self) -> Node:
        command, commit = self._scenario.command, self._scenario.commit
        kinds = {kind.kind: name for name, kind in command.kind.inputs.items()}
        about = dict(self._about(command, kinds, commit))
        return Group(
            "when(", [self._called(command), *(f"{name}={value}" for name, value in about.items())], ")"
        )

    def _about(
        self, command: Command, kinds: Mapping[Input, str], commit: Commit
    ) -> Iterator[tuple[str, str]]:
        if commit.author and (self._scenario.looks or Input.AUTHOR in kinds):
            yield "author", text(self._stand_ins.of(commit.author))
        time = command.inputs.get(kinds.get(Input.NOW, ""), commit.authored)
        if self._scenario.looks or Input.NOW in kinds:
            yield "time", text(time.isoformat())
        if Input.CHANCE in kinds:
            yield "seed", str(command.inputs[kinds[Input.CHANCE]])

    def _called(self, command: Command) -> Node:
        """The call of the command: states that come first by their place, all else by name."""
        kind, parts, in_place = command.kind, list[Node](), True
        for name, parameter in kind.signature.parameters.items():
            bare = parameter.kind is parameter.KEYWORD_ONLY and parameter.default is provided
            if name in kind.states:
                state: Any = kind.states[name].each(command.arguments[name], self._write.state)
                node: Node = (
                    Group("[", state, "]") if isinstance(state, list) else "None" if state is None else state
                )
            elif name in kind.inputs:
                if kind.inputs[name].kind is Input.NEW_ID:
                    node = text(self._stand_ins.within(command.inputs[name]))
                elif bare:
                    node = self._imports.name("backstory", "provided")
                else:
                    continue
            elif name in kind.plain:
                veil = kind.veil.at(name) if kind.veil is not None else OPEN
                value = command.arguments[name]
                if type(value) is type(parameter.default) and value == parameter.default:
                    continue
                node = self._write.of(value, veil)
            else:
                continue
            in_place = in_place and name in kind.states
            parts.append(node if in_place else prefixed(f"{name}=", node))
        return Group(f"{self._imports.of(kind)}(", parts, ")")

    def _expected(self) -> Node:
        if self._then == "refused":
            return Group("then_refused(", [text(self._code or CODE)], ")")
        if self._then == "state":
            assert self._scenario.state is not None
            return Group("then_state(", [self._write.state(self._scenario.state, filled=True)], ")")
        return Group("then(", [self._write.event(event) for event in self._scenario.gave], ")")


def _word(name: str) -> str:
    """A name as a word of a function's name."""
    return re.sub(r"\W+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower(), flags=re.ASCII).strip(
        "_"
    )


def ran(code: str) -> str | None:
    """Run a test in a namespace and a context of its own; None if it passes, else the first line of why not."""
    tree = ast.parse(code)
    strange = next((node for node in ast.walk(tree) if not isinstance(node, ALLOWED)), None)
    if strange is not None:
        raise InputError(f"no test can be made: its code would have a {type(strange).__name__} in it")
    [test] = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    names: dict[str, Any] = {"__name__": "spec"}

    def run() -> None:
        exec(compile(tree, "<spec>", "exec"), names)  # noqa: S102 - imports, calls and literals only, as checked
        names[test]()

    try:
        contextvars.Context().run(run)
    except (AssertionError, BackstoryError) as wrong:
        return str(wrong).partition("\n")[0]
    except Exception as wrong:  # noqa: BLE001 - of the application's code
        return f"{type(wrong).__name__}: {wrong}"
    return None
