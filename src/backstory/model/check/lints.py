"""The rules, each a function from a model to findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from backstory.model.check.endless import endless
from backstory.model.check.findings import Finding
from backstory.model.elements import Command, Id, Model, Reaction, Reads, State
from backstory.model.scenarios import NAME
from backstory.model.unguarded import unguarded

Lint = Callable[[Model], Iterator[Finding]]


def unread(model: Model) -> Iterator[Finding]:
    """BM001. A state that takes stored events of any type reads them all; of code without a source nobody knows."""
    if any(state.events is None for state in model.states):
        return
    for event in model.events:
        if not event.read_by and event.place is not None:
            yield Finding("BM001", event.id, event.place, f"nobody reads {event.name}")


def ungiven(model: Model) -> Iterator[Finding]:
    """BM002."""
    if any(command.gives_any and not command.gives for command in model.commands):
        return  # it may be the one that gives it
    stored = {each.type for each in model.observed.types} if model.observed else set()
    for event in model.events:
        if not event.given_by and event.name not in stored and event.place is not None:
            has = "" if model.observed is None else ", and the store has none"
            yield Finding("BM002", event.id, event.place, f"no command gives {event.name}{has}")


def unfilled(model: Model) -> Iterator[Finding]:
    """BM003 and BM004."""
    folds: list[State | Reaction] = [*model.states, *model.reactions]
    for state in folds:
        for field in state.fields:
            if field.filled is False:
                what = f"no event fills {state.name}.{field.name}"
                yield Finding("BM003", f"{state.id}/{field.name}", state.place, what)
    for projection in model.projections:
        for table in projection.tables:
            for column in table.columns:
                if column.filled is False:
                    name = f"{table.name}.{column.name}"
                    what = f"no event fills the column {name} of {projection.name}"
                    yield Finding("BM004", f"{projection.id}/{name}", projection.place, what)


def untried(model: Model) -> Iterator[Finding]:
    """BM005, BM006 and BM016."""
    if model.scenarios is None:
        if model.commands:
            yield Finding("BM016", f"app:{model.app}", None, f"there is no {NAME} beside {model.app}")
        return
    for command in model.commands:
        if not command.scenarios:
            yield Finding("BM005", command.id, command.place, f"no scenario tries {command.name}")
            continue
        for refusal in command.refuses:
            if not refusal.scenarios:
                what = f"no scenario has {command.name} refused: {refusal.code}"
                yield Finding("BM006", f"{command.id}/{refusal.code}", refusal.place or command.place, what)


def wide(model: Model) -> Iterator[Finding]:
    """BM008. A state that is only the address of what the command changes is no finding."""
    states = {state.id: state for state in model.states}
    for command in model.commands:
        for read in command.reads:
            state = states.get(read.state)
            if state is None or read.uses is None or command.gives_any or not state.events:
                continue
            if not read.uses:
                what = f"{command.name} reads {state.name} as {read.parameter}, and does not look at it"
            elif _beyond_identity(read, state) or _sees(state, command):
                continue
            else:
                what = (
                    f"{command.name} reads {state.name} as {read.parameter}, looks at nothing but its identity, and"
                    " does not change it"
                )
            yield Finding("BM008", f"{command.id}/{read.parameter}", command.place, what)


def blind(model: Model) -> Iterator[Finding]:
    """BM009. It is about commands that refuse: what never says no needs no memory."""
    states = {state.id: state for state in model.states}
    for command in model.commands:
        read = [(one, states[one.state]) for one in command.reads if one.state in states]
        decides = any(one.uses is None or _beyond_identity(one, state) for one, state in read)
        if not command.refuses or not command.gives or command.gives_any or not decides:
            continue
        if not any(_sees(state, command) for _, state in read):
            names = " and ".join(dict.fromkeys(state.name for _, state in read))
            given = ", ".join(each.event.partition(":")[2] for each in command.gives)
            what = f"{command.name} decides on {names}, which cannot see {given}"
            yield Finding("BM009", command.id, command.place, what)


def open_doors(model: Model) -> Iterator[Finding]:
    """BM018."""
    commands = {command.id: command for command in model.commands}
    for one in unguarded(model):
        command, state, event = (id.partition(":")[2] for id in (one.command, one.state, one.event))
        others = ", ".join(id.partition(":")[2] for id in one.deciders)
        verb = "decides" if len(one.deciders) == 1 else "decide"
        what = f"{command} gives {event} and does not read {state}, on which {others} {verb}"
        yield Finding("BM018", f"{one.command}/{state}", commands[one.command].place, what)


def alike(model: Model) -> Iterator[Finding]:
    """BM010."""
    names = Counter(command.name for command in model.commands)
    for command in model.commands:
        if names[command.name] > 1:
            others = [one.module for one in model.commands if one.name == command.name and one is not command]
            what = f"{command.name} is also a command of {', '.join(others)}"
            yield Finding("BM010", command.id, command.place, what)


def drifted(model: Model) -> Iterator[Finding]:
    """BM011, BM012, BM013 and BM014."""
    codes = {
        "unknown-type": "BM011",
        "unknown-version": "BM012",
        "undeclared": "BM013",
        "unknown-command": "BM014",
    }
    places = {event.name: event.place for event in model.events}
    commands = {command.name: command for command in model.commands}
    for one in model.differences:
        if one.kind in ("unknown-type", "unknown-version"):
            yield Finding(
                codes[one.kind], f"event:{one.event}", places.get(one.event), f"{one.event}: {one.says}"
            )
        elif one.kind in codes:
            command = commands.get(one.command)
            part = f"/{one.event}" if one.event else ""
            what = f"{one.command} {one.event and f'and {one.event}: '}{one.says}"
            id: Id = f"command:{one.command}" if command is None else command.id
            yield Finding(codes[one.kind], f"{id}{part}", None if command is None else command.place, what)


def _beyond_identity(read: Reads, state: State) -> bool:
    return not set(read.uses or ()) <= {field.name for field in state.identity}


def _sees(state: State, command: Command) -> bool:
    """Whether a state applies one of the events that a command gives."""
    return state.events is None or any(each.event in state.events for each in command.gives)


LINTS: tuple[Lint, ...] = (
    unread,
    ungiven,
    unfilled,
    untried,
    endless,
    wide,
    blind,
    open_doors,
    alike,
    drifted,
)
