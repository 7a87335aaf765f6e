"""Warnings, at the line outside of this library that they are about."""

from __future__ import annotations

import sys
import warnings


def warn(words: str, category: type[Warning]) -> None:
    """Warn at the innermost line that is not Backstory's own."""
    frame, depth = sys._getframe(), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "backstory":
        frame, depth = frame.f_back, depth + 1
    warnings.warn(words, category, stacklevel=depth)
