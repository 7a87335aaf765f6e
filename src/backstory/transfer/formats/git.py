"""Reading a Git repository: one commit for each of Git's, with its author, its time and its message.

    FileAdded, FileChanged, FileDeleted, FileRenamed   path, mode, blob, added and deleted lines; from, for a rename
    BranchesMerged                                     parents; every merge has one
    NothingChanged                                     an empty commit

Tags are `file:<path>` (both paths of a rename) and `author:<email>`. The commit id is `backstory.git.` and Git's own.
A merge names the files that differ from all its parents, as `git show` does: other changes are in the branch's own
commits.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, cast

import msgspec

from backstory.errors import SourceError
from backstory.transfer.source import MALFORMED, Entry, Item, Known, Progress, Rejected, no_progress
from backstory.values.commit import Draft, draft
from backstory.values.event_data import EventData, encoded
from backstory.values.ids import GIT, derived

ORDER = ("rev-list", "--reverse", "--author-date-order")
"""Parents first, and then by the author's clock: the log's time, which never goes back, stays nearest to it."""

HEADER = ("%x01%H", "%P", "%an", "%ae", "%at", "%cn", "%ce", "%ct", "%B")
CHANGES = (
    *(
        "diff-tree",
        "--stdin",
        "--root",
        "--always",
        "-r",
        "-c",
        "--combined-all-paths",
        "-M",
        "--raw",
        "--numstat",
    ),
    *(
        "-z",
        "--no-abbrev",
        "--no-ext-diff",
        "--no-textconv",
        "--encoding=UTF-8",
        f"--format={'%x00'.join(HEADER)}",
    ),
)

WRONG: tuple[type[Exception], ...] = (*MALFORMED, OSError)
"""Errors that a wrong commit raises; `OSError` for a time that the system cannot convert."""

NO_BLOB = b"000000"
TYPES = {"A": "FileAdded", "C": "FileAdded", "D": "FileDeleted", "R": "FileRenamed"}


class FileChange(msgspec.Struct):
    """The change of one file by a commit. `added` and `deleted` are None for a binary file."""

    status: str
    path: str
    old_path: str
    mode: str | None
    blob: str | None
    added: int | None = None
    deleted: int | None = None


def read_git(
    path: str | Path = ".",
    revision: str = "HEAD",
    *,
    known: Callable[[str], bool] = lambda _: False,
    progress: Progress = no_progress,
) -> Iterator[Item]:
    """The commits that a revision of a repository reaches, parents first.

    `known` says which ids the log has: Git is not asked for their changes again. Raises `SourceError` if there is no
    repository, no such revision, or no Git.
    """
    where = str(path)
    check_repository(where, revision)
    with tempfile.TemporaryFile(prefix="backstory-") as wanted:
        count = skipped = 0
        with _git(where, *ORDER, revision, "--") as shas:
            for sha in shas:
                if known(commit_id(sha.strip().decode())):
                    skipped += 1
                else:
                    wanted.write(sha)
                    count += 1
        if skipped:
            yield Known(skipped)
        wanted.seek(0)
        with _git(where, *CHANGES, stdin=wanted) as output:
            for done, (header, changes) in enumerate(_commits(_fields(output)), 1):
                yield _entry(where, done, header, changes)
                progress("reading", done, count)


def commit_id(sha: str) -> str:
    """The id of the commit that one of Git's becomes."""
    return derived(GIT, sha)


def readable(path: bytes) -> str:
    """A path as text: itself where it is UTF-8, else in Git's own quotes, with each odd byte as `\\351`.

    A path that begins with a quote is quoted too, so `path_bytes` gives every path back.
    """
    if not path.startswith(b'"'):
        try:
            return path.decode()
        except UnicodeDecodeError:
            pass
    text = path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').decode(errors="surrogateescape")
    return '"' + "".join(f"\\{ord(c) - 0xDC00:03o}" if "\udc80" <= c <= "\udcff" else c for c in text) + '"'


def path_bytes(text: str) -> bytes:
    """The path that `readable` made text of."""
    if not text.startswith('"'):
        return text.encode()
    found, rest = bytearray(), iter(text[1:-1])
    for char in rest:
        if char != "\\":
            found += char.encode()
        elif (escaped := next(rest)) in '"\\':
            found += escaped.encode()
        else:
            found.append(int(escaped + next(rest) + next(rest), 8))
    return bytes(found)


def check_repository(path: str | Path, revision: str = "HEAD") -> None:
    """Raise `SourceError` if there is no repository, no such revision, or no Git."""
    where = str(path)
    for arguments, why in (
        (("rev-parse", "--git-dir"), None),
        (("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"), revision),
    ):
        try:
            found = subprocess.run(["git", "-C", where, *arguments], capture_output=True, check=False)
        except FileNotFoundError as wrong:
            raise SourceError(where, 0, "git is not installed, or not on the PATH") from wrong
        if found.returncode and why is None:
            raise SourceError(where, 0, _complaint(found.stderr))
        if found.returncode:
            empty = "the repository has no commit yet" if revision == "HEAD" else "Git knows no such revision"
            raise SourceError(where, 0, f"{revision}: {empty}")


