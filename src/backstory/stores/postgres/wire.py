"""Arguments as PostgreSQL receives them: psycopg would make every array, and every element, by a dumper of its own.

An array of one dimension is, in 32-bit numbers: how many dimensions, whether it has NULLs, its elements' type, how many
there are, and where it begins to count. Its elements follow, each after its size in bytes; the size of NULL is -1.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable
from functools import lru_cache
from struct import Struct

from psycopg.adapt import Dumper
from psycopg.pq import Format

BYTEA, INT8, INT4, TEXT = 17, 20, 23, 25
"""The numbers of types: https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat"""

NULL = b"\xff\xff\xff\xff"

_header = Struct("!iiiii").pack
_size = Struct("!i").pack
_long = Struct("!iq").pack


class BytesDumper(Dumper):
    """Sends bytes as they are, without a type: the server takes the type of the parameter."""

    format = Format.BINARY
    oid = 0

    def dump(self, obj: bytes) -> bytes:
        """The argument itself."""
        return obj


def integer(value: int) -> bytes:
    """A 32-bit number."""
    return value.to_bytes(4, signed=True)


def bigint(value: int) -> bytes:
    """A 64-bit number."""
    return value.to_bytes(8, signed=True)


def blob(value: bytes | None) -> bytes:
    """An element of an array of texts, in UTF-8, or of bytes."""
    return NULL if value is None else _size(len(value)) + value


def long(value: int | None) -> bytes:
    """An element of an array of 64-bit numbers."""
    return NULL if value is None else _long(8, value)


def joined(kind: int, count: int, elements: Iterable[bytes]) -> bytes:
    """An array of `count` elements of a type, of which each of `elements` holds any number."""
    return b"".join((_head(kind, count), *elements))


@lru_cache(maxsize=1_000)
def _head(kind: int, count: int) -> bytes:
    return _header(1, 1, kind, count, 1) if count else _header(0, 0, kind, 0, 0)[:12]


def integers(values: Iterable[int]) -> bytes:
    """An array of 32-bit numbers."""
    values = tuple(values)
    return _integers(values) if len(values) <= FEW else _integers.__wrapped__(values)


FEW = 64
"""Short arrays are mostly the same ones again, such as 1, 2, 3."""


@lru_cache(maxsize=1_000)
def _integers(values: tuple[int, ...]) -> bytes:
    numbers = array("i", (4,)) * (2 * len(values))
    numbers[1::2] = array("i", values)
    if sys.byteorder == "little":
        numbers.byteswap()
    return joined(INT4, len(values), (numbers.tobytes(),))
