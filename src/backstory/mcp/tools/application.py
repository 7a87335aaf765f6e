"""Tools about the application: its event model, what is wrong with it, its read models, and the guide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from backstory import guide as pages
from backstory import operating
from backstory.documents import document
from backstory.documents.projections import projections_document
from backstory.errors import InputError
from backstory.likeness import did_you_mean
from backstory.mcp.tool import Answer, Arguments, Listed, Paged, Short, Tool, offset
from backstory.model.check import check as checked
from backstory.model.check import silences_of
from backstory.model.check.report import check_document
from backstory.schema import lock as locks
from backstory.values.masking import WITHHELD

if TYPE_CHECKING:
    from backstory.mcp.served import Served
    from backstory.model import Model

Part = Literal[
    "slices", "events", "states", "commands", "projections", "reactions", "outboxes", "inverses", "tables", "uses",
    "scenarios", "observed", "differences",
]  # fmt: skip


SEEN = ("observed", "differences", "tables")
"""The parts that say what the store has seen, or that the store may have alone."""


class ModelArguments(Paged, kw_only=True):
    """The arguments of `model`."""

    part: Annotated[
        Part,
        Meta(
            description=(
                "What to list. `slices` is the overview: each step of the application with its command, events and"
                " read models. `observed`: which command gave which events in the store, and how often."
            )
        ),
    ] = "slices"
    id: Annotated[
        Short | None,
        Meta(description="One element whole, instead of a list: command:withdraw, event:Paid."),
    ] = None


def model(served: Served, asked: ModelArguments) -> Answer:
    """The event model of the application, a part at a time."""
    found = served.model(seen=asked.part in SEEN)
    if asked.id is not None:
        known = found.elements()
        if asked.id not in known:
            named = did_you_mean(asked.id, known, "list a part, such as commands, for the ids")
            raise InputError(f"{found.app} has no element {asked.id!r}; {named}")
        return document("element", element=msgspec.to_builtins(known[asked.id]))
    fields: dict[str, Any] = {"app": found.app, "format": found.format, "counts": _counts(found)}
    if asked.part == "observed":
        seen = found.observed
        fields["position"] = None if seen is None else seen.position
        entries = [] if seen is None else [*seen.edges, *seen.types]
    else:
        entries = getattr(found, asked.part) or []
    listed = [msgspec.to_builtins(each) for each in entries]
    return Listed("model", asked.part, offset(listed, asked.cursor), fields)


def _counts(found: Model) -> dict[str, int | None]:
    parts = (
        "slices",
        "events",
        "states",
        "commands",
        "projections",
        "reactions",
        "outboxes",
        "tables",
        "scenarios",
    )
    return {part: None if (each := getattr(found, part)) is None else len(each) for part in parts}


class CheckArguments(Paged, kw_only=True):
    """The arguments of `check`."""


def check(served: Served, asked: CheckArguments) -> Listed:
    """The findings: parts that are missing, in vain or drifted in the event model."""
    path = served.folder / locks.NAME
    lock = locks.read(path) if path.exists() else None
    silences = [] if served.settings is None else silences_of(served.settings[1], served.settings[0])
    done = checked(served.model(seen=True), served.application, lock=lock, silences=silences)
    fields = check_document(served.application.name, done)
    return Listed("check", "findings", offset(fields.pop("findings"), asked.cursor), fields)


class ProjectionsArguments(Paged, kw_only=True):
    """The arguments of `projections`."""

    names: Annotated[tuple[Short, ...], Meta(description="Only these. Default: all of the application.")] = ()


def projections(served: Served, asked: ProjectionsArguments) -> Listed:
    """Where each read model and each reaction stands. What it says of an event is for those who see every event."""
    db = served.whole
    found = operating.chosen(served.application, db.views, db.store, asked.names)
    standings = operating.standings(found, db.views, db.store, db.branches.clock())
    if not served.scope.is_whole:
        standings = [replace(each, why=WITHHELD if each.why else each.why) for each in standings]
    listed = projections_document(standings)["projections"]
    return Listed("projections", "projections", offset(listed, asked.cursor), {})


class GuideArguments(Arguments, kw_only=True):
    """The arguments of `guide`."""

    topic: Annotated[
        Literal["model", "decide", "view", "automate", "evolve", "test", "debug", "when-not"] | None,
        Meta(description="The page. Without one, the pages are listed."),
    ] = None


def guide(_: Served, asked: GuideArguments) -> dict[str, Any]:
    """A page of the guide, or the list of pages."""
    if asked.topic is not None:
        return document("topic", **pages.topic(asked.topic)._asdict())
    listed = [{"name": one.name, "title": one.title, "summary": one.summary} for one in pages.topics()]
    return document("topics", topics=listed)


TOOLS = (
    Tool(
        "model",
        "Show the event model",
        """Show what the application can do: its slices (steps), events, states, commands, read models and reactions,
each with file and line, who gives it, who reads it, and how a command may refuse; and what the store has seen.

Begin here with an application that you do not know. Examples: {} for the slices; {"part": "commands"};
{"id": "command:withdraw"} for one element whole; {"part": "differences"} for where code and store differ.""",
        ModelArguments,
        model,
    ),
    Tool(
        "check",
        "Check the event model",
        """Find what is missing, in vain or drifted in the event model: events that nobody reads or gives, refusals
without a scenario, reactions without an end, boundaries that are too wide, stored types that no class knows. Each
finding has file and line, why it matters and how to mend it.

Run it after you changed code, and before you are done. Example: {}.""",
        CheckArguments,
        check,
    ),
    Tool(
        "projections",
        "Show where read models stand",
        """Show where each projection, reaction and outbox stands: how far behind it is, whether it runs, is stopped by
an event or diverged, and how many events it keeps back.

Look here when a list is out of date or a mail was not sent. Example: {}.""",
        ProjectionsArguments,
        projections,
    ),
    Tool(
        "guide",
        "Read the guide",
        """Read how something is done with the installed version of Backstory, with code that was run: model a slice,
write a decision, a read model or an automation, change a published event, test, debug, and when not to use it.

Read the page before you write code. Examples: {} for the list; {"topic": "decide"}.""",
        GuideArguments,
        guide,
    ),
)
