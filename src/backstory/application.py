"""Applications: the events, states and commands of somebody's code, found by the name of its module.

    app = load("bank", Path.cwd())
    app.command("withdraw")
    app.state("Account")

`bank` may be a module or a package, whose submodules belong to it; `bank:parts` is an object in it that holds the
parts: a list, a dict, a class, or a module that it imported. What stands in a class of a module is in the module. The
events that a state applies, and the states and events of a command, belong to the application too, in whichever module
they are defined.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import msgspec

from backstory.decide.commands import CommandType
from backstory.decide.register import redefining
from backstory.decide.state import State, state_type
from backstory.errors import ApplicationError, DefinitionError
from backstory.failing import failure
from backstory.likeness import did_you_mean
from backstory.outbox.message import Outbox
from backstory.projections.projection import AnyProjection, Projection, instance
from backstory.reactions.declare import Reaction
from backstory.reactions.process import AnyReaction, Process, check_names, reacting
from backstory.values.event import Event
from backstory.values.event_types import EventType, event_type

T = TypeVar("T")


class Application(msgspec.Struct, frozen=True):
    """The parts of an application. Events are sorted by their stable names, the others by the place of definition."""

    name: str
    events: tuple[EventType, ...]
    states: tuple[type[State], ...]
    commands: tuple[CommandType[...], ...]
    projections: tuple[AnyProjection, ...] = ()
    reactions: tuple[AnyReaction, ...] = ()
    outboxes: tuple[Outbox, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it has no parts: its code uses tables of rows alone, or does not use Backstory at all."""
        parts = (self.events, self.states, self.commands, self.projections, self.reactions, self.outboxes)
        return not any(parts)

    def event(self, name: str) -> EventType:
        """The event of this stable name. Raises `ApplicationError` with the nearest ones."""
        return self._named("event", name, {kind.name: [kind] for kind in self.events})

    def state(self, name: str) -> type[State]:
        """The state whose class has this name, alone or with its module. Raises `ApplicationError`."""
        return self._named(
            "state", name, _by_name((cls.__name__, cls.__module__, cls) for cls in self.states)
        )

    def command(self, name: str) -> CommandType[...]:
        """The command of this name, alone or with its module; `-` may stand for `_`. Raises `ApplicationError`."""
        commands = _by_name((command.name, command.__module__, command) for command in self.commands)
        return self._named("command", name if name in commands else name.replace("-", "_"), commands)

    def commands_by_name(self) -> dict[str, CommandType[...]]:
        """The commands by the name that commits record, without those whose name two modules use."""
        count = Counter(command.name for command in self.commands)
        return {command.name: command for command in self.commands if count[command.name] == 1}

    def _named(self, what: str, name: str, known: Mapping[str, list[T]]) -> T:
        found = known.get(name, [])
        if len(found) == 1:
            return found[0]
        if found:
            places = [
                min((full for full, things in known.items() if things == [one]), key=len) for one in found
            ]
            raise ApplicationError(
                f"{self.name} has {len(found)} {what}s named {name}; say which: {', '.join(places)}"
            )
        simple = sorted(known if what == "event" else (full for full in known if "." not in full))
        there = f"it has {', '.join(simple)}" if simple else "it has none at all"
        raise ApplicationError(f"{self.name} has no {what} {name!r}; {did_you_mean(name, simple, there)}")


def load(name: str, folder: Path) -> Application:
    """Import an application, `module` or `module:attribute`, as seen from a folder, and look through it.

    The folder goes to the front of `sys.path`, and stays there: later imports of the application must be found too.
    A module without parts is an application too if it uses Backstory: for tables of rows. Raises `ApplicationError`
    that names the wrong part of the name, or the error inside of the module, or says that nothing is in it.
    """
    module_name, colon, attribute = name.partition(":")
    if module_name.endswith(".py") or "/" in module_name or not module_name:
        dotted = module_name.removesuffix(".py").strip("./").replace("/", ".") or "bank"
        raise ApplicationError(
            f"an application is named as a module, like {dotted} or {dotted}:parts, not {name!r}"
        )
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    module = _import(module_name, folder)
    modules = () if colon else (module, *_submodules(module, folder))
    if colon:
        things = list(_inside(_attribute(module, attribute)))
    else:
        things = [
            thing for part in modules for held in vars(part).values() for thing in _with_own(held, part)
        ]
    app = collect(name, things)
    if app.is_empty and not any(map(_uses_backstory, modules)):
        raise ApplicationError(
            f"{name} has no events, states or commands{'' if colon else ', and does not use backstory'}"
        )
    return app


@contextmanager
def replacing(app: Application, name: str, folder: Path) -> Iterator[Mapping[str, CommandType[...]]]:
    """The commands of a module that stand in for those of an application with the same names, for a block of code.

    After the block nothing knows of them any more. Raises `ApplicationError` if the module cannot be imported, or
    defines none, or one that the application does not have.
    """
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    with redefining():
        module = _import(name, folder)
        found = {
            thing.name: thing
            for thing in vars(module).values()
            if isinstance(thing, CommandType) and thing.__module__ == module.__name__
        }
        if not found:
            raise ApplicationError(f"{name} defines no commands, so there is nothing to replace")
        known = app.commands_by_name()
        for other in found:
            if other not in known:
                likely = did_you_mean(other, known, f"it has {', '.join(sorted(known)) or 'none'}")
                raise ApplicationError(
                    f"{name} defines the command {other}, and {app.name} has no such command to replace; {likely}"
                )
        yield found


