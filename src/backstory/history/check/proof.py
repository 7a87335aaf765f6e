"""Proof of one event: that it is in the history which ends with a head that somebody kept. Checked without a store.

An auditor who has a head (`verify --head`) and a proof knows that the event was in that history, with this type, these
tags and this data, in a commit of this id and time. The auditor learns nothing of other events and parts: they stand in
the proof as hashes and salted digests. `docs/design/format.md` says how it is checked by hand.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from backstory.errors import BackstoryError, InvalidEvent, ProofError, UnknownRevision
from backstory.history.check.heads import kept, written
from backstory.history.refs.revision import Point
from backstory.lookup import commit_at, events_of
from backstory.store import Log
from backstory.told import pasted
from backstory.values.commit import (
    DATA,
    EARLIEST,
    LATEST,
    NO_HASH,
    QUERY,
    Commit,
    Head,
    content_of,
    from_micros,
    micros,
    parts,
)
from backstory.values.event_data import EventData, RecordedEvent
from backstory.values.hashes import audit_path, commit_hash, leaf_hash, root_above
from backstory.values.masking import masked_data
from backstory.values.salts import Withheld, digest_of, digests, openings

NAMES = ("author", "message", "command", "metadata", "query")
"""The parts of a commit that a proof may show, in the order of their places."""

Hex = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})$")]
Salt = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{32})$")]
Position = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
Place = Annotated[int, msgspec.Meta(ge=1, le=(1 << 63) - 1)]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part that is shown, byte for byte, with its salt."""

    text: str
    salt: Salt


class Shown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The event: its data with the salt, or the digest of the data alone."""

    type: str
    version: Place
    tags: tuple[str, ...]
    data: Part | None
    digest: Hex


class Around(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The commit: all that its hashes cover, its parts by their digests; `shown` has those that are shown.

    `authored` is in microseconds since 1970. `query` is null if it has no condition, and so is `after`.
    """

    id: str
    authored: int
    author: Hex
    message: Hex
    command: Hex
    metadata: Hex
    query: Hex | None
    after: Position | None
    shown: dict[str, Part]


class Proven(msgspec.Struct, frozen=True):
    """The statements of a proof that holds. `data` is None where it was not shown; `parts` are those of the commit."""

    type: str
    version: int
    tags: tuple[str, ...]
    data: bytes | None
    id: str
    authored: datetime
    parts: Mapping[str, str]
    head: bytes


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A proof of one event, as it is written to a file.

    `path` leads from the event to the root of its commit: the hash beside, and the side on which it stands. `chain` has
    the content hash and `after` of each later commit up to `head`: 75 bytes for each of them.
    """

    event: Shown
    path: list[tuple[Literal["left", "right"], Hex]]
    commit: Around
    parent: Hex
    chain: list[tuple[Hex, Position | None]]
    head: str
    schema: Literal[1] = 1
    kind: Literal["proof"] = "proof"

    def json(self) -> bytes:
        """The text of its file."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"

    def check(self, head: str) -> Proven:
        """Its statements about the history that ends with this head. Raises `ProofError` if the proof does not hold.

        `head` is the whole hash of a commit, or position and hash as `verify --head` prints them. It comes from a safe
        place, and not from the proof.
        """
        expected, event, commit = kept(head), self.event, self.commit
        if event.data is not None and _digest(event.data) != event.digest:
            raise ProofError("the data of the event are not those of its digest")
        for name, part in commit.shown.items():
            if name not in NAMES or _digest(part) != getattr(commit, name):
                raise ProofError(f"the {name} of the commit is not that of its digest")
        if (commit.query is None) != (commit.after is None):
            raise ProofError("the commit has half of a condition")
        said = [bytes.fromhex(getattr(commit, name) or "") for name in NAMES]
        authored = from_micros(commit.authored) if MICROS[0] <= commit.authored <= MICROS[1] else None
        if authored is None:
            raise ProofError("the commit has a time that no commit can have")
        leaf = leaf_hash(EventData(event.type, event.version, event.tags, b""), bytes.fromhex(event.digest))
        root = root_above(leaf, [(side == "left", bytes.fromhex(hash)) for side, hash in self.path])
        content = content_of(commit.id, authored, said[:QUERY], said[QUERY], root)
        found = commit_hash(bytes.fromhex(self.parent), content, commit.after)
        for later, after in self.chain:
            found = commit_hash(found, bytes.fromhex(later), after)
        if found != expected.hash:
            raise ProofError(
                f"it leads to the head {found.hex()[:10]}, and not to {expected.hash.hex()[:10]}"
            )
        data = None if event.data is None else event.data.text.encode()
        shown = {name: part.text for name, part in commit.shown.items()}
        return Proven(event.type, event.version, event.tags, data, commit.id, authored, shown, found)


