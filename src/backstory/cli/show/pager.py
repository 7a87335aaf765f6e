"""A pager for long output, found and started as Git does it."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
from io import TextIOWrapper
from typing import BinaryIO, cast


class Pager:
    """A running pager and the stream that it reads."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        encoding = sys.stdout.encoding or "utf-8"  # what it reads is for the same terminal
        self.stream = TextIOWrapper(
            cast("BinaryIO", process.stdin), encoding=encoding, errors="backslashreplace"
        )

    def close(self) -> None:
        """End the stream and wait until the reader leaves; Ctrl-C is the pager's own business meanwhile."""
        with contextlib.suppress(BrokenPipeError):
            self.stream.close()
        while True:
            try:
                self._process.wait()
                return
            except KeyboardInterrupt:
                continue


def start() -> Pager | None:
    """Start the pager that the environment names, or less; None if it is empty or `cat`, or cannot be started."""
    command = os.environ.get("BACKSTORY_PAGER", os.environ.get("PAGER", "less"))
    try:
        words = shlex.split(command)
    except ValueError:  # a quote is missing
        return None
    if not words or words == ["cat"] or shutil.which(words[0]) is None:
        return None
    if "|" in words:
        words = ["sh", "-c", command]
    environment = {"LESS": "FRX", "LV": "-c", **os.environ}
    sys.stdout.flush()
    try:
        return Pager(subprocess.Popen(words, stdin=subprocess.PIPE, env=environment))
    except OSError:  # such as a file that may be executed, and is no program
        return None
