"""The proof of an event, as a page and as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from backstory.history.check.proof import is_marked, prove
from backstory.web.ask import Ask, BadParameter, NotFound
from backstory.web.page import Page

if TYPE_CHECKING:
    from backstory.line import Line
    from backstory.values.commit import Commit

PROVEN = 1_000_000
"""Positions between an event and the head of its proof, which has 75 bytes for each commit there."""


def proof_of(ask: Ask, line: Line, commit: Commit) -> Page:
    """The proof of an event, for the history that is looked at. Raises `NotFound`, `BadParameter`, `ProofError`."""
    if not ask.reader.scope.is_whole:
        raise NotFound("a proof tells of parts that you do not see")
    place = ask.number("proof")
    if place is None or not 1 <= place <= commit.size:
        raise BadParameter(f"proof is the number of an event, from 1 to {commit.size:,}")
    log = line.stored
    is_here = ask.point.chain == line.chain and ask.position >= commit.position
    head = ask.point.commit.point if is_here and ask.point.commit is not None else log.head()
    if head.position - commit.position > PROVEN:
        raise BadParameter(
            f"the proof would lead over {head.position - commit.position:,} events to #{head.position};"
            " name an earlier head with at=, such as a mark"
        )
    hides = is_marked(log, commit, place)
    made = prove(log, commit, place, head, data=not hides)
    return Page(
        "proof.html",
        f"Proof of #{commit.first + place - 1}",
        msgspec.to_builtins(made),
        (
            "prove",
            f"#{commit.first + place - 1}",
        ),
        {
            "text": made.json().decode(),
            "number": commit.first + place - 1,
            "head": f"{head.position}-{head.hash.hex()}",
            "hides": hides,
        },
    )