def _complaint(stderr: bytes) -> str:
    return (
        stderr.decode(errors="backslashreplace").strip().removeprefix("fatal: ")
        or "git failed and did not say why"
    )


@contextmanager
def _git(where: str, *arguments: str, stdin: IO[bytes] | None = None) -> Iterator[IO[bytes]]:
    """The output of Git, as it comes. Raises `SourceError` with Git's own complaint."""
    command = ["git", "-C", where, *arguments]
    with (
        tempfile.TemporaryFile(prefix="backstory-") as complaints,
        subprocess.Popen(
            command, stdin=stdin or subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints
        ) as process,
    ):
        try:
            yield cast("IO[bytes]", process.stdout)
        except BaseException:
            process.kill()
            raise
        if process.wait():
            complaints.seek(0)
            raise SourceError(where, 0, _complaint(complaints.read()))


def _fields(output: IO[bytes]) -> Iterator[bytes]:
    """The texts between the NULs."""
    rest = b""
    while chunk := output.read(1 << 16):
        fields = (rest + chunk).split(b"\0")
        rest = fields.pop()
        yield from fields


def _commits(fields: Iterator[bytes]) -> Iterator[tuple[list[bytes], list[FileChange]]]:
    """Each commit's header, and its changes: raw lines (the files) joined with numstat lines (the counts)."""
    header: list[bytes] = []
    raw: list[FileChange] = []
    lines: dict[str, tuple[int | None, int | None]] = {}
    for field in fields:
        entry = field.lstrip(b"\n")
        if entry.startswith(b"\x01"):
            if header:
                yield header, _joined(raw, lines)
            header = [entry[1:], *(next(fields) for _ in HEADER[1:])]
            raw, lines = [], {}
        elif entry.startswith(b":"):
            raw.append(_change(entry, fields))
        elif entry:
            added, deleted, path = entry.split(b"\t", 2)
            if not path:
                _, path = next(fields), next(fields)
            lines[readable(path)] = (_count(added), _count(deleted))
    if header:
        yield header, _joined(raw, lines)


def _change(entry: bytes, fields: Iterator[bytes]) -> FileChange:
    """One raw line: `:modes blobs status`, then its path or paths. A merge has a mode and a blob for each parent."""
    parents = len(entry) - len(entry.lstrip(b":"))
    words = entry.lstrip(b":").split(b" ")
    mode, blob, status = words[parents], words[2 * parents + 1], words[-1].decode()
    path = old_path = readable(next(fields))
    if parents > 1:
        path = [readable(next(fields)) for _ in range(parents)][-1]
        status = status[0] if set(status) in ({"A"}, {"R"}) else "M"
    elif status[0] in "RC":
        path = readable(next(fields))
    gone = mode == NO_BLOB
    return FileChange(
        "D" if gone else status[0],
        path,
        old_path,
        None if gone else mode.decode(),
        None if gone else blob.decode(),
    )


def _count(lines: bytes) -> int | None:
    return None if lines == b"-" else int(lines)


def _joined(raw: list[FileChange], lines: dict[str, tuple[int | None, int | None]]) -> list[FileChange]:
    for change in raw:
        change.added, change.deleted = lines.get(change.path, (None, None))
    return raw


def _entry(where: str, line: int, header: list[bytes], changes: list[FileChange]) -> Entry | Rejected:
    try:
        return Entry(_draft(header, changes), where, line)
    except WRONG as wrong:
        sha = header[0].decode()
        return Rejected(SourceError(where, line, f"commit {sha}: {wrong}"), sha)


def _draft(header: list[bytes], changes: list[FileChange]) -> Draft:
    sha, parents, name, email, time, by_name, by_email, by_time, body = (
        part.decode(errors="backslashreplace") for part in header
    )
    author = f"author:{email or name or 'unknown'}"
    events: list[EventData] = []
    if " " in parents:
        events.append(_encoded("BranchesMerged", {"parents": parents.split()}, author))
    events += (_event(change, author) for change in changes)
    return draft(
        events or [_encoded("NothingChanged", {}, author)],
        id=commit_id(sha),
        reserved_id=True,
        time=datetime.fromtimestamp(int(time), UTC),
        author=f"{name} <{email}>",
        message=body.rstrip("\n"),
        metadata={
            "sha": sha,
            "parents": parents.split(),
            "committer": f"{by_name} <{by_email}>",
            "committed": datetime.fromtimestamp(int(by_time), UTC),
        },
    )


def _event(change: FileChange, author: str) -> EventData:
    data: dict[str, Any] = {"path": change.path, "mode": change.mode, "blob": change.blob}
    if change.status == "R":
        data["from"] = change.old_path
    data |= {"added": change.added, "deleted": change.deleted}
    tags = (
        {f"file:{path}" for path in (change.path, change.old_path)}
        if change.status == "R"
        else {f"file:{change.path}"}
    )
    return _encoded(TYPES.get(change.status, "FileChanged"), data, author, *tags)


def _encoded(type: str, data: dict[str, Any], *tags: str) -> EventData:
    return encoded(type, msgspec.json.encode(data), tags)
