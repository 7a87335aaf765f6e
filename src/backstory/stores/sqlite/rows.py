"""Rows of a SQLite file as events and commits, streamed in chunks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import msgspec

from backstory.errors import LogDropped, StoreCorrupt
from backstory.refs import WITHHELD
from backstory.stores.rows import (
    LOG_BITS,
    POSITION,
    Row,
    commit_of,
    counts_of,
    decode_tags,
    hash_range,
    head_of,
    in_order,
)
from backstory.stores.sqlite.read_plan import SCAN, Selection, hash_token, link_token, plan
from backstory.stores.streams import merged
from backstory.stores.tail import News
from backstory.values import digest
from backstory.values.commit import NO_HASH, Commit, Head, micros
from backstory.values.event_data import EventCount, RecordedEvent
from backstory.values.links import Key, word, words_of
from backstory.values.query import Query, matcher, to_json

Fetch = Callable[[str, Sequence[Any]], list[Row]]

Decide = Callable[[str, Sequence[str]], bool]

FIRST_CHUNK, CHUNK = 64, 2048
"""Rows that a read fetches at a time, at first and later: no transaction stays open between them."""

TAIL = 64
"""A read over at most so many positions scans them: cheaper than the index, by measurement."""

COMMIT_COLUMNS = (
    f"position & {POSITION}, size, id, time, authored, author, message, CAST(command AS BLOB), CAST(metadata AS BLOB),"
    " query, after, secret, content, hash, signature"
)
COMMITS = f"SELECT {COMMIT_COLUMNS} FROM commits WHERE position > ? AND position <= ? ORDER BY position"
COMMIT_SELECTION = Selection(COMMITS + " ASC LIMIT ?", COMMITS + " DESC LIMIT ?")
LINKED = (
    f"SELECT {COMMIT_COLUMNS} FROM token_index CROSS JOIN commits ON commits.position = token_index.rowid"
    " WHERE token_index MATCH ? AND token_index.rowid > ? AND token_index.rowid <= ? ORDER BY token_index.rowid LIMIT ?"
)
MAYBE_LINKED = (
    f"SELECT {COMMIT_COLUMNS} FROM commits WHERE instr(metadata, ?) AND position > ? AND position <= ?"
    " ORDER BY position LIMIT ?"
)
COMMITS_AT = (
    f"SELECT {COMMIT_COLUMNS} FROM commits WHERE position IN (SELECT (SELECT c.position FROM commits c"
    " WHERE c.position >= p.value AND c.position <= ?1 ORDER BY c.position LIMIT 1) FROM json_each(?2) p)"
    " ORDER BY position"
)
COMMIT_BY_ID = (
    f"SELECT {COMMIT_COLUMNS} FROM commits WHERE position = (SELECT position FROM id_index WHERE id = ?1"
    " AND position > ?2 AND position <= ?3) UNION ALL"
    f" SELECT {COMMIT_COLUMNS} FROM commits WHERE id = ?1 AND position > ?3 AND position <= ?4"
)
KNOWN_IDS = (
    "SELECT id FROM id_index WHERE id IN (SELECT value FROM json_each(?1)) AND position > ?2 AND position <= ?3"
    " UNION ALL SELECT id FROM commits WHERE position > ?3 AND position <= ?4"
    " AND id IN (SELECT value FROM json_each(?1))"
)
KNOWN_BEYOND = (
    "SELECT id FROM commits WHERE position > ?2 AND position <= ?3"
    " AND id IN (SELECT value FROM json_each(?1))"
)
COMMITS_BY_HASH = (
    f"SELECT {COMMIT_COLUMNS} FROM commits WHERE position IN (SELECT rowid FROM token_index WHERE token_index MATCH ?1"
    " AND rowid > ?4 AND rowid <= ?5) AND hash BETWEEN ?2 AND ?3 UNION ALL"
    f" SELECT {COMMIT_COLUMNS} FROM commits WHERE position > ?5 AND position <= ?6 AND hash BETWEEN ?2 AND ?3 LIMIT 20"
)
COUNTS = (
    "SELECT ifnull(substr(CAST(c.command AS BLOB), 1, 9 + instr(substr(CAST(c.command AS BLOB), 10, 200), x'22')), x'')"
    " AS name,"
    f" e.type, e.version, count(*), min(e.position) & {POSITION}, max(e.position) & {POSITION}, max(c.time)"
    " FROM events e CROSS JOIN commits c ON c.position = e.in_commit WHERE e.position >"
    " (SELECT position - size FROM commits WHERE position > ?1 ORDER BY position LIMIT 1)"
    " AND e.position <= ?2 AND e.in_commit <= ?2 GROUP BY e.type, name, e.version"
)
MARK = f"(SELECT value FROM refs WHERE name = '{WITHHELD}')"
ENDS = (
    f"SELECT position & {POSITION}, hash, time, {MARK},"
    f" (SELECT indexed & {POSITION} FROM logs WHERE number = ?1 AND origin_hash = ?2)"
    " FROM commits WHERE position > ?3 AND position <= ?4 ORDER BY position DESC LIMIT 1"
)
ENDS_OF_MAIN = (  # the same of a log 0 that stands on nothing, which each load asks: arguments take time
    f"SELECT position, hash, time, {MARK},"
    f" (SELECT indexed & {POSITION} FROM logs WHERE number = 0 AND origin_hash = x'{NO_HASH.hex()}')"
    f" FROM commits WHERE position > 0 AND position <= {POSITION} ORDER BY position DESC LIMIT 1"
)
ENDS_AND_MORE = (
    f"SELECT position & {POSITION}, hash, time, {MARK},"
    f" (SELECT indexed & {POSITION} FROM logs WHERE number = ?1 AND origin_hash = ?2),"
    " (SELECT json_group_array(id) FROM id_index WHERE {which} AND position > ?3 AND position <= ?4),"
    " (SELECT value FROM refs WHERE name = ?6)"
    " FROM commits WHERE position > ?3 AND position <= ?4 ORDER BY position DESC LIMIT 1"
)
ENDS_AND_ONE = ENDS_AND_MORE.replace("{which}", "id = ?5")
ENDS_AND_MANY = ENDS_AND_MORE.replace("{which}", "id IN (SELECT value FROM json_each(?5))")
STANDS = f"SELECT {MARK} FROM logs WHERE number = ? AND origin_hash = ?"
DROPPED = (
    "SELECT 1 FROM sqlite_sequence WHERE name = 'logs' AND seq >= ?1 AND NOT EXISTS"
    " (SELECT 1 FROM logs WHERE number = ?1)"
)
HOLDING = (
    f"SELECT number FROM logs WHERE EXISTS (SELECT 1 FROM commits WHERE position = (number << {LOG_BITS}) + ?1"
    " AND hash = ?2) ORDER BY number"
)
NEW_COMMITS = f"SELECT position & {POSITION}, id, hash FROM commits WHERE position > ? AND position <= ?"
NEW_EVENTS = (
    f"SELECT position & {POSITION}, type, tags FROM events WHERE position > ? AND position <= ?"
    " ORDER BY position"
)
HASH_AT = "SELECT hash FROM commits WHERE position = ?"


decode_ids = msgspec.json.Decoder(list[str]).decode


def encode_ids(ids: Sequence[str]) -> str:
    """Ids as JSON, to ask for many in one statement."""
    return msgspec.json.encode(ids).decode()


class Rows:
    """The rows of one log, over any way to fetch: a connection of the pool, or the one that is about to write."""

    def __init__(self, fetch: Fetch, base: int, origin: Head) -> None:
        self.fetch = fetch
        self._base = base
        self._origin = origin
        self._last = base + POSITION
        self._ends_arguments = (base >> LOG_BITS, origin.hash, base, self._last)
        plain = base == 0 and origin.hash == NO_HASH
        self._asks_ends = (ENDS_OF_MAIN, ()) if plain else (ENDS, self._ends_arguments)

    def ends(self, seen: Head) -> tuple[Head, int] | None:
        """The log's head, and the position up to which its events are in the indexes. `seen` is its head, probably.

        None if there is no such log, or one that stands on another commit.
        """
        return self._ends(self.fetch(*self._asks_ends), seen)

    def ends_and_more(
        self, seen: Head, ids: Sequence[str], ref: str | None
    ) -> tuple[tuple[Head, int] | None, list[str], tuple[str | None] | None]:
        """As `ends`, which of these ids are in the index, and the value of a ref: all in one statement.

        The value comes in a tuple, None if the log has no commit yet and the ref was not looked at.
        """
        sql, asked = (ENDS_AND_ONE, ids[0]) if len(ids) == 1 else (ENDS_AND_MANY, encode_ids(ids))
        rows = self.fetch(sql, (*self._ends_arguments, asked, ref))
        if not rows:
            return self._ends(rows, seen), [], None
        known, value = rows[0][5:]
        return self._ends([rows[0][:5]], seen), [] if known == "[]" else decode_ids(known), (value,)

    def _ends(self, rows: list[Row], seen: Head) -> tuple[Head, int] | None:
        position, hash, time, mark, indexed = rows[0] if rows else (None,) * 5
        if indexed is None:
            stands = self.fetch(STANDS, self._ends_arguments[:2])
            if not stands:
                return None
            if rows:
                raise StoreCorrupt(f"log {self._base >> LOG_BITS} is damaged in the table of logs")
            origin = self._origin.marked(stands[0][0])
            is_seen = (seen.hash, seen.withheld) == (origin.hash, origin.withheld)
            return seen if is_seen else origin, origin.position
        if hash == seen.hash and position == seen.position and mark == seen.withheld:
            return seen, indexed
        return head_of((position, hash, time, mark)), indexed

    def dropped(self) -> bool:
        """Whether the log was there once and is not any more."""
        return bool(self.fetch(DROPPED, self._ends_arguments[:1]))

    def hash_at(self, position: int) -> bytes | None:
        """The hash of the commit whose last event is at a position."""
        rows = self.fetch(HASH_AT, (self._base + position,))
        return rows[0][0] if rows else None

    def events(
        self,
        query: Query,
        after: int,
        upto: int,
        indexed: int,
        *,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Iterator[RecordedEvent]:
        """The events that match, with `after < position <= upto`; `indexed` is where the indexes end."""
        after = max(after, self._origin.position)
        near, everything = upto - after <= TAIL, query.is_all
        how = SCAN if near else plan(query)
        decide = None if everything else matcher(query)
        # A scan proposes many rows that do not match, so a limit says nothing about how many it takes.
        first = limit if everything or not near else None
        end = min(upto, indexed) if how.indexed else after
        early = merged(
            [self._stream(selection, decide, after, end, backwards, first) for selection in how.indexed],
            backwards=backwards,
        )
        late = self._stream(how.beyond, decide, max(after, end), upto, backwards, first)
        return islice(chain(late, early) if backwards else chain(early, late), limit)

    def _stream(
        self,
        selection: Selection,
        decide: Decide | None,
        after: int,
        upto: int,
        backwards: bool,
        first: int | None,
    ) -> Iterator[RecordedEvent]:
        """The events of the rows that were selected and that match."""
        kind: str | None = None
        text: str | None = None
        tags: tuple[str, ...] = ()
        matches = decide is None
        for rows in self._chunks(selection, after, upto, backwards, first):
            position = rows[0][0]
            try:
                for position, commit, type, version, found, data in typed(rows):
                    if found != text:  # the events of one entity mostly have the same
                        text, tags, kind = found, decode_tags(found), None
                    if decide is not None and type != kind:
                        kind, matches = type, decide(type, tags)
                    if matches:
                        yield RecordedEvent(position, commit, type, version, tags, data)
            except msgspec.MsgspecError as error:
                raise StoreCorrupt(f"the tags of event #{position} are damaged ({error})") from error

    def commits(
        self, after: int, upto: int, *, backwards: bool = False, limit: int | None = None
    ) -> Iterator[Commit]:
        """The commits with `after < position <= upto`."""
        after = max(after, self._origin.position)
        chunks = self._chunks(COMMIT_SELECTION, after, upto, backwards, limit)
        return islice((commit_of(row) for rows in chunks for row in rows), limit)

    def linked(
        self, key: Key, id: str, after: int, upto: int, indexed: int, limit: int | None
    ) -> Iterator[Commit]:
        """The commits that have a link, with `after < position <= upto`; `indexed` is where the indexes end."""
        asked, after, end = word(key, id), max(after, self._origin.position), min(upto, indexed)
        chunks = chain(
            self._chunks(Selection(LINKED, LINKED, (link_token(asked),)), after, end, False, limit),
            self._chunks(
                Selection(MAYBE_LINKED, MAYBE_LINKED, (f'"{key}"',)), max(after, end), upto, False, limit
            ),
        )
        found = (commit_of(row) for rows in chunks for row in rows)
        return islice((commit for commit in found if asked in words_of(commit.metadata_json)), limit)

    def counts(self, after: int, upto: int) -> list[EventCount] | None:
        """The counts of the commits with `after < position <= upto`; None if SQL cannot name some command."""
        after = max(after, self._origin.position)
        rows = self.fetch(COUNTS, (self._base + after, self._base + upto)) if after < upto else []
        if not rows and self._base and self.dropped():
            raise LogDropped("this log was dropped, because nothing needed it any more")
        return counts_of(rows)

    def commits_at(self, positions: Collection[int]) -> list[Commit]:
        """The commits that hold these positions."""
        keys = [
            self._base + position for position in positions if self._origin.position < position <= POSITION
        ]
        asked = msgspec.json.encode(keys).decode()
        return [commit_of(row) for row in self.fetch(COMMITS_AT, (self._last, asked))]

    def _chunks(
        self, selection: Selection, after: int, upto: int, backwards: bool, first: int | None
    ) -> Iterator[list[Row]]:
        """Rows in chunks that grow: a short read is quick, and a long one needs little memory.

        The first chunk has no more than `first` rows: mostly it is all that is taken. At the end of a long read, and if
        a branch's log has nothing, the log must be there still, or what was dropped meanwhile would be missing without
        a word. Raises `StoreCorrupt` and `LogDropped`.
        """
        sql = selection.backwards if backwards else selection.forwards
        size = FIRST_CHUNK if first is None else max(1, min(FIRST_CHUNK, first))
        long = False
        while after < upto:
            rows = self.fetch(sql, (*selection.arguments, self._base + after, self._base + upto, size))
            if (len(rows) < size if long else not rows and self._base) and self.dropped():
                raise LogDropped("this log was dropped while it was read, because nothing needed it any more")
            if not rows:
                return
            yield in_order(rows, after, upto, backwards=backwards)
            if len(rows) < size:
                return
            long = True
            last = rows[-1][0]
            after, upto = (after, last - 1) if backwards else (last, upto)
            size = min(size * 4, CHUNK)

    def known_ids(self, ids: Sequence[str], indexed: int, upto: int) -> list[str]:
        """Which of these ids have a commit: in the index, or beyond it up to `upto`."""
        arguments = (encode_ids(ids), self._base, self._base + indexed, self._base + upto)
        return [id for [id] in self.fetch(KNOWN_IDS, arguments)]

    def known_beyond(self, ids: Sequence[str], indexed: int, upto: int) -> list[str]:
        """Which of these ids have a commit beyond the index, up to `upto`."""
        if upto <= indexed:
            return []
        arguments = (encode_ids(ids), self._base + indexed, self._base + upto)
        return [id for [id] in self.fetch(KNOWN_BEYOND, arguments)]

    def news(self, after: int, upto: int) -> News | None:
        """The events between two positions, to be remembered; None if a row of them is damaged."""
        bounds = (self._base + after, self._base + upto)
        try:
            events = [
                (position, type, decode_tags(tags)) for position, type, tags in self.fetch(NEW_EVENTS, bounds)
            ]
        except (msgspec.MsgspecError, TypeError):
            return None
        return [(position, id, hash) for position, id, hash in self.fetch(NEW_COMMITS, bounds)], events

    def by_id(self, id: str, indexed: int) -> Commit | None:
        """The commit with this id, if there is one."""
        rows = self.fetch(COMMIT_BY_ID, (id, self._base, self._base + indexed, self._last))
        return commit_of(rows[0]) if rows else None

    def find(self, name: str, indexed: int) -> list[Commit]:
        """The commits that a name may mean; see `Log.find`."""
        known = self.by_id(name, indexed)
        found = self.by_hash(name.lower(), indexed)
        return found if known is None else [known, *(commit for commit in found if commit != known)]

    def by_hash(self, prefix: str, indexed: int) -> list[Commit]:
        """The first commits whose hash, in hex, starts like this."""
        if (bounds := hash_range(prefix)) is None:
            return []
        low, high = bounds
        match = hash_token(low)[: len(prefix) + 1] + "*"
        arguments = (match, low, high, self._base, self._base + indexed, self._last)
        return [commit_of(row) for row in self.fetch(COMMITS_BY_HASH, arguments)]


def row_digest(*values: Any) -> bytes:
    """The digest in a row that no commit hash covers: half the SHA-256 of its other columns as JSON."""
    shown = [value.hex() if isinstance(value, bytes) else value for value in values]
    return digest.sha256(msgspec.json.encode(shown)).digest()[:16]


def row_of(commit: Commit) -> Row:
    """The row of a commit, without its key."""
    condition = commit.condition
    return (
        commit.size,
        commit.id,
        micros(commit.time),
        micros(commit.authored),
        commit.author,
        commit.message,
        commit.command_json,
        commit.metadata_json,
        None if condition is None else to_json(condition.query).decode(),
        None if condition is None else condition.after,
        commit.secret,
        commit.content,
        commit.hash,
        commit.signature,
    )


def typed(rows: list[Row]) -> list[Row]:
    """These rows of events. Raises `StoreCorrupt` if a column holds another type of value: only damage does that."""
    for position, commit, type, version, tags, data in rows:
        if not (
            data.__class__ is bytes
            and tags.__class__ is type.__class__ is str
            and version.__class__ is commit.__class__ is int
        ):
            raise StoreCorrupt(f"event #{position} is damaged: a column holds another type of value")
    return rows
