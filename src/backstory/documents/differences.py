"""Differences of states, and the points that they lie between."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from backstory.documents import document
from backstory.documents.states import reference_document

if TYPE_CHECKING:
    from backstory.decide.state import State
    from backstory.history.ask.diff_all import Changed
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


def state_diff_document(span: Range, reference: State, difference: Difference) -> dict[str, Any]:
    """The difference of one state between two points."""
    return document(
        "diff",
        **reference_document(reference),
        **ends_document(span),
        **difference_document(difference),
        differs=bool(difference),
    )


def states_diff_document(span: Range, found: Iterable[Changed]) -> dict[str, Any]:
    """The difference of every state of a kind between two points."""
    states = [
        {**reference_document(each.reference), **difference_document(each.difference)} for each in found
    ]
    return document("diff", **ends_document(span), states=states, differs=bool(states))


def events_diff_document(
    span: Range, removed: Iterable[dict[str, Any]], added: Iterable[dict[str, Any]]
) -> dict[str, Any]:
    """The commits that only one of two points has, as documents."""
    lists = {"removed": list(removed), "added": list(added)}
    return document("diff", **ends_document(span), **lists, differs=any(lists.values()))


def ends_document(span: Range) -> dict[str, Any]:
    """The two points of a range."""
    return {"a": _point(span.start), "b": _point(span.end)}


def _point(point: Point) -> dict[str, Any]:
    return {
        "position": point.position,
        "hash": None if point.commit is None else point.commit.hash.hex(),
    }
