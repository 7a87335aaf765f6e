"""Names as a range of an index: those that begin with a prefix."""

from __future__ import annotations

import sys

SURROGATES = range(0xD800, 0xE000)
"""Code points that are no characters, and stand in no text."""


def beyond(prefix: str) -> str | None:
    """The first text after all that begin with `prefix`, in the order of code points; None if there is none.

    UTF-8 has that order as well, so a database that compares bytes has it.
    """
    stem = prefix.rstrip(chr(sys.maxunicode))
    if not stem:
        return None
    following = ord(stem[-1]) + 1
    return stem[:-1] + chr(SURROGATES.stop if following in SURROGATES else following)
