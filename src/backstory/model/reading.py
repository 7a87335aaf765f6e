"""Reads the model of an application from its code, and puts beside it what tests and a store have seen."""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from msgspec.structs import replace

from backstory.application import Application
from backstory.decide.commands import CommandType
from backstory.decide.parameters import Shape
from backstory.decide.state import State as StateClass
from backstory.decide.state import state_type
from backstory.documents.application import first_line
from backstory.history.merge.revert import inverses
from backstory.model import fields, mentions
from backstory.model.code import Bound, Code, event_made
from backstory.model.differences import differences
from backstory.model.elements import (
    Command,
    Event,
    Gives,
    Id,
    Inverse,
    Model,
    Observed,
    Outbox,
    Projection,
    Reads,
    Refusal,
    Scenario,
    State,
    Upcaster,
)
from backstory.model.naming import Names
from backstory.model.reactions import reaction
from backstory.model.row_tables import row_events, row_tables, stored_tables
from backstory.model.slices import slices, table_slice
from backstory.model.sources import Sources, home_of
from backstory.model.tables import tables as tables_of
from backstory.model.uses import ids, uses
from backstory.projections.materialize import Materialized
from backstory.projections.projection import AnyProjection, instance
from backstory.rows.kinds import table_of
from backstory.values.event import Event as EventClass
from backstory.values.event_types import EventType

LIBRARY = "backstory"
"""The package whose own code is not followed, although an application may have objects of it: `Materialized` is one."""


def model_of(
    app: Application,
    folder: Path | None = None,
    *,
    scenarios: Sequence[Scenario] | None = None,
    observed: Observed | None = None,
) -> Model:
    """The model of an application. Places in it are relative to `folder`, by default the one of its modules.

    `scenarios` are those of its tests (`backstory.model.scenarios`), and `observed` is what a store has seen
    (`backstory.model.observed`); None where nobody has looked.
    """
    reader = _Reader(app, folder or home_of(app.name), scenarios or ())
    commands = [reader.command(each) for each in app.commands]
    reactions = [
        reaction(each, reader.code, reader.sources, reader.names, reader.scenarios) for each in app.reactions
    ]
    projections = [reader.projection(each) for each in app.projections]
    found_inverses = reader.inverses()
    tables = row_tables(app.name.partition(":")[0], reader.sources, app.events)
    states = [reader.state(cls) for cls in app.states]
    outboxes = [reader.outbox(each) for each in app.outboxes]
    used = uses(app.name.partition(":")[0], reader.sources, reader.names, reader.deciding)
    commands = [
        replace(one, executed_by=[each.id for each in reactions if one.id in each.gives]) for one in commands
    ]
    states = [
        replace(
            one,
            read_by=[
                *(each.id for each in commands if any(read.state == one.id for read in each.reads)),
                *(each.id for each in reactions if one.id in each.reads),
            ],
        )
        for one in states
    ]
    readers: list[tuple[Id, Iterable[Id]]] = [
        *((one.id, one.events or ()) for one in states),
        *((one.id, one.events) for one in projections),
        *((one.id, {*one.events, *one.folds}) for one in reactions),
        *((one.id, reader.all_events if one.events is None else one.events) for one in outboxes),
        *((one.id, [one.event]) for one in found_inverses),
        *((one.id, one.events) for one in used if one.does == "read"),
        *((one.id, one.events) for one in tables),
    ]
    givers: list[tuple[Id, Iterable[Id]]] = [
        *((one.id, [each.event for each in one.gives]) for one in commands),
        *((one.id, one.gives) for one in found_inverses),
        *((one.id, one.events) for one in tables),
    ]
    own = map(reader.event, reader.own_events)
    events = [
        replace(
            one,
            given_by=[id for id, given in givers if one.id in given] + ids(used, "append", one.id),
            read_by=[id for id, read in readers if one.id in read],
        )
        for one in (*own, *row_events(tables))
    ]
    module, sources, names = app.name.partition(":")[0], reader.sources, reader.names
    reading = mentions.readers(module, sources, names, [one.id for one in events if not one.read_by])
    giving = mentions.givers(module, sources, names, [one.id for one in events if not one.given_by])
    if reading or giving:
        used = list({(one.id, one.does, *one.events): one for one in (*used, *reading, *giving)}.values())
        events = [
            replace(
                one,
                read_by=one.read_by or ids(reading, "read", one.id),
                given_by=one.given_by or ids(giving, "append", one.id),
            )
            for one in events
        ]
    model = Model(
        app=app.name,
        events=events,
        states=states,
        commands=commands,
        projections=projections,
        reactions=reactions,
        outboxes=outboxes,
        inverses=found_inverses,
        tables=tables,
        uses=used,
        scenarios=None if scenarios is None else list(scenarios),
        slices=slices(events, commands, states, projections, reactions, tables, reader.kept(app.projections)),
        observed=None,
        differences=[],
    )
    return beside(model, observed)


