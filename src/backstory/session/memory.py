"""A folder's memory of a store, as Git's HEAD: the branch that the folder is on, and a merge that is unfinished.

It is the file `.backstory`, in this folder or the nearest above that has one: JSON, by the address of the store.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from backstory.errors import SessionError
from backstory.outfile import written
from backstory.session.project import nearest
from backstory.stores import scheme_of, shown

FILE = ".backstory"
"""The name of the file."""

Resolution = Literal["redecide", "skip", "force"]
Policy = Literal["allow", "overlap", "refuse"]
"""As in `backstory.history.merge.replay`, which is not loaded for them."""


class Pending(msgspec.Struct, omit_defaults=True):
    """A merge, rebase or cherry-pick that met a conflict: the request, and the answers so far."""

    verb: str
    source: str
    target: str
    resolution: Resolution | None = None
    resolutions: dict[str, Resolution] = {}
    unconditioned: Policy = "allow"
    message: str = ""


class Memory(msgspec.Struct, omit_defaults=True):
    """The memory of one store."""

    branch: str = "main"
    previous: str = ""
    pending: Pending | None = None


def recall(folder: str, address: str) -> Memory:
    """A folder's memory of a store. Raises `SessionError` if the file has another form."""
    path = nearest(folder, FILE)
    return Memory() if path is None else _all(Path(path)).get(_key(folder, address)) or Memory()


def remember(folder: str, address: str, memory: Memory) -> None:
    """Write it down; the file goes away when there is nothing in it any more."""
    path = Path(nearest(folder, FILE) or Path(folder, FILE))
    known = _all(path) if path.is_file() else {}
    known.pop(_key(folder, address), None)
    if memory != Memory():
        known[_key(folder, address)] = memory
    if not known:
        path.unlink(missing_ok=True)
        return
    with written(str(path)) as file:
        file.write(msgspec.json.format(msgspec.json.encode(known), indent=2) + b"\n")


def _key(folder: str, address: str) -> str:
    """The address of the store, the same from whichever folder it is named, and without a password."""
    path = address.removeprefix("sqlite:///")
    return shown(path) if scheme_of(path) else str(Path(folder, path).resolve())


def _all(path: Path) -> dict[str, Memory]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Memory])
    except msgspec.MsgspecError as wrong:
        raise SessionError(
            f"{path} is not a file of `backstory switch` ({wrong}); delete it to be on main again"
        ) from None
