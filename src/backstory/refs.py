"""Every namespace of refs: the beginning of its names, its values, and whether it travels to another store.

Refs are truth. Values that may be dropped at any time, such as snapshots, are in a store's caches. No value that
travels holds a log's number, which means something else in another store.

A ref that stands in no namespace of this list does not travel.
"""

from __future__ import annotations

import os

import msgspec

BRANCH = "branch/"
MARK = "mark/"
SETTLED = "settled/"
REFLOG = "reflog"
LOG = "log/"
CHECKPOINT = "checkpoint/"
PARKED = "parked/"
CONSUMER = "consumer/"
CAPTURED = "captured/"
SETTING = "setting/"
STORE = "store/"

MAIN = "main"
MAIN_REF = f"{BRANCH}{MAIN}"
MAIN_MOVES = f"{SETTING}main-moves"
REACTS = f"{SETTING}reacts"

NEVER_BOTH = {MAIN_MOVES: REACTS, REACTS: MAIN_MOVES}
"""Settings that exclude each other: a reaction to an event cannot be taken back, so the event must stay."""

STORE_ID = f"{STORE}id"
IMPORT_KEY = f"{STORE}import-key"

WITHHELD = f"{STORE}withheld"
"""The mark of a store in memory, or of a SQLite file: how often parts of commits were withheld, and a random part.
There is no such ref before the first time. A process that remembers states compares the mark with the one that it
knows; see `values.commit.Head`."""


def marked_anew(mark: str | None) -> str:
    """The mark `WITHHELD` of a store in which parts are withheld, that had this one before."""
    count = (mark or "").partition("-")[0]
    # With a random part, because a file that was put back counts the same numbers again.
    return f"{int(count) + 1 if count.isdecimal() else 1}-{os.urandom(8).hex()}"


class Namespace(msgspec.Struct, frozen=True):
    """The beginning of the names of some refs; a prefix that does not end with a slash is a whole name."""

    prefix: str
    value: str
    travels: bool

    def has(self, name: str) -> bool:
        """Whether a ref stands in it."""
        return name.startswith(self.prefix) if self.prefix.endswith("/") else name == self.prefix


NAMESPACES = (
    Namespace(
        BRANCH, "the number of the branch's log; its head's position and hash on the way", travels=True
    ),
    Namespace(
        MARK, "JSON, a `history.refs.branches.Mark`: the position and hash of a commit, and why", travels=True
    ),
    Namespace(SETTLED, "JSON, the ids of decisions that merges into the branch left out", travels=True),
    Namespace(REFLOG, "the number of the log that has the changes of branches and marks", travels=False),
    Namespace(LOG, "the number of a log that is no branch, see `adapters.named_log`", travels=False),
    Namespace(
        CHECKPOINT,
        "JSON, a `reactions.keep.Checkpoint`: how far a consumer of events has come",
        travels=False,
    ),
    Namespace(PARKED, "JSON, a `reactions.keep.Parked`: an event that a consumer keeps back", travels=False),
    Namespace(
        CONSUMER,
        "until when a consumer of a subscription is there",
        travels=False,
    ),
    Namespace(
        CAPTURED,
        "JSON, a `stores.recorded.Recorded`: the capture that alone writes the table of this name",
        travels=False,
    ),
    Namespace(SETTING, "a text, a decision of the owner of this store", travels=False),
    Namespace(STORE, "text that is this store's own, see `local`", travels=False),
)


def travels(name: str) -> bool:
    """Whether a ref goes with the history when that is copied to another store."""
    return any(namespace.travels and namespace.has(name) for namespace in NAMESPACES)
