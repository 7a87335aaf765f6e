"""The model as one document: the elements of an application, each with its file and line, and how they hang together.

The classes are the document: `docs/model.schema.json` is their JSON Schema. Elements name each other by `id`, such as
`event:order.placed` or `command:pay`. A name that two elements of a kind have is written with the module in the id.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

FORMAT = 1
"""The version of the document. It goes up when a reader of an older one would read something wrong."""

Id = str
"""Kind and name of an element, `event:order.placed`."""


class Place(msgspec.Struct, frozen=True):
    """A line of code. The file is relative to the application's folder if it is inside of it."""

    file: str
    line: int


class Field(msgspec.Struct, frozen=True, omit_defaults=True):
    """A field of an event or a state, or a parameter of a command.

    `tag` is the key under which it tags, `mark` says `subject`, `personal` or `secret`. A state's own `filled` says
    whether its `apply` can give it a value; None if the code does not tell.
    """

    name: str
    type: str
    required: bool = False
    tag: str | None = None
    mark: str | None = None
    filled: bool | None = None


class Upcaster(msgspec.Struct, frozen=True):
    """Mends data of `version`, for the version after it."""

    version: int
    place: Place | None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An event: what it holds, who gives it and who reads it.

    `given_by` are commands, inverses of `revert` and places in the code that append it; `read_by` are states, read
    models, reactions, outboxes, and places in the code that read it.
    """

    id: Id
    name: str
    class_name: str
    module: str
    doc: str
    place: Place | None
    version: int
    fields: list[Field]
    upcasters: list[Upcaster]
    given_by: list[Id]
    read_by: list[Id]


class State(msgspec.Struct, frozen=True, kw_only=True):
    """A state: its identity, its fields, and the events that it reads; `everywhere` are those of every identity.

    `events` is None if it takes stored events of any type. `own_query` says that it overrides `query()`.
    """

    id: Id
    name: str
    module: str
    doc: str
    place: Place | None
    identity: list[Field]
    fields: list[Field]
    events: list[Id] | None
    everywhere: list[Id]
    own_query: bool
    read_by: list[Id]


class Reads(msgspec.Struct, frozen=True):
    """A state that a command reads, by the parameter that it is; `uses` are the fields that the code looks at.

    `uses` is None if the code gives the state away to other code, so that nobody can say.
    """

    parameter: str
    state: Id
    uses: list[str] | None


class Gives(msgspec.Struct, frozen=True):
    """An event that a command gives, and how that is known: its `annotation`, its `code`, or a `scenario`."""

    event: Id
    known_by: list[Literal["annotation", "code", "scenario"]]


class Refusal(msgspec.Struct, frozen=True):
    """A refusal that a command can end in. `{}` in a code stands for a part that is known only when it runs.

    `scenarios` are the tests in which it was refused so.
    """

    code: str
    place: Place | None
    scenarios: list[str]


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command: what it takes, what it reads, what it gives, and how it may refuse.

    `gives_any` says that its annotation names no events, so that `gives` may be less than all; `may_give_nothing` that
    it may be fine with things as they are, by its annotation.
    """

    id: Id
    name: str
    module: str
    doc: str
    place: Place | None
    parameters: list[Field]
    inputs: dict[str, str]
    reads: list[Reads]
    gives: list[Gives]
    gives_any: bool
    may_give_nothing: bool
    refuses: list[Refusal]
    scenarios: list[str]
    executed_by: list[Id]


class Table(msgspec.Struct, frozen=True):
    """A table of a projection."""

    name: str
    columns: list[Field]


class Projection(msgspec.Struct, frozen=True, kw_only=True):
    """A projection: the events that it takes, and the tables that it makes of them."""

    id: Id
    name: str
    module: str
    doc: str
    place: Place | None
    version: str
    group: str
    events: list[Id]
    tables: list[Table]


class Step(msgspec.Struct, frozen=True):
    """A command that a reaction gives on an event; on a deadline, `event` is empty.

    `guarded` says that the code decides whether to give one, or counts along what it gives.
    """

    event: Id
    command: Id
    guarded: bool


class Reaction(msgspec.Struct, frozen=True, kw_only=True):
    """A reaction or a process: the events that it takes, the states that it reads, and the commands that it gives.

    `deadlines` are those of a process, by name, `folds` are the events that its `apply` takes, and
    `fields` are what it keeps of them.
    """

    id: Id
    name: str
    kind: Literal["reaction", "process"]
    module: str
    doc: str
    place: Place | None
    since: str
    events: list[Id]
    reads: list[Id]
    gives: list[Id]
    steps: list[Step]
    folds: list[Id]
    fields: list[Field]
    deadlines: list[str]


class Outbox(msgspec.Struct, frozen=True, kw_only=True):
    """An outbox: the events that it sends elsewhere; None for all."""

    id: Id
    name: str
    module: str
    events: list[Id] | None


class Inverse(msgspec.Struct, frozen=True):
    """A function that `revert` calls for an event, and the events that it gives."""

    id: Id
    event: Id
    gives: list[Id]
    place: Place | None


