"""What a folder remembers of a store, as Git does in HEAD: the branch that one is on, and a merge that waits.

It is the file `.backstory`, in this folder or the nearest above that has one: JSON, by the store's address. The library
knows nothing of it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec

from backstory.cli.exits import UsageError
from backstory.cli.place import MEMORY, is_url, remembered
from backstory.stores import shown

Way = Literal["redecide", "skip", "force"]
Policy = Literal["allow", "overlap", "refuse"]
"""As in `backstory.history.replay`, which is not loaded for them."""


class Pending(msgspec.Struct, omit_defaults=True):
    """A merge, rebase or cherry-pick that met a conflict: what was asked for, and what has been chosen so far."""

    verb: str
    source: str
    target: str
    way: Way | None = None
    ways: dict[str, Way] = {}
    unconditioned: Policy = "allow"
    message: str = ""


class Memory(msgspec.Struct, omit_defaults=True):
    """What is remembered of one store."""

    branch: str = "main"
    previous: str = ""
    pending: Pending | None = None


def recall(address: str) -> Memory:
    """What this folder remembers of a store; raises `UsageError` where the file is no such file."""
    path = remembered()
    return Memory() if path is None else _all(Path(path)).get(_key(address)) or Memory()


def remember(address: str, memory: Memory) -> None:
    """Write it down; the file goes away when there is nothing in it any more."""
    path = Path(remembered() or MEMORY)
    known = _all(path) if path.is_file() else {}
    known.pop(_key(address), None)
    if memory != Memory():
        known[_key(address)] = memory
    if not known:
        path.unlink(missing_ok=True)
        return
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_bytes(msgspec.json.format(msgspec.json.encode(known), indent=2) + b"\n")
    part.replace(path)


def _key(address: str) -> str:
    """The store's address, the same from whichever folder it is named, and without a password."""
    path = address.removeprefix("sqlite:///")
    return shown(path) if is_url(path) else str(Path(path).resolve())


def _all(path: Path) -> dict[str, Memory]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Memory])
    except msgspec.MsgspecError as wrong:
        raise UsageError(
            f"{path} is not what `backstory switch` writes ({wrong}); delete it to be on main again"
        ) from None
