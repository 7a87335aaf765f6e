"""A process that writes until it is killed: `python -m tests.reliability.writer PATH NAME`, from the checkout.

It prints `id position` of every commit once `append` has returned; what it printed, it was promised.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from itertools import count

from backstory.stores.sqlite import SqliteStore
from backstory.values.commit import draft
from backstory.values.event_data import encoded
from backstory.values.query import Condition, Query

HOT = Query.of(tags=["hot:1"])
"""Every commit relies on this, so that each must be decided on the one before."""


def main(path: str, name: str, most: int) -> None:
    """Append conditional batches of one or two commits, at most `most`, and say which went in."""
    store = SqliteStore(path)
    log = store.log()
    done = 0
    for turn in count():
        after = log.head().position
        sizes = [1 + turn % 3, 1 + turn % 70] if turn % 5 == 0 else [1 + turn % 4]
        batch = []
        for part, size in enumerate(sizes):
            data = b'{"turn":%d,"of":%d}' % (turn, size)
            events = [encoded("Wrote", data, ("hot:1", f"writer:{name}")) for _ in range(size)]
            batch.append(
                draft(
                    events,
                    id=f"{name}-{turn}-{part}",
                    time=datetime.now(UTC),
                    condition=Condition(HOT, after),
                )
            )
        [verdict] = log.append([batch])
        if isinstance(verdict, tuple):
            print(*(f"{commit.id} {commit.position}" for commit in verdict), sep="\n", flush=True)
            done += 1
            if done == most:
                break
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
