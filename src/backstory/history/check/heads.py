"""A head that somebody kept: a line to write down today, which shows later whether history was cut off or replaced.

A commit's hash covers its parent's, and so everything before it. A person who can write a store can make all of its
hashes anew, or take its last commits away, and the store is sound; but then its heads are others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from backstory.errors import UnknownRevision
from backstory.lookup import commit_at, has_commit
from backstory.store import Log
from backstory.values.commit import NO_HASH, Head

WRITTEN = re.compile(r"(?:(\d{1,18})-)?([0-9a-fA-F]{64})")


class KeptHead(msgspec.Struct, frozen=True):
    """The hash of a commit that was the head once, and its position, if that was kept too."""

    hash: bytes
    position: int | None = None

    def __str__(self) -> str:
        return self.hash.hex()[:10] if self.position is None else f"#{self.position}"


def written(head: Head) -> str:
    """A head as one writes it down: position and hash."""
    return f"{head.position}-{head.hash.hex()}"


def kept(text: str) -> KeptHead:
    """The head that was written down: a whole hash, or a position and a hash. Raises `UnknownRevision`.

    The beginning of a hash is not enough: another commit with the same beginning can be made on purpose.
    """
    match = WRITTEN.fullmatch(text.strip())
    if match is None:
        raise UnknownRevision(
            text,
            "a head is kept as its position and hash, or its hash alone, in 64 hex digits, as verify prints it",
        )
    position, hash = match.groups()
    return KeptHead(bytes.fromhex(hash), None if position is None else int(position))


def head_problems(log: Log, head: Head, named: str, last: KeptHead) -> Iterator[str]:
    """Whether a log that ends at `head` ends with the head that was kept: nothing is gone, other, or new."""
    if last.hash == head.hash and last.position in (None, head.position):
        return
    missing = list(since_problems(log, head, named, last))
    yield from missing or [f"{named} has commits after the kept head {last}, up to #{head.position}"]


def since_problems(log: Log, head: Head, named: str, since: KeptHead) -> Iterator[str]:
    """Whether a log that ends at `head` still has the head that was kept, at the same place."""
    if since.position is None:
        if since.hash != NO_HASH and not has_commit(log, since.hash):
            yield (
                f"{named} has no commit with the hash of the kept head {since}: its last commits were cut off, or"
                " history was replaced"
            )
    elif since.position > head.position:
        yield (
            f"{named} ends at #{head.position}, before the kept head {since}: its last commits were cut off, or this"
            " is an older copy"
        )
    elif hash_at(log, since.position) != since.hash:
        yield f"{named} has another commit at {since} than the kept head: history was replaced"


def hash_at(log: Log, position: int) -> bytes | None:
    """The hash of the commit that ends at a position up to the head, None inside of one."""
    if position == 0:
        return NO_HASH
    commit = commit_at(log, position)
    return commit.hash if commit.position == position else None
