"""The next step for a projection or a reaction that does not run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.projections.catalog import DIVERGED, PAUSED, STOPPED
from backstory.told import pasted, plain

if TYPE_CHECKING:
    from backstory.projections.operate import Standing


def remedy(each: Standing) -> str:
    """Why it does not run, and the command line that lets it go on; empty if it runs."""
    if each.state == STOPPED:
        return f"{plain(each.why)}; when the code is mended: {pasted('resume', each.name)}"
    if each.state == DIVERGED and each.kind in ("inline", "background"):
        return f"{plain(each.why)}; to make its tables anew: {pasted('rebuild', each.name)}"
    if each.state == PAUSED:
        return f"it is paused; to let it go on: {pasted('resume', each.name)}"
    return plain(each.why)
