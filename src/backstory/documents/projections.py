"""Where projections and reactions stand, and the events that they keep back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from backstory.projections.catalog import Parked
    from backstory.projections.operate import Standing


def projections_document(found: Iterable[Standing]) -> dict[str, Any]:
    """Where each stands, in order."""
    return {"projections": [msgspec.structs.asdict(one) for one in found]}


def parked_document(name: str, events: Iterable[Parked], applied: int = 0) -> dict[str, Any]:
    """The events that one keeps back or leaves out, and how many were just tried again."""
    found = [msgspec.structs.asdict(one) for one in events]
    return {"projection": name, "applied": applied, "events": found}
