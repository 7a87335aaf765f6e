"""Whether anything still needs a log, so that it must not be dropped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from backstory.refs import BRANCH, LOG, MARK, REFLOG
from backstory.values.commit import Head


class _Marked(msgspec.Struct):
    """The commit that a mark names."""

    position: int
    hash: str


def needed_by(
    number: int,
    refs: Mapping[str, str],
    origins: Mapping[int, Head],
    holding: Callable[[int, bytes], Sequence[int]],
) -> str | None:
    """The reason why a log is needed: a ref names it, a log stands on a commit of it, or a mark on one only it has.

    Another log may have the commit that a log stands on, too. But a process that has a branch open found its chain
    once, and reads there. `origins` has every log of the store, `holding` is that of `Store`.
    """

    for name, value in refs.items():
        if (name == REFLOG or name.startswith((BRANCH, LOG))) and value == str(number):
            return f"the ref {name}"
        if name.startswith(MARK):
            try:
                mark = msgspec.json.decode(value, type=_Marked)
                needed = list(holding(mark.position, bytes.fromhex(mark.hash))) == [number]
            except (msgspec.MsgspecError, ValueError):
                needed = True  # nobody can say which commit a damaged mark names
            if needed:
                return f"the ref {name}"
    for other, origin in origins.items():
        if other != number and number in holding(origin.position, origin.hash):
            return f"log {other}"
    return None
