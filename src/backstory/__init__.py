"""A database for Python that works like Git: every change is an immutable event, and history is yours to question.

connect, Database                   open a store, and the verbs on it; backstory.aio has the same for async code
Event, Tag, Tagged, upcast          facts, the tags by which they are found, and old versions of them
register, Unknown                   classes of other libraries as events; events that no class here can read
State, Latest, invariant            folds over events
command, Command, Refused, depends  decisions; backstory.testing has given(...).when(...).then(...)
Now, Author, NewId, Random          inputs of a decision, which are provided
Query, Condition, Conflict          the events that matter to a decision, and what happened meanwhile
Projection, Tx                      tables that follow from events, and the transaction in which they are written
Materialized                        a table of all states of a class, for db.find
reaction, Delivery, Policy          code that runs once for each event, and gives commands
Process, react, Step                states that react; Deadline, Cancel, Due
Table                               plain rows with a history, which db.table gives
RowInserted, RowChanged, RowDeleted what happened to a row
Record, reverts                     an event in its place; how it is undone
MergeConflict, Options              a merge that needs an answer, and the answer
check_proof                         that an event is in a history of which somebody has kept the head
Personal, Secret, Subject           marks on fields that not everybody may see; personal_shown
shown                               an event or a state as plain data for JSON, with its marked parts masked
BackstoryError                      the root of all errors in backstory.errors
ClearTextWarning, BlockingWarning   marked fields that are stored in clear text; a coroutine that blocks its loop
ReactionWarning                     a store without the right to react
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backstory import adapters as adapters
    from backstory import aio as aio
    from backstory import errors as errors
    from backstory import testing as testing
    from backstory.database import Database, connect
    from backstory.decide.call import Command
    from backstory.decide.commands import command
    from backstory.decide.inputs import Author, NewId, Now, Random, provided
    from backstory.decide.invariants import invariant
    from backstory.decide.latest import Latest
    from backstory.decide.parameters import depends
    from backstory.decide.state import State
    from backstory.errors import (
        BackstoryError,
        BlockingWarning,
        ClearTextWarning,
        Conflict,
        MergeConflict,
        ReactionWarning,
        Refused,
    )
    from backstory.history.check.proof import check_proof
    from backstory.history.compare.jsonable import shown
    from backstory.history.merge.merge import Options
    from backstory.history.merge.revert import reverts
    from backstory.projections.materialize import Materialized
    from backstory.projections.projection import Projection
    from backstory.reactions.declare import Delivery, Policy, reaction
    from backstory.reactions.process import Cancel, Deadline, Due, Process, Step, react
    from backstory.rows.events import RowChanged, RowDeleted, RowInserted
    from backstory.store import Record
    from backstory.table import Table
    from backstory.tables import Transaction as Tx
    from backstory.values.event import Event, Subject, Tag, Unknown, upcast
    from backstory.values.event_types import register
    from backstory.values.fields import Tagged
    from backstory.values.masking import personal_shown
    from backstory.values.privacy import Personal, Secret
    from backstory.values.query import Condition, Query

__all__ = [
    "Author",
    "BackstoryError",
    "BlockingWarning",
    "Cancel",
    "ClearTextWarning",
    "Command",
    "Condition",
    "Conflict",
    "Database",
    "Deadline",
    "Delivery",
    "Due",
    "Event",
    "Latest",
    "Materialized",
    "MergeConflict",
    "NewId",
    "Now",
    "Options",
    "Personal",
    "Policy",
    "Process",
    "Projection",
    "Query",
    "Random",
    "ReactionWarning",
    "Record",
    "Refused",
    "RowChanged",
    "RowDeleted",
    "RowInserted",
    "Secret",
    "State",
    "Step",
    "Subject",
    "Table",
    "Tag",
    "Tagged",
    "Tx",
    "Unknown",
    "check_proof",
    "command",
    "connect",
    "depends",
    "invariant",
    "personal_shown",
    "provided",
    "react",
    "reaction",
    "register",
    "reverts",
    "shown",
    "upcast",
]

_HOMES = {
    "Author": "decide.inputs",
    "BackstoryError": "errors",
    "BlockingWarning": "errors",
    "Cancel": "reactions.process",
    "ClearTextWarning": "errors",
    "Command": "decide.call",
    "Condition": "values.query",
    "Conflict": "errors",
    "Database": "database",
    "Deadline": "reactions.process",
    "Delivery": "reactions.declare",
    "Due": "reactions.process",
    "Event": "values.event",
    "Latest": "decide.latest",
    "Materialized": "projections.materialize",
    "MergeConflict": "errors",
    "NewId": "decide.inputs",
    "Now": "decide.inputs",
    "Options": "history.merge.merge",
    "Personal": "values.privacy",
    "Policy": "reactions.declare",
    "Process": "reactions.process",
    "Projection": "projections.projection",
    "Query": "values.query",
    "Random": "decide.inputs",
    "ReactionWarning": "errors",
    "Record": "store",
    "Refused": "errors",
    "RowChanged": "rows.events",
    "RowDeleted": "rows.events",
    "RowInserted": "rows.events",
    "Secret": "values.privacy",
    "State": "decide.state",
    "Step": "reactions.process",
    "Subject": "values.event",
    "Table": "table",
    "Tag": "values.event",
    "Tagged": "values.fields",
    "Tx": "tables",
    "Unknown": "values.event",
    "check_proof": "history.check.proof",
    "command": "decide.commands",
    "connect": "database",
    "depends": "decide.parameters",
    "invariant": "decide.invariants",
    "personal_shown": "values.masking",
    "provided": "decide.inputs",
    "react": "reactions.process",
    "reaction": "reactions.declare",
    "register": "values.event_types",
    "reverts": "history.merge.revert",
    "shown": "history.compare.jsonable",
    "upcast": "values.event",
}

_CALLED = {"Tx": "Transaction"}
"""Names that are shorter here than at home."""


_MODULES = ("adapters", "aio", "errors", "testing")


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for: the command line must not wait for modules it does not use."""
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        module = import_module(__name__)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=module)
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), _CALLED.get(name, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, imported or not."""
    return [*__all__, *_MODULES, "__all__", "__doc__", "__file__", "__name__", "__path__"]
