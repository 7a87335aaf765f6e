"""Rows of a PostgreSQL schema as events and commits, streamed in chunks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from itertools import islice

import msgspec

from backstory.errors import LogDropped, StoreCorrupt
from backstory.stores.postgres.keys import tag_key
from backstory.stores.postgres.lookups import MARK
from backstory.stores.postgres.prefetch import Prefetch
from backstory.stores.postgres.read_plan import Selection, plan
from backstory.stores.postgres.session import Fetching
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
from backstory.values.commit import Commit, Head
from backstory.values.event_data import EventCount, RecordedEvent
from backstory.values.links import Key, word, words_of
from backstory.values.query import Query, matcher

FIRST_CHUNK, CHUNK = 64, 2048
"""Rows that a read fetches at a time, at first and later: no transaction stays open between them."""

MANY, CHUNK_OF_MANY = 32, 16_384
"""A query of so many clauses is read in stretches of the log, and a chunk has at most so many rows: each looks all
clauses up again, and without an end it would find all later events of each clause, again and again."""

STRETCH, LEAST_STRETCH, LONGER = 16_384, 1_024, 8
"""Positions of the first stretch, and of the shortest; and by how much the next one may be longer."""

COMMIT_COLUMNS = (
    f"key & {POSITION}, size, id, time, authored, author, message, convert_to(command, 'UTF8'),"
    " convert_to(metadata, 'UTF8'), query, after, secret, content, hash, signature"
)
COMMITS = (
    f"SELECT {COMMIT_COLUMNS} FROM {{schema}}.commits WHERE key > %(above)s AND key <= %(upto)s"
    " ORDER BY key {order} LIMIT %(limit)s"
)
COMMITS_AT = (
    f"SELECT {COMMIT_COLUMNS} FROM {{schema}}.commits WHERE key = ANY(ARRAY("
    " SELECT (SELECT c.key FROM {schema}.commits c WHERE c.key >= p.key AND c.key <= %(last)s ORDER BY c.key LIMIT 1)"
    " FROM unnest((SELECT %(keys)s::bigint[])) p (key))) ORDER BY key"
)
LINKED = (
    f"SELECT {COMMIT_COLUMNS.replace(f'key & {POSITION}', f't.key & {POSITION}')} FROM {{schema}}.tags t"
    " CROSS JOIN LATERAL (SELECT * FROM {schema}.commits c WHERE c.key = t.key OFFSET 0) c"
    " WHERE t.tag = %(link)s AND t.key > %(above)s AND t.key <= %(upto)s ORDER BY t.key LIMIT %(limit)s"
)
COUNTS = (
    "SELECT convert_to(left(c.command, 9 + strpos(substr(c.command, 10, 200), '\"')), 'UTF8') AS name, e.type,"
    f" e.version, count(*), min(e.key) & {POSITION}, max(e.key) & {POSITION}, max(c.time)"
    " FROM {schema}.commits c JOIN {schema}.events e ON e.in_commit = c.key"
    " WHERE c.key > %(above)s AND c.key <= %(upto)s AND e.key <= %(upto)s AND e.key >"
    " (SELECT key - size FROM {schema}.commits WHERE key > %(above)s ORDER BY key LIMIT 1)"
    " GROUP BY name, e.type, e.version"
)
BY_IDS = f"SELECT {COMMIT_COLUMNS} FROM {{schema}}.commits WHERE id = ANY(%s) AND key >> 40 = %s ORDER BY key"
BY_HASH = (
    f"SELECT {COMMIT_COLUMNS} FROM {{schema}}.commits WHERE hash BETWEEN %s AND %s AND key > %s AND key <= %s"
    " ORDER BY hash LIMIT 20"
)
HEAD = (
    f"SELECT key & {POSITION}, hash, time, {MARK} FROM {{schema}}.commits WHERE key > %s AND key <= %s"
    " ORDER BY key DESC LIMIT 1"
)


class Rows:
    """The rows of one log, as the server has them, or as a transaction sees them."""

    def __init__(self, source: Fetching, number: int, origin: Head) -> None:
        self.origin = origin
        self.base = number << LOG_BITS
        self._number = number
        self._last = self.base + POSITION
        self._source = source
        schema = source.address.schema
        self._there = f"SELECT FROM {schema}.logs WHERE number = %s"
        self._stands = f"SELECT {MARK.format(schema=schema)} FROM {schema}.logs WHERE number = %s"
        self._hash_at = f"SELECT hash FROM {schema}.commits WHERE key = %s"
        self._head = HEAD.format(schema=schema)
        self._commits = [COMMITS.format(schema=schema, order=order) for order in ("ASC", "DESC")]
        self._commits_at = COMMITS_AT.format(schema=schema)
        self._linked = LINKED.format(schema=schema)
        self._counts = COUNTS.format(schema=schema)
        self._by_ids = BY_IDS.format(schema=schema)
        self._by_hash = BY_HASH.format(schema=schema)

    def head(self) -> Head:
        """The end of the log. Raises `LogDropped`."""
        head = self.ends()
        if head is None:
            raise self._dropped()
        return head

    def _dropped(self) -> LogDropped:
        return LogDropped(f"{self._source.address.shown}: log {self._number} was dropped")

    def _is_there(self) -> bool:
        return bool(self._source.look(self._there, (self._number,)))

    def ends(self) -> Head | None:
        """The end of the log; None if it was dropped."""
        rows = self._source.look(self._head, (self.base, self._last))
        if rows:
            return head_of(rows[0])
        stands = self._source.look(self._stands, (self._number,))
        return self.origin.marked(stands[0][0]) if stands else None

    def events(
        self, query: Query, after: int, upto: int, *, backwards: bool = False, limit: int | None = None
    ) -> Iterator[RecordedEvent]:
        """The events that match, with `after < position <= upto`."""
        selection = plan(self._source.address.schema, query, backwards=backwards)
        if selection is None:
            return iter(())
        chunks = self._chunks(selection, after, upto, backwards, limit)
        return islice(self._matching(matcher(query), chunks), limit)

    def _matching(
        self, decide: Callable[[str, Sequence[str]], bool], chunks: Iterator[list[Row]]
    ) -> Iterator[RecordedEvent]:
        """The events of rows that an index proposed, and that match."""
        kind, text, matches = "", "", False
        tags: tuple[str, ...] = ()
        for rows in chunks:
            position = rows[0][0]
            try:
                for position, commit, type, version, found, data in rows:
                    if found != text or type != kind:  # the events of one entity mostly have the same
                        kind, text, tags = type, found, decode_tags(found)
                        matches = decide(kind, tags)
                    if matches:
                        yield RecordedEvent(position, commit, type, version, tags, data)
            except (msgspec.MsgspecError, TypeError) as error:
                raise StoreCorrupt(f"the tags of event #{position} are damaged ({error})") from error

    def commits(
        self, after: int, upto: int, *, backwards: bool = False, limit: int | None = None
    ) -> Iterator[Commit]:
        """The commits with `after < position <= upto`."""
        chunks = self._chunks(Selection(self._commits[backwards]), after, upto, backwards, limit)
        return islice((commit_of(row) for rows in chunks for row in rows), limit)

    def linked(self, key: Key, id: str, after: int, upto: int, limit: int | None) -> Iterator[Commit]:
        """The commits that have a link, with `after < position <= upto`."""
        asked = word(key, id)
        chunks = self._chunks(Selection(self._linked, {"link": tag_key(asked)}), after, upto, False, limit)
        found = (commit_of(row) for rows in chunks for row in rows)
        return islice((commit for commit in found if asked in words_of(commit.metadata_json)), limit)

    def counts(self, after: int, upto: int) -> list[EventCount] | None:
        """The counts of the commits with `after < position <= upto`; None if SQL cannot name some command."""
        after = max(after, self.origin.position)
        bounds = {"above": self.base + after, "upto": self.base + upto}
        rows = self._source.fetch(self._counts, bounds) if after < upto else []
        if not rows:
            self.head()  # raises if the log was dropped
        return counts_of(rows)

    def commits_at(self, positions: Collection[int]) -> list[Commit]:
        """The commits that hold these positions."""
        keys = [self.base + position for position in positions if self.origin.position < position <= POSITION]
        rows = self._source.fetch(self._commits_at, {"keys": keys, "last": self._last})
        return [commit_of(row) for row in rows]

    def _chunks(
        self, selection: Selection, after: int, upto: int, backwards: bool, limit: int | None
    ) -> Iterator[list[Row]]:
        """Rows in chunks that grow: a short read is quick, and a long one needs little memory.

        Of a long one, the next chunk is fetched while this one is used; and at its end, and if a branch's log has
        nothing, the log must be there still, or what was dropped meanwhile would be missing without a word. Raises
        `LogDropped`.
        """
        fetched = 0
        after = max(after, self.origin.position)
        many = selection.clauses >= MANY
        size, most = (CHUNK_OF_MANY, CHUNK_OF_MANY) if many else (FIRST_CHUNK, CHUNK)
        size = size if limit is None else min(size, limit)
        stretch = STRETCH if many else upto
        rows: list[Row] = []
        while after < upto:
            low, high = (
                (max(after, upto - stretch), upto) if backwards else (after, min(upto, after + stretch))
            )
            work = partial(self._chunk, selection, low, high, size, backwards)
            fetched += 1
            if rows:
                ahead = Prefetch(work) if size == most and self._source.ahead else None
                yield rows
                rows = work() if ahead is None else ahead.result()
            else:
                rows = work()
            end = low if backwards else high
            reached = end if len(rows) < size else rows[-1][0] - backwards
            after, upto = (after, reached) if backwards else (reached, upto)
            if many:
                wanted = stretch * size * 3 // (4 * max(len(rows), 1))
                stretch = max(LEAST_STRETCH, min(wanted, stretch * LONGER))
            size = min(size * 4, most)
        if (fetched > 1 or (fetched and not rows and self._number)) and not self._is_there():
            raise self._dropped()
        if rows:
            yield rows

    def _chunk(self, selection: Selection, after: int, upto: int, size: int, backwards: bool) -> list[Row]:
        bound = selection.bound(self.base + after, self.base + upto, size)
        return in_order(self._source.fetch(selection.sql, bound), after, upto, backwards=backwards)

    def hash_at(self, position: int, head: Head) -> bytes | None:
        """The hash of the commit that ends at a position up to a head, or of the origin there."""
        if position == self.origin.position:
            return self.origin.hash
        if not self.origin.position < position <= head.position:
            return None
        rows = self._source.look(self._hash_at, (self.base + position,))
        return rows[0][0] if rows else None

    def by_ids(self, ids: Sequence[str]) -> list[Commit]:
        """The commits with these ids, in order of position."""
        return [commit_of(row) for row in self._source.fetch(self._by_ids, (list(ids), self._number))]

    def by_hash(self, prefix: str) -> list[Commit]:
        """The first commits whose hash, in hex, starts like this."""
        if (bounds := hash_range(prefix)) is None:
            return []
        rows = self._source.fetch(self._by_hash, (*bounds, self.base, self._last))
        return [commit_of(row) for row in rows]
