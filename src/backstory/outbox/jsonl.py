"""Files of CloudEvents, one in each line."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import UTC
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

from backstory.errors import DefinitionError
from backstory.outbox.message import Events, Message, Outbox
from backstory.place import After


class Jsonl(Outbox):
    """Appends each event to a file, as a line that is a CloudEvent; it is on the disk before the event counts as sent.

    `{date}` in the path is the day of the event, in UTC. Half a line, which a crash may leave, is taken away when the
    file is next appended to. After a crash the last lines may come twice, with the same id.
    """

    batch = 1_000
    in_order = True

    def __init__(
        self,
        name: str,
        path: str | os.PathLike[str],
        *,
        events: Events = (),
        after: After | None = None,
        source: str | None = None,
    ) -> None:
        super().__init__(name, events=events, after=after, source=source)
        self._path = os.fspath(path)
        try:
            self._path.format(date="2020-01-01")
        except (KeyError, IndexError, ValueError):
            raise DefinitionError(
                f"{name}: a path has no other placeholder than {{date}}: {self._path}"
            ) from None

    def send(self, messages: Sequence[Message]) -> None:
        """See `Outbox.send`."""
        for path, group in groupby(messages, self._place):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab+") as file:
                file.truncate(_whole(file))
                file.writelines(_lines(group))
                file.flush()
                os.fsync(file.fileno())

    def _place(self, message: Message) -> Path:
        return Path(self._path.format(date=message.time.astimezone(UTC).date().isoformat()))


def _lines(messages: Iterator[Message]) -> Iterator[bytes]:
    for message in messages:
        yield message.body
        yield b"\n"


def _whole(file: BinaryIO) -> int:
    """Where the last whole line of a file ends."""
    end = file.seek(0, os.SEEK_END)
    while end:
        begin = max(0, end - 65_536)
        file.seek(begin)
        found = file.read(end - begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return 0
