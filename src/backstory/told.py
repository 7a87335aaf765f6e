"""Words for people: warnings at the line that they are about, and command lines that can be pasted."""

from __future__ import annotations

import sys
import warnings


def pasted(*words: str) -> str:
    """A command line of `backstory`, each word quoted for a shell where it has to be."""
    from shlex import join

    return join(["backstory", *words])


def warn(words: str, category: type[Warning]) -> None:
    """Warn at the innermost line that is not Backstory's own."""
    frame, depth = sys._getframe(), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "backstory":
        frame, depth = frame.f_back, depth + 1
    warnings.warn(words, category, stacklevel=depth)
