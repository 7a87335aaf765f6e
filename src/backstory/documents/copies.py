"""The result of a clone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backstory.transfer.clone import Cloned


def clone_document(report: Cloned, source: str, target: str) -> dict[str, Any]:
    """The document of a clone between these addresses."""
    return {
        "source": source,
        "target": target,
        "branches": report.branches,
        "marks": report.marks,
        "commits": report.commits,
        "events": report.events,
        "known": report.known,
        "position": report.head.position,
        "head": report.head.hash.hex(),
    }
