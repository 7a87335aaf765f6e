"""Files that somebody asks to be written: the one way of every export, report and lock.

Output goes through links, into pipes and devices, and keeps the mode of the file that it replaces. It never replaces a
folder, a store, or a file that the caller reads.
"""

from __future__ import annotations

import gzip
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from backstory.errors import OutputError

SQLITE = b"SQLite format 3\0"
"""How the file of a store begins, and that of any other SQLite database."""

BESIDE = ("-wal", "-shm", "-journal")
"""The endings of the names of SQLite's own files beside a database."""


def check(name: str, *, stores: Iterable[str] = (), sources: Iterable[str] = ()) -> None:
    """Raise `OutputError` if a file that is to be written is a folder, a store, or one of the files that are read.

    `stores` are paths that become stores, or are. Ask before a store is opened: a look into the file of an open store
    drops the locks that this process has on it.
    """
    path = Path(name).resolve()
    if path.is_dir():
        raise OutputError(f"{name} is a folder; name a file in it")
    if any(_same(path, Path(source)) for source in sources):
        raise OutputError(f"{name} is the file that is read; write to another one")
    base = next((Path(str(path).removesuffix(end)) for end in BESIDE if path.name.endswith(end)), path)
    if _is_sqlite(base) or any(_same(base, Path(store)) for store in stores):
        raise OutputError(
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
def written(name: str, *, whole: bool = True) -> Iterator[IO[bytes]]:
    """A file to write, gzipped if its name ends in .gz.

    It has its name only when it is complete, and stays as it was if the block raises. Without `whole` it has its name
    from the beginning, and the part that was written stays. Errors of the system, such as a full disk, name that file.
    """
    try:
        with _opened(Path(name), whole=whole) as file:
            if name.endswith(".gz"):
                with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6) as packed:
                    yield cast("IO[bytes]", packed)
            else:
                yield file
    except OSError as wrong:
        raise OSError(wrong.errno, wrong.strerror or str(wrong), name) from wrong


@contextmanager
def _opened(path: Path, *, whole: bool) -> Iterator[IO[bytes]]:
    """A pipe or a device as it is; else a new file, which takes the place of the one that the name leads to."""
    if not whole or (path.exists() and not path.is_file()):
        with path.open("wb") as file:
            yield file
        return
    path = path.resolve()
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    with part.open("xb") as file:
        try:
            if path.exists():  # before the first byte: it may be for nobody else
                part.chmod(path.stat().st_mode & 0o7777)
            yield file
            file.close()
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
