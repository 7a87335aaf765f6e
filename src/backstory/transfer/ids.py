"""Ids of imported commits: the same source gives the same ids in one store, and an id tells nothing of the data.

A name that is random, or that the source's format defines, stands in the id as it is. All else is data, also a column
that tells rows apart: it goes through an HMAC, under a key that only this store has (`local.import_key`). A digest is
not enough: a digest of a value that can be guessed, such as an e-mail address, gives the value away.
"""

from __future__ import annotations

import hmac
import re
from collections import deque
from collections.abc import Hashable

import msgspec

from backstory.values.event_data import RESERVED
from backstory.values.ids import derived

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1467][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
"""A UUID that was made of a time or of chance. Those of the versions 3 and 5 are digests of a name."""

KEYED = tuple(f"{RESERVED}{kind}." for kind in ("audit", "csv", "jsonl", "xes"))
"""How ids begin that `KeyedIds` gives."""

REMEMBERED = 100_000
"""Records that are remembered to tell equal ones apart."""

_json = msgspec.json.Encoder().encode


class KeyedIds:
    """Ids of one kind that follow from data, under the key of the store that the data goes into."""

    def __init__(self, kind: str, key: bytes) -> None:
        self.kind = kind
        self._key = key

    def of(self, *parts: object) -> str:
        """The id that follows from these parts."""
        return derived(self.kind, self.digest(*parts))

    def timed(self, micros: int, *parts: object) -> str:
        """The same, but the id begins with its time, as a UUIDv7 does.

        History is imported by time, so a store's index of ids grows at its end, where random ids would touch a page
        each.
        """
        return derived(self.kind, f"{max(micros // 1000, 0):012x}{self.digest(*parts)[:20]}")

    def named(self, name: str, *scope: str) -> str:
        """The id of a record with this name within a scope: the name itself if it is a UUID."""
        if UUID.fullmatch(name):
            return derived(self.kind, ".".join((*scope, name.lower())))
        return self.of(*scope, name)

    def digest(self, *parts: object) -> str:
        """128 bits of an HMAC-SHA-256 over the parts as a JSON array, in hex."""
        return hmac.digest(self._key, _json(parts), "sha256")[:16].hex()


class Repeats:
    """Counts records that say the same, among the last 100,000."""

    def __init__(self) -> None:
        self._counts: dict[Hashable, int] = {}
        self._last: deque[Hashable] = deque()

    def count(self, said: Hashable) -> int:
        """How many of the last records said this, this one included."""
        counts, last = self._counts, self._last
        count = counts[said] = counts.get(said, 0) + 1
        last.append(said)
        if len(last) > REMEMBERED:
            oldest = last.popleft()
            left = counts[oldest] - 1
            if left:
                counts[oldest] = left
            else:
                del counts[oldest]
        return count
