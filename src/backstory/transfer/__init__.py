"""Moving history in and out: Git, CSV, XES, CloudEvents, history tables, and Backstory's own JSON Lines.

A *source* is an iterator of entries (drafts with their place in the source), of rejects, and of counts of entries that
the log has already. One loader takes any source into any log: `load(log, read_git("."))`. `clone` copies the branches
and marks of a store into another one.
"""

from __future__ import annotations

from backstory.transfer.clone import Cloned, clone
from backstory.transfer.export import cloudevent_lines, own_lines
from backstory.transfer.formats.audit import Asked, read_audit, read_debezium
from backstory.transfer.formats.columns import Columns, Reading
from backstory.transfer.formats.git import read_git
from backstory.transfer.formats.jsonl import read_jsonl
from backstory.transfer.formats.table import read_csv
from backstory.transfer.formats.xes import read_xes
from backstory.transfer.load import LoadReport, load
from backstory.transfer.order import by_time
from backstory.transfer.source import Entry, InputFile, Known, Rejected, open_input
from backstory.transfer.typed import checked

__all__ = [
    "Asked",
    "Cloned",
    "Columns",
    "Entry",
    "InputFile",
    "Known",
    "LoadReport",
    "Reading",
    "Rejected",
    "by_time",
    "checked",
    "clone",
    "cloudevent_lines",
    "load",
    "open_input",
    "own_lines",
    "read_audit",
    "read_csv",
    "read_debezium",
    "read_git",
    "read_jsonl",
    "read_xes",
]