def beside(model: Model, observed: Observed | None) -> Model:
    """The same model, with what a store has seen beside it, and the tables of rows that only the store has."""
    tables = stored_tables(model.tables, observed)
    return replace(
        model,
        events=[*model.events, *row_events(tables)],
        tables=[*model.tables, *tables],
        slices=[*model.slices, *map(table_slice, tables)],
        observed=observed,
        differences=differences(model.commands, model.events, observed),
    )


class _Reader:
    """Reads one element after the other."""

    def __init__(self, app: Application, folder: Path, scenarios: Sequence[Scenario]) -> None:
        self.sources = Sources(folder)
        self.names = Names(app)
        self.scenarios = scenarios
        self.all_events = self.names.events(app.events)
        self.deciding: list[Any] = []
        """The definitions of functions that give events in a decision."""
        modules = (
            app.name.partition(":")[0],
            *(command.__module__ for command in app.commands),
            *(cls.__module__ for cls in app.states),
            *(type(instance(each)).__module__ for each in app.projections),
            *(
                each.__module__ if isinstance(each, type) else each.function.__module__
                for each in app.reactions
            ),
        )
        self._own = frozenset(module.partition(".")[0] for module in modules) - {LIBRARY}
        self.own_events = [kind for kind in app.events if table_of(kind.name) is None]
        """Its events without those of rows, which are their tables'."""

    def code(self) -> Code:
        """A new walk through the application's code."""
        return Code(self.sources, self._own)

    def event(self, kind: EventType) -> Event:
        """An event, without those that give and read it."""
        return Event(
            id=self.names.event(kind),
            name=kind.name,
            class_name=kind.cls.__name__,
            module=kind.cls.__module__,
            doc=fields.own_doc(kind.cls),
            place=self.sources.place(kind.cls),
            version=kind.version,
            fields=fields.event_fields(kind),
            upcasters=[
                Upcaster(version, self.sources.place(function))
                for version, function in sorted(kind.upcasters.items())
            ],
            given_by=[],
            read_by=[],
        )

    def kept(self, projections: Iterable[AnyProjection]) -> set[Id]:
        """The states that one of these projections keeps as its table."""
        made = map(instance, projections)
        return {self.names.state(each.cls) for each in made if isinstance(each, Materialized)}

    def state(self, cls: type[StateClass]) -> State:
        """A state, without those that read it."""
        compiled = state_type(cls)
        identity, others = fields.state_fields(compiled, fields.filled(cls, self.code()))
        return State(
            id=self.names.state(cls),
            name=cls.__name__,
            module=cls.__module__,
            doc=fields.own_doc(cls),
            place=self.sources.place(cls),
            identity=identity,
            fields=others,
            events=None if compiled.raw else self.names.events(compiled.events.values()),
            everywhere=self.names.events(compiled.everywhere),
            own_query=compiled.own_query,
            read_by=[],
        )

    def command(self, command: CommandType[...]) -> Command:
        """A command, without the reactions that execute it."""
        code, bound = self.code(), {}
        for name, state in command.reads.items():
            if state.shape is not Shape.MANY:
                bound[name] = Bound(state.cls, name)
        followed = code.follow(command.function, bound)
        for one in command.dependents.values():
            code.follow(one.function, {name: bound[name] for name in one.needs if name in bound})
        self.deciding += [code.node(function) for function in code.functions]
        id = self.names.command(command)
        told = [
            (one.test, decision)
            for one in self.scenarios
            for decision in one.decisions
            if self.names.recorded_command(decision.command, decision.module) == id
        ]
        gives = self._gives(command, code, {name for _, decision in told for name in decision.gives})
        return Command(
            id=id,
            name=command.name,
            module=command.__module__,
            doc=first_line(command.__doc__),
            place=self.sources.place(command.function),
            parameters=fields.parameters(command),
            inputs={name: kind.kind.value for name, kind in command.inputs.items()},
            reads=[
                Reads(
                    name,
                    self.names.state(state.cls),
                    _uses(code, name) if followed and name in bound else None,
                )
                for name, state in command.reads.items()
            ],
            gives=gives,
            gives_any=not command.gives or EventClass in command.gives,
            may_give_nothing=_may_give_nothing(command),
            refuses=self._refuses(
                code, [(test, decision.refused) for test, decision in told if decision.refused is not None]
            ),
            scenarios=list(dict.fromkeys(test for test, _ in told)),
            executed_by=[],
        )

    def _gives(self, command: CommandType[...], code: Code, told: set[str]) -> list[Gives]:
        known: dict[Id, list[Any]] = {}
        for cls in command.gives:
            if cls is not EventClass:
                known.setdefault(self.names.event(cls), []).append("annotation")
        if not command.gives or EventClass in command.gives:
            for called in filter(None, (event_made(thing) for thing, _, _ in code.calls)):
                known.setdefault(self.names.event(called), ["code"])
        for name in sorted(told):
            known.setdefault(self.names.event(name), []).append("scenario")
        return [Gives(id, how) for id, how in known.items()]

    def _refuses(self, code: Code, told: Sequence[tuple[str, str]]) -> list[Refusal]:
        found: dict[str, Refusal] = {}
        for refused, node, function in code.refusals():
            line = getattr(node, "lineno", 1)
            found.setdefault(
                refused, Refusal(refused, self.sources.at(function.__code__.co_filename, line), [])
            )
        for test, refused in told:
            fitting = [each for each in found if _fits(each, refused)]
            said = max(fitting, key=lambda each: (each == refused, len(each)), default=refused)
            known = found.setdefault(said, Refusal(said, None, []))
            if test not in known.scenarios:
                known.scenarios.append(test)
        return sorted(
            found.values(), key=lambda one: (one.place is None, one.place and one.place.line, one.code)
        )

    def projection(self, projection: AnyProjection) -> Projection:
        """A projection."""
        one = instance(projection)
        cls = getattr(one, "cls", type(one))
        return Projection(
            id=self.names.projection(one),
            name=one.name,
            module=cls.__module__,
            doc=fields.own_doc(cls),
            place=self.sources.place(cls),
            version=one.versioned(),
            group=one.group,
            events=self.names.events(one.event_types()),
            tables=tables_of(one, self.code()),
        )

    def outbox(self, outbox: Any) -> Outbox:
        """An outbox."""
        events = self.names.events(outbox.types) if outbox.types else None
        return Outbox(
            id=f"outbox:{outbox.name}", name=outbox.name, module=type(outbox).__module__, events=events
        )

    def inverses(self) -> list[Inverse]:
        """The inverses that are registered for the application's events."""
        found = []
        for kind in self.own_events:
            inverse = inverses.get(kind.cls)
            if inverse is None:
                continue
            function, code = getattr(inverse, "function", inverse), self.code()
            code.follow(function, {})
            self.deciding += [code.node(each) for each in code.functions]
            gives = self.names.events(filter(None, (event_made(thing) for thing, _, _ in code.calls)))
            found.append(
                Inverse(f"inverse:{kind.name}", self.names.event(kind), gives, self.sources.place(function))
            )
        return found


def _uses(code: Code, parameter: str) -> list[str] | None:
    """The fields of a state that code looks at; None if the state goes where nobody can follow it."""
    used = {use.field for use in code.uses if use.root == parameter}
    return None if None in used else sorted(name for name in used if name is not None)


def _may_give_nothing(command: CommandType[...]) -> bool:
    """Whether a return annotation allows no event: it has None in it, or is of several events, or there is none."""
    names = {cls.__name__: cls for cls in command.gives}
    try:
        hint: Any = get_type_hints(command.function, localns=names).get("return")
    except (NameError, TypeError, AttributeError):  # a name of the function that made the command
        return True
    while hasattr(hint, "__value__"):  # of a `type` statement
        hint = hint.__value__
    if hint is None or hint is types.NoneType or types.NoneType in get_args(hint):
        return True
    return not isinstance(hint, type) and get_origin(hint) not in (Union, types.UnionType, Annotated)


def _fits(template: str, code: str) -> bool:
    """Whether a code is one that a template stands for."""
    return re.fullmatch(".*".join(map(re.escape, template.split("{}"))), code, re.DOTALL) is not None