class CodeUse(msgspec.Struct, frozen=True):
    """A place in the application's own code that appends an event, or reads some, as `db.follow(...)`."""

    id: Id
    does: Literal["append", "read"]
    call: str
    events: list[Id]
    place: Place


class Decision(msgspec.Struct, frozen=True, omit_defaults=True):
    """A decision in a scenario: the command, and the events that it gave or the code that it refused with.

    `by` is the reaction or process that executed it, if one did.
    """

    command: str
    module: str
    gives: list[str] = []
    refused: str | None = None
    by: str | None = None


class Scenario(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A given/when/then that ran in a test and passed."""

    test: str
    title: str
    place: Place
    given: list[str] = []
    decisions: list[Decision] = []
    projects: list[str] = []
    runs: list[str] = []


class RowTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table of plain rows, as `db.table(Customer)`: its fields, the key of its rows, and its built-in events.

    `class_name` is the class of its rows, empty where they are dicts, whose fields nobody declares. `commands` are
    those of Backstory that write it. `captured` is the table of another database that has these rows; no command
    writes them.
    """

    id: Id
    name: str
    class_name: str
    module: str
    doc: str
    place: Place | None
    key: str | None
    unique: list[str]
    fields: list[Field]
    events: list[Id]
    commands: list[str]
    captured: str | None

    @property
    def described(self) -> str:
        """A sentence that says what it is."""
        rows = f"Rows of the class {self.class_name}" if self.class_name else "Rows"
        where = f"{rows} that {self.captured} of another database has" if self.captured else rows
        key = f", by {self.key}" if self.key else ""
        alone = f"; no two have the same {' or '.join(self.unique)}" if self.unique else ""
        return f"{where}{key}{alone}."


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """A slice of the event model, of one of its three kinds, or a table of rows; a column of the diagram.

    - `change`: a command, the states that it decides on, and the events that it gives.
    - `view`: events, and the read model that they make: a projection, or a state that no command reads.
    - `automation`: events, the reaction or process that takes them, and the commands that it gives.
    - `table`: a table of plain rows, which is written and read as it is, with its events.

    `title` is the name in words.
    """

    id: Id
    kind: Literal["change", "view", "automation", "table"]
    title: str
    commands: list[Id]
    events: list[Id]
    reads: list[Id]
    automations: list[Id]
    scenarios: int


class ObservedEdge(msgspec.Struct):
    """How often a command gave an event in the store, and when last. `command` is empty for appends without one."""

    command: str
    event: str
    events: int
    last: int
    last_time: datetime

    @property
    def when(self) -> str:
        """When it did last, in words."""
        return f"last at #{self.last}, {self.last_time:%Y-%m-%d %H:%M}"


class ObservedType(msgspec.Struct):
    """An event type in one version, as the store has it."""

    type: str
    version: int
    events: int
    first: int
    last: int


class Observed(msgspec.Struct, frozen=True):
    """The summary of what a store has seen, up to a position of one of its branches."""

    branch: str
    position: int
    edges: list[ObservedEdge]
    types: list[ObservedType]


def edges_of(one: Command | RowTable, observed: Observed | None) -> list[ObservedEdge]:
    """The events that a store has seen of a command, or of a table of rows, whoever gave them."""
    edges = [] if observed is None else observed.edges
    if isinstance(one, Command):
        return [edge for edge in edges if edge.command == one.name]
    return [edge for edge in edges if f"event:{edge.event}" in one.events]


class Difference(msgspec.Struct, frozen=True):
    """Where the code and the store differ.

    - `undeclared`: a command gave an event that neither its annotation nor its code names.
    - `unknown-command`: the store has commits of a command that the application does not have.
    - `unknown-type`, `unknown-version`: the store has events that no class here reads.
    - `never-observed`: a command is said to give an event, and never did. No fault: it may be new.
    """

    kind: Literal["undeclared", "unknown-command", "unknown-type", "unknown-version", "never-observed"]
    command: str
    event: str
    says: str


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """The event model of an application. `scenarios` and `observed` are None where nobody has looked."""

    format: int = FORMAT
    app: str
    events: list[Event]
    states: list[State]
    commands: list[Command]
    projections: list[Projection]
    reactions: list[Reaction]
    outboxes: list[Outbox]
    inverses: list[Inverse]
    tables: list[RowTable]
    uses: list[CodeUse]
    scenarios: list[Scenario] | None
    slices: list[Slice]
    observed: Observed | None
    differences: list[Difference]

    def element(self, id: Id) -> Any:
        """The element of an id. Raises `KeyError`."""
        return self.elements()[id]

    def elements(self) -> dict[Id, Any]:
        """Every element by its id, slices too."""
        groups: list[list[Any]] = [
            self.events, self.states, self.commands, self.projections, self.reactions, self.outboxes,
            self.inverses, self.tables, self.uses, self.slices,
        ]  # fmt: skip
        return {one.id: one for group in groups for one in group}
