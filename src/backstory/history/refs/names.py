"""Names: the branches and marks that name a commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backstory.history.refs.branches import Branches


def names(branches: Branches, current: str) -> dict[bytes, list[str]]:
    """Branches and marks by the hash that they name; the branch `current`, that one is on, comes first."""
    found: dict[bytes, list[str]] = {}
    for branch in branches.all():
        mine = branch.name == current
        known = found.setdefault(branches.view(branch.chain).head().hash, [])
        known.insert(0 if mine else len(known), f"HEAD -> {branch.name}" if mine else branch.name)
    for mark in branches.marks():
        found.setdefault(bytes.fromhex(mark.hash), []).append(f"mark: {mark.name}")
    return found
