"""A slice that shows something: a state of some events, kept as a table."""

from __future__ import annotations

from collections.abc import Sequence

from backstory.errors import ScaffoldError
from backstory.scaffold import code
from backstory.scaffold.event import NamedEvent
from backstory.scaffold.field import Field
from backstory.scaffold.names import camel, check_apart, class_name, snake, words
from backstory.scaffold.page import page


def view(
    package: str, name: str, events: Sequence[NamedEvent], *, state: str = "", web: bool = False
) -> dict[str, str]:
    """The files of a slice with a state of these events and its table; paths are relative to the package's folder.

    The state is about the tag that all events have, and has their fields. `state` is the name of its class; without
    one it is named after the tag. Raises `ScaffoldError`.
    """
    name = snake(name, "a slice")
    common = [tag for tag in events[0].tags if all(tag in event.tags for event in events)]
    if not common:
        raise ScaffoldError(f"{', '.join(event.name for event in events)} have no tag in common")
    identity = common[0]
    state = class_name(state or camel(identity), "a state")
    fields = {field.name: field for event in events for field in event.fields if field.name != identity}
    module = f"{package}.{name}.view"
    full = {"backstory.Materialized", "backstory.State", "backstory.Tag"}.union(
        *(field.imports for field in fields.values()), (event.full_name for event in events)
    )
    check_apart([state, name], {*full, "backstory.testing.given"})
    title = f"{words(name).capitalize()}: a row for each {words(identity)}"
    files = {
        f"{name}/__init__.py": f'"""{title}."""\n',
        f"{name}/view.py": code.text(
            [f'"""{title}."""', "", "from __future__ import annotations", ""],
            code.imports(full, package),
            ["", "", f"class {state}(State):", f"    {identity}: Tag[str]"],
            [f"    {field.in_state}" for field in fields.values()],
            [f"    {event.flag}: bool = False" for event in events if not event.fields],
            [""],
            code.call("    def apply", ["self", f"event: {' | '.join(e.name for e in events)}"], " -> None:"),
            ["        match event:"],
            *(_case(event, identity) for event in events),
            ["", "", f"{name} = Materialized({state})"],
        ),
        f"{name}/test_{name}.py": _specification(package, name, module, state, identity, events),
    }
    if web:
        files[f"{name}/page.py"] = page(package, name, "table", f"view.{state}")
    return files


def _case(event: NamedEvent, identity: str) -> list[str]:
    changes = [f"self.{field.name} = event.{field.name}" for field in event.fields if field.name != identity]
    changes = changes or [f"self.{event.flag} = True"]
    return [f"            case {event.name}():", *(f"                {change}" for change in changes)]


def _specification(
    package: str, name: str, module: str, state: str, identity: str, events: Sequence[NamedEvent]
) -> str:
    filled: dict[str, Field] = {}
    for event in events:
        given = dict(event.samples)
        filled.update({field.name: field for field in event.fields if field.name in given})
    arguments = [f'"{identity}-1"', *(f"{field.name}={field.sample}" for field in filled.values())]
    arguments += [f"{event.flag}=True" for event in events if not event.fields]
    full = {"backstory.testing.given", f"{module}.{state}"}.union(
        *(event.imports | {event.full_name} for event in events)
    )
    return code.text(
        [f'"""{words(name).capitalize()}: the specification."""', ""],
        code.imports(full, package),
        ["", "", f"def test_{name}() -> None:"],
        *(code.call(f"    {e.flag} = {e.name}", e.arguments(identity)) for e in events),
        code.call(f"    {snake(state, 'a state')} = {state}", arguments),
        [f"    given({', '.join(e.flag for e in events)}).then_state({snake(state, 'a state')})"],
    )
