"""A slice that decides: an event, the state that the decision reads, the command, perhaps a reaction."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from backstory.errors import ScaffoldError
from backstory.scaffold import code
from backstory.scaffold.event import NamedEvent, defined
from backstory.scaffold.field import Field
from backstory.scaffold.names import camel, check_apart, class_name, snake, words
from backstory.scaffold.page import page


def change(
    package: str,
    name: str,
    gives: str,
    fields: Sequence[Field],
    *,
    after: Sequence[NamedEvent] = (),
    on: NamedEvent | None = None,
    web: bool = False,
) -> dict[str, str]:
    """The files of a slice whose command gives a new event; paths are relative to the package's folder.

    The first field is the identity: it is a tag of the event, and the decision reads the events with that tag. Without
    the events `after`, the command is refused. `on` is such an event too, and a reaction executes the command when
    it happens. With `web`, a command that nobody but a person executes has a page. Raises `ScaffoldError`.
    """
    if not fields or fields[0].type != "str":
        raise ScaffoldError("the first field says what the event is about, such as order; it is text")
    if len({field.name for field in fields}) < len(fields):
        raise ScaffoldError(f"two fields of {gives} have one name")
    slice_ = _Slice(package, name, gives, fields, after, on)
    files = {
        "__init__.py": slice_.about(),
        "decision.py": slice_.decision(),
        f"test_{slice_.name}.py": slice_.specification(),
    }
    if on is not None:
        files["automation.py"] = slice_.automation()
    elif web:
        files["page.py"] = page(package, slice_.name, "form", f"decision.{slice_.name}")
    return {f"{slice_.name}/{path}": text for path, text in files.items()}


TAKEN = frozenset(("backstory.Command", "backstory.reaction", "backstory.testing.given", "event"))
"""Other names of the test and of the reaction."""


class _Slice:
    """The names of a slice, and its files."""

    def __init__(
        self,
        package: str,
        name: str,
        gives: str,
        fields: Sequence[Field],
        after: Sequence[NamedEvent],
        on: NamedEvent | None,
    ) -> None:
        self.package = package
        self.name = snake(name, "a slice")
        self.identity = fields[0].name
        self.event = defined(f"{package}.{self.name}.decision", class_name(gives, "an event"), fields)
        self.after = [*after, *([on] if on is not None and on not in after else [])]
        self.on = on
        if self.name == self.event.flag:
            raise ScaffoldError(
                f"a slice is named for what is done, such as place-order, and not as its event {gives}"
            )
        self.state = f"{camel(self.identity)}To{camel(self.name.partition('_')[0])}"
        check_apart([self.event.name, self.state, self.name], {*self._imports(), *TAKEN})
        read = [*self.after, self.event]
        check_apart((event.flag.upper() for event in read), (event.full_name for event in read))
        for event in self.after:
            if self.identity not in event.tags:
                raise ScaffoldError(
                    f"{event.name} has no tag {self.identity}, so {self.name} cannot find it;"
                    f" its tags: {', '.join(event.tags) or 'none'}"
                )

    @property
    def title(self) -> str:
        return f"{words(self.name).capitalize()}."

    def about(self) -> str:
        return f'"""{self.title}"""\n'

    def _imports(self) -> set[str]:
        full = {f"backstory.{name}" for name in ("Event", "Refused", "State", "Tag", "command")}
        return full.union(
            (event.full_name for event in self.after), *(field.imports for field in self.event.fields)
        )

    def decision(self) -> str:
        """Event, state and command."""
        read = [*self.after, self.event]
        applied = [
            f"            case {event.name}():\n                self.{event.flag} = True" for event in read
        ]
        return code.text(
            [f'"""{self.title}"""', "", "from __future__ import annotations", ""],
            code.imports(self._imports(), self.package),
            ["", "", f'class {self.event.name}(Event, name="{self.package}.{self.event.flag}"):'],
            [f"    {self.identity}: Tag[str]"],
            [f"    {field.name}: {field.type}" for field in self.event.fields],
            ["", "", f"class {self.state}(State):"],
            [f'    """The part of the {words(self.identity)} that the decision reads."""', ""],
            [f"    {self.identity}: Tag[str]"],
            [f"    {event.flag}: bool = False" for event in read],
            [""],
            code.call(
                "    def apply", ["self", f"event: {' | '.join(event.name for event in read)}"], " -> None:"
            ),
            ["        match event:", *applied] if self.after else [f"        self.{self.event.flag} = True"],
            ["", "", "@command"],
            code.call(
                f"def {self.name}",
                [
                    f"{self.identity}: {self.state}",
                    *(f"{field.name}: {field.type}" for field in self.event.fields),
                ],
                f" -> {self.event.name}:",
            ),
            chain.from_iterable(map(self._needed, self.after)),
            [f"    if {self.identity}.{self.event.flag}:"],
            [f'        raise Refused("already: {words(self.event.flag)}", code="done")'],
            code.call(
                f"    return {self.event.name}",
                [f"{self.identity}.{self.identity}", *(field.name for field in self.event.fields)],
            ),
        )

    def _needed(self, event: NamedEvent) -> list[str]:
        return [
            f"    if not {self.identity}.{event.flag}:",
            f'        raise Refused("not yet: {words(event.flag)}", code="{_missing(event)}")',
        ]

    def specification(self) -> str:
        """One scenario of success, and one for each refusal."""
        given = [event.flag.upper() for event in self.after]
        read = [*self.after, self.event]
        full = {"backstory.testing.given", self.event.full_name}
        full |= {f"{self.event.module}.{name}" for name in (self.state, self.name)}
        full.update(*(event.imports | {event.full_name} for event in self.after), self.event.imports)
        done, do = self.event.flag.upper(), self.name.upper()
        when = f"when({do})"
        tests = [_scenario(self.name, given, f"{when}.then", done)]
        for event in self.after:
            others = [flag for flag in given if flag != event.flag.upper()]
            refused = f'"{_missing(event)}"'
            tests.append(_scenario(f"not_without_{event.flag}", others, f"{when}.then_refused", refused))
        tests.append(_scenario("not_twice", [*given, done], f"{when}.then_refused", '"done"'))
        if self.on is not None:
            full.add(f"{self.package}.{self.name}.automation.{self._reaction}")
            what = f"{self.name}_follows_{self.on.flag}"
            tests.append(_scenario(what, given, f"running({self._reaction}).then", done))
        return code.text(
            [f'"""{words(self.name).capitalize()}: the specification."""', ""],
            code.imports(full, self.package),
            [""],
            *(
                code.call(f"{event.flag.upper()} = {event.name}", event.arguments(self.identity))
                for event in read
            ),
            code.call(
                f"{do} = {self.name}",
                [f'{self.state}("{self.identity}-1")', *code.named(self.event.samples)[1:]],
            ),
            *tests,
        )

    @property
    def _reaction(self) -> str:
        return f"{self.name}_automatically"

    def automation(self) -> str:
        """The reaction: fields of the same name and type come from the event, the others are for its author."""
        assert self.on is not None
        known = {field.name: field.type for field in self.on.fields}
        arguments = [f"{self.state}(event.{self.identity})"]
        full = {"backstory.Command", "backstory.reaction", self.on.full_name}
        full |= {f"{self.event.module}.{name}" for name in (self.state, self.name)}
        for field in self.event.fields:
            taken = known.get(field.name) == field.type
            arguments.append(f"{field.name}={f'event.{field.name}' if taken else field.sample}")
            full |= set() if taken else field.sample_imports
        return code.text(
            [f'"""{words(self.name).capitalize()}, whenever {words(self.on.flag)}."""', ""],
            ["from __future__ import annotations", ""],
            code.imports(full, self.package),
            ["", "", "@reaction", f"def {self._reaction}(event: {self.on.name}) -> Command:"],
            code.call(f"    return {self.name}", arguments),
        )


def _missing(event: NamedEvent) -> str:
    return f"not-{event.flag.replace('_', '-')}"


def _scenario(what: str, given: Sequence[str], then: str, argument: str) -> list[str]:
    return [
        "",
        "",
        f"def test_{what}() -> None:",
        *code.call(f"    given({', '.join(given)}).{then}", [argument]),
    ]