MICROS = micros(EARLIEST), micros(LATEST)
_decode = msgspec.json.Decoder(Proof).decode


def proof_of(text: str | bytes) -> Proof:
    """The proof in the text of a file. Raises `ProofError` for anything else."""
    try:
        return _decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as wrong:
        raise ProofError(f"this is no proof: {wrong}") from None


def check_proof(text: str | bytes, head: str) -> Proven:
    """Check the text of a proof against the history that ends with `head`, and return its statements. Needs no store.

    `head` is the whole hash of a commit, or position and hash as `verify --head` prints them: from a safe place, and
    not from the proof. Raises `ProofError` if the text is no proof, or does not hold; `UnknownRevision` for a head that
    is none.
    """
    return proof_of(text).check(head)


def prove(
    log: Log,
    commit: Commit,
    place: int,
    head: Head,
    *,
    show: Collection[str] = (),
    data: bool = True,
) -> Proof:
    """A proof of the event at a place of a commit, from 1, for a history of this log that ends with `head`.

    `show` names parts of the commit that are shown, too; without `data`, only the digest of the event's data is.
    Raises `ProofError` for a part that is withheld, or if the log does not have the commit up to that head.
    """
    events = list(events_of(log, commit))
    if not 1 <= place <= len(events):
        raise UnknownRevision(f"{commit.id}/{place}", f"the commit has the events 1 to {len(events)}")
    if head.position < commit.position or commit_at(log, commit.position).hash != commit.hash:
        raise ProofError(f"the history that ends at #{head.position} does not have the commit {commit.id}")
    said = parts(
        commit.author, commit.message, commit.command_json, commit.metadata_json, commit.condition, events
    )
    found, opening = digests(commit.secret, said), openings(commit.secret, len(said))
    leaves = list(map(leaf_hash, events, found[DATA:]))
    event, at = events[place - 1], DATA + place - 1
    around = {name: found[index].hex() for index, name in enumerate(NAMES)}
    if commit.condition is None:
        around["query"] = None  # type: ignore[assignment]
    made = Proof(
        _shown(event, found[at], _part(event.type, said[at], opening[at]) if data else None),
        [("left" if left else "right", hash.hex()) for left, hash in audit_path(leaves, place - 1)],
        Around(
            id=commit.id,
            authored=micros(commit.authored),
            after=None if commit.condition is None else commit.condition.after,
            shown={name: _part(name, *_of(name, said, opening)) for name in show},
            **around,
        ),
        _parent(log, commit).hex(),
        [
            (later.content.hex(), None if later.condition is None else later.condition.after)
            for later in log.commits(after=commit.position, upto=head.position)
        ],
        written(head),
    )
    try:
        made.check(made.head)
    except BackstoryError as wrong:
        raise ProofError(f"the history does not fit together ({wrong}); run: {pasted('verify')}") from wrong
    return made


def is_marked(log: Log, commit: Commit, place: int) -> bool:
    """Whether the data of an event have values that are masked elsewhere: a proof shows data as they are."""
    position = commit.first + place - 1
    [event] = log.read(after=position - 1, upto=position)
    return bool(event.data) and masked_data(event) != event.data


def placed(point: Point, event: int | None) -> tuple[Commit, int]:
    """The commit at a point, and the place of one of its events, from 1. Raises `UnknownRevision`."""
    commit = point.commit
    if commit is None:
        raise UnknownRevision("#0", "no commit stands there; it is before the first one")
    if event is None and point.exact:
        return commit, point.position - commit.first + 1
    if event is None and commit.size > 1:
        raise UnknownRevision(commit.id, f"the commit has {commit.size} events; name one of them, from 1")
    return commit, 1 if event is None else event


def _shown(event: RecordedEvent, digest: bytes, data: Part | None) -> Shown:
    return Shown(event.type, event.version, event.tags, data, digest.hex())


def _of(name: str, said: list[bytes], opening: list[Any]) -> tuple[bytes, Any]:
    if name not in NAMES:
        raise InvalidEvent(f"a commit has no part {name!r}; its parts are {', '.join(NAMES)}")
    place = NAMES.index(name)
    return said[place], opening[place]


def _part(name: str, said: bytes, opening: bytes | Withheld) -> Part:
    """A part with its salt. Raises `ProofError` where it is withheld."""
    if isinstance(opening, Withheld):
        raise ProofError(f"{name}: this part is withheld, so it cannot be shown; its digest can")
    return Part(said.decode(), opening.hex())


def _digest(part: Part) -> str:
    return digest_of(bytes.fromhex(part.salt), part.text.encode()).hex()


def _parent(log: Log, commit: Commit) -> bytes:
    """The hash of the commit before: that of the log's origin, if it is the first one there."""
    before = next(log.commits(upto=commit.first - 1, backwards=True, limit=1), None)
    return NO_HASH if before is None else before.hash
