"""Differences of states, and the points that they lie between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backstory.history.compare.diff import Difference
    from backstory.history.refs.revision import Point, Range


def changes_document(difference: Difference) -> list[dict[str, Any]]:
    """The changes, part by part."""
    return [
        {"kind": change.kind, "path": change.pointer, "before": change.before, "after": change.after}
        for change in difference.masked().changes
    ]


def difference_document(difference: Difference) -> dict[str, Any]:
    """A difference: the value before, the value after, and the changes from one to the other."""
    difference = difference.masked()
    return {
        "before": difference.before,
        "after": difference.after,
        "changes": changes_document(difference),
        "counts": difference.counts,
    }


def ends_document(span: Range) -> dict[str, Any]:
    """The two points of a range."""
    return {"a": _point(span.start), "b": _point(span.end)}


def _point(point: Point) -> dict[str, Any]:
    return {
        "position": point.position,
        "hash": None if point.commit is None else point.commit.hash.hex(),
    }
