"""Verification: whether a history fits together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backstory.history.check.snapshots import Kept
    from backstory.history.check.verify import Verification


def verification_document(report: Verification, branch: str, snapshots: Kept | None = None) -> dict[str, Any]:
    """The report about a store and a branch, and about snapshots if they were compared."""
    return {
        "sound": report.sound,
        "commits": report.commits,
        "events": report.events,
        "others": report.others,
        "branch": branch,
        "position": None if report.head is None else report.head.position,
        "head": None if report.head is None else report.head.hash.hex(),
        "problems": report.problems,
        "snapshots": None
        if snapshots is None
        else {"compared": snapshots.compared, "passed_over": snapshots.passed_over},
    }
