"""Verification: whether a history fits together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backstory.history.check.proof import Proven
    from backstory.history.check.snapshots import Kept
    from backstory.history.check.verify import Verification
    from backstory.projections.check import Checked


def verification_document(
    report: Verification,
    branch: str,
    snapshots: Kept | None = None,
    projections: Sequence[Checked] | None = None,
) -> dict[str, Any]:
    """The report about a store and a branch, and about snapshots and tables of projections if they were compared."""
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
        "projections": None
        if projections is None
        else [{"name": each.name, "position": each.position, "rows": each.rows} for each in projections],
    }


def proven_document(proven: Proven) -> dict[str, Any]:
    """The statements of a proof that holds. Its data is the stored JSON, or null where it is not shown."""
    return {
        "proven": True,
        "problem": None,
        "event": {
            "type": proven.type,
            "version": proven.version,
            "tags": proven.tags,
            "data": None if proven.data is None else msgspec.Raw(proven.data),
        },
        "commit": {"id": proven.id, "authored": proven.authored, "parts": proven.parts},
        "head": proven.head.hex(),
    }
