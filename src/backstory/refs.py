"""Every namespace of refs: what its names begin with, what its values are, and whether it travels to another store.

A ref that stands in no namespace of this list does not travel.
"""

from __future__ import annotations

import msgspec

BRANCH = "branch/"
MARK = "mark/"
REFLOG = "reflog"
SNAPSHOT = "snapshot/"
STORE = "store/"

STORE_ID = f"{STORE}id"
IMPORT_KEY = f"{STORE}import-key"


class Namespace(msgspec.Struct, frozen=True):
    """What the names of some refs begin with; a prefix that does not end with a slash is a whole name."""

    prefix: str
    value: str
    travels: bool

    def has(self, name: str) -> bool:
        """Whether a ref stands in it."""
        return name.startswith(self.prefix) if self.prefix.endswith("/") else name == self.prefix


NAMESPACES = (
    Namespace(BRANCH, "JSON, the numbers of the logs that the branch is made of", travels=True),
    Namespace(MARK, "JSON, a `history.branches.Mark`", travels=True),
    Namespace(REFLOG, "the number of the log that tells what happened to branches and marks", travels=True),
    Namespace(SNAPSHOT, "JSON, a `snapshots.Snapshot`: a cache", travels=False),
    Namespace(STORE, "text that is this store's own, see `local`", travels=False),
)


def travels(name: str) -> bool:
    """Whether a ref goes with the history when that is copied to another store."""
    return any(namespace.travels and namespace.has(name) for namespace in NAMESPACES)
