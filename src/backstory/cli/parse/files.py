"""Files that a verb reads and writes.

Output goes through links, into pipes and devices, and keeps the mode of the file that it replaces. It never replaces a
store or the file that is read.
"""

from __future__ import annotations

import gzip
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, cast

from backstory.cli.exits import UsageError
from backstory.stores import scheme_of

SQLITE = b"SQLite format 3\0"
"""How the file of a store begins, and that of any other SQLite database."""

BESIDE = ("-wal", "-shm", "-journal")
"""The endings of the names of SQLite's own files beside a database."""


def standard_input() -> BinaryIO:
    """Standard input as bytes. Raises `UsageError` if there is none, as with `<&-`."""
    if sys.stdin is None:
        raise UsageError("standard input is closed, so nothing can be read from it")
    return sys.stdin.buffer


def check_output(name: str, store: str, source: str | None = None) -> None:
    """Raise `UsageError` if a file that is to be written is a folder, a store, or the source that is read.

    `store` is the address of the store at hand. Ask before it is opened: a look into the file of an open store drops
    the locks that this process has on it.
    """
    path = Path(name).resolve()
    if path.is_dir():
        raise UsageError(f"{name} is a folder; name a file in it")
    if source is not None and _same(path, Path(source)):
        raise UsageError(f"{name} is the file that is read; write to another one")
    base = next((Path(str(path).removesuffix(end)) for end in BESIDE if path.name.endswith(end)), path)
    store = store.removeprefix("sqlite:///")
    if _is_sqlite(base) or (not scheme_of(store) and _same(base, Path(store))):
        raise UsageError(
            f"{name} is a store, or a part of one, and is not written over; write to another file"
        )


def _same(path: Path, other: Path) -> bool:
    return path.samefile(other) if path.exists() and other.exists() else path == other.resolve()


def _is_sqlite(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(SQLITE)) == SQLITE


@contextmanager
def written(name: str) -> Iterator[IO[bytes]]:
    """A file to write, gzipped if its name ends in .gz; it has its name only when it is complete.

    Errors of the system, such as a full disk, name that file.
    """
    try:
        with _opened(Path(name)) as file:
            if name.endswith(".gz"):
                with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6) as packed:
                    yield cast("IO[bytes]", packed)
            else:
                yield file
    except OSError as wrong:
        raise OSError(wrong.errno, wrong.strerror or str(wrong), name) from wrong


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """A pipe or a device as it is; else a new file, which takes the place of the one that the name leads to."""
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    path = path.resolve()
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    with part.open("xb") as file:
        try:
            yield file
            file.close()
            if path.exists():
                part.chmod(path.stat().st_mode & 0o7777)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