def collect(name: str, things: Iterable[Any]) -> Application:
    """The application of these objects; an object that is not an event, state or command is passed over."""
    events: dict[type[Any], None] = {}
    states: dict[type[State], None] = {}
    commands: dict[int, CommandType[...]] = {}
    projections: dict[int, AnyProjection] = {}
    reactions: dict[int, AnyReaction] = {}
    things = list(things)
    outboxes = {id(thing): thing for thing in things if isinstance(thing, Outbox)}
    for thing in things:
        if isinstance(thing, CommandType):
            commands[id(thing)] = thing
        elif isinstance(thing, Projection):
            projections[id(thing)] = thing
        elif isinstance(thing, Reaction):
            reactions[id(thing)] = thing
        elif isinstance(thing, type) and not thing.__module__.startswith("backstory."):
            if issubclass(thing, Process):
                if hasattr(thing, "apply"):
                    reactions[id(thing)] = thing
            elif issubclass(thing, State) and hasattr(thing, "apply"):
                states[thing] = None
            elif issubclass(thing, Projection):
                projections[id(thing)] = thing
            elif thing is not Event and "__backstory__" in vars(thing):
                events[thing] = None
    try:
        for command in commands.values():
            states.update((state.cls, None) for state in command.reads.values())
            events.update((cls, None) for cls in command.gives if cls is not Event)
        for state in states:
            events.update((kind.cls, None) for kind in state_type(state).events.values())
        for projection in map(instance, projections.values()):
            events.update((kind.cls, None) for kind in projection.event_types())
        every = list(map(reacting, reactions.values()))
        check_names([*(each.name for each in every), *(each.name for each in outboxes.values())])
        for reaction in every:
            events.update((kind.cls, None) for kind in reaction.event_types)
        kinds = {kind.name: kind for kind in map(event_type, events)}
    except (DefinitionError, NameError) as wrong:
        raise ApplicationError(f"{name}: {wrong}") from wrong
    return Application(
        name,
        tuple(kinds[kind] for kind in sorted(kinds)),
        tuple(sorted(states, key=lambda cls: (cls.__module__, cls.__name__))),
        tuple(sorted(commands.values(), key=lambda command: (command.__module__, command.name))),
        tuple(sorted(projections.values(), key=lambda each: each.name)),
        tuple(sorted(reactions.values(), key=lambda each: reacting(each).name)),
        tuple(sorted(outboxes.values(), key=lambda each: each.name)),
    )


def _import(name: str, folder: Path) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as missing:
        if missing.name is not None and f"{name}.".startswith(f"{missing.name}."):
            hint = did_you_mean(name, (module.name for module in pkgutil.iter_modules([str(folder)])))
            raise ApplicationError(
                f"there is no module {missing.name!r}, seen from {folder}{hint and f'; {hint}'}"
            ) from None
        raise ApplicationError(f"{name} cannot be imported:\n{failure(missing)}") from missing
    except Exception as wrong:
        raise ApplicationError(f"{name} cannot be imported:\n{failure(wrong)}") from wrong
    except SystemExit as stop:
        raise ApplicationError(
            f"{name} ends the program while it is imported: SystemExit({stop.code!r})"
        ) from stop


def _submodules(module: ModuleType, folder: Path) -> Iterator[ModuleType]:
    """Every module inside of a package, except those that are run and not imported: `__main__`, and tests."""
    for info in pkgutil.iter_modules(getattr(module, "__path__", [])):
        if info.name in ("__main__", "conftest", "tests") or info.name.startswith("test_"):
            continue
        part = _import(f"{module.__name__}.{info.name}", folder)
        yield part
        yield from _submodules(part, folder)


def _uses_backstory(module: ModuleType) -> bool:
    """Whether the code of a module names the package. A module without its source counts as one that does."""
    from inspect import getsource

    try:
        return "backstory" in getsource(module)
    except (OSError, TypeError):
        return bool(vars(module).get("__file__"))


def _attribute(module: ModuleType, path: str) -> Any:
    found: Any = module
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            hint = did_you_mean(part, (name for name in dir(found) if not name.startswith("_")))
            raise ApplicationError(f"{module.__name__} has no {path!r}{hint and f'; {hint}'}") from None
    return found


def _inside(root: Any) -> Iterator[Any]:
    """The object that an attribute is, and its content; for a module, the objects in it."""
    yield root
    if isinstance(root, Mapping):
        held: Iterable[Any] = root.values()
    elif isinstance(root, (list, tuple, set, frozenset)):
        held = root
    else:
        held = getattr(root, "__dict__", {}).values()
    for thing in held:
        if isinstance(thing, ModuleType):
            yield from vars(thing).values()
        else:
            yield thing


def _with_own(thing: Any, module: ModuleType) -> Iterator[Any]:
    """An object of a module; of a class that is defined there also the commands and classes that stand in it."""
    yield thing
    if isinstance(thing, type) and thing.__module__ == module.__name__:
        for part in (getattr(held, "__func__", held) for held in vars(thing).values()):
            if isinstance(part, CommandType):
                yield part
            elif isinstance(part, type) and part.__qualname__.startswith(f"{thing.__qualname__}."):
                yield from _with_own(part, module)


def _by_name(parts: Iterable[tuple[str, str, T]]) -> dict[str, list[T]]:
    """Things by name, and by name with as much of the module before it as one likes to write."""
    known: dict[str, list[T]] = {}
    for name, module, thing in parts:
        packages = module.split(".")
        for start in range(len(packages) + 1):
            known.setdefault(".".join([*packages[start:], name]), []).append(thing)
    return known
