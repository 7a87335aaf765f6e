"""Values from the outside world: the time, new commit ids, and secrets. Also ids that follow from other values.

New ids are UUIDs of version 7, which sort by the time they were made (RFC 9562, section 5.7). An id that follows from
something, such as a source's own id, has a form that is reserved for the library: `backstory.<kind>.<name>`.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from datetime import UTC, datetime

from backstory.forks import load_before_fork, on_fork
from backstory.values import digest
from backstory.values.event_data import RESERVED

ID_LIMIT = 200
"""The longest commit id, in characters."""

GIT = "git"
"""The kind of the ids that follow from Git's hashes."""

REACTION = "reaction"
"""The kind of the ids of commits whose commands reactions gave."""

DEADLINE = "due"
"""The kind of the ids of commits that say that a deadline has come."""

IMPORTS = (GIT, "csv", "jsonl", "xes", "cloudevents")
"""The kinds of the ids of commits that were imported, each named after its format."""

_guard = threading.Lock()
_last = 0


def _begin() -> None:
    """Begin anew in a child: else it would give the same ids as its parent if the clock was put back."""
    global _guard, _last
    _guard, _last = threading.Lock(), 0


on_fork(child=_begin)
if sys.version_info >= (3, 14):
    load_before_fork("uuid")

_FIXED = 0xF << 76 | 0b11 << 62
"""Of the 128 bits of an id, those that say version and variant. 48 are the milliseconds, and 74 count, beginning at
random."""

_VERSION_7 = 7 << 76 | 0b10 << 62
"""These bits for version 7."""


def now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """A new UUIDv7 as text of 36 characters; within a process each sorts after the one before, also across threads."""
    global _last  # noqa: PLW0603 - the last id is a fact of the process
    if sys.version_info >= (3, 14):
        import uuid

        return str(uuid.uuid7())
    fresh = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10))
    with _guard:
        # The next one counts past the fixed bits: with each of them 1, a carry goes through.
        value = max(fresh | _FIXED, (_last | _FIXED) + 1 | _FIXED) ^ _FIXED | _VERSION_7
        _last = value
    digits = value.to_bytes(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def new_secret() -> bytes:
    """The secret of a commit: 16 random bytes."""
    return os.urandom(16)


def kind_of(id: str) -> str:
    """The kind of an id that follows from something; empty for any other id."""
    return id.removeprefix(RESERVED).partition(".")[0] if id.startswith(RESERVED) else ""


def derived(kind: str, name: str) -> str:
    """The commit id of this kind that follows from a name. One that would be too long ends with a digest of itself."""
    id = f"{RESERVED}{kind}.{name}"
    if len(id) <= ID_LIMIT:
        return id
    full = digest.sha256(id.encode()).hexdigest()
    return id[: ID_LIMIT - len(full)] + full
