"""Writing the indexes in runs: one transaction in 64 events pays for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import apsw
import msgspec

from backstory.errors import StoreCorrupt
from backstory.stores.rows import LOG_BITS, POSITION, decode_tags
from backstory.stores.sqlite.read_plan import hash_token, link_token, token
from backstory.told import pasted
from backstory.values.commit import Commit, Draft
from backstory.values.links import words_of

INSERT_TOKENS = "INSERT INTO token_index (rowid, tokens) VALUES (?, ?)"
DROP_TOKENS = "INSERT INTO token_index (token_index, rowid, tokens) VALUES ('delete', ?, ?)"
INDEX_TYPES = "INSERT INTO type_index SELECT type, position FROM events WHERE position > ? AND position <= ?"
INDEX_IDS = "INSERT INTO id_index SELECT id, position FROM commits WHERE position > ? AND position <= ?"
WAITING_EVENTS = "SELECT position, tags FROM events WHERE position > ? AND position <= ?"
WAITING_COMMITS = (
    "SELECT position, hash, CAST(metadata AS BLOB) FROM commits WHERE position > ? AND position <= ?"
)


def write_run(
    connection: apsw.Connection, base: int, indexed: int, start: int, added: Sequence[tuple[Draft, Commit]]
) -> None:
    """Index the events that waited after `indexed` up to `start`, and those that this transaction added after that.

    Positions are those of the log whose keys begin after `base`.
    """
    waited = (base + indexed, base + start)
    try:
        tokens = {
            key: token_text(decode_tags(tags)) for key, tags in connection.execute(WAITING_EVENTS, waited)
        }
        names = {key: name_text(*rest) for key, *rest in connection.execute(WAITING_COMMITS, waited)}
        for draft, commit in added:
            tokens.update(enumerate((token_text(event.tags) for event in draft.events), base + commit.first))
            names[base + commit.position] = name_text(commit.hash, commit.metadata_json)
        for key, text in names.items():
            tokens[key] = f"{tokens[key]} {text}"
    except (msgspec.MsgspecError, AttributeError, KeyError, TypeError) as error:
        raise StoreCorrupt(
            f"a row after #{indexed} is damaged ({error!r}); run: {pasted('verify')}"
        ) from error
    connection.executemany(INSERT_TOKENS, [(key, text) for key, text in tokens.items() if text])
    bounds = (base + indexed, max(tokens))
    connection.execute(INDEX_TYPES, bounds)
    connection.execute(INDEX_IDS, bounds)
    connection.execute("UPDATE logs SET indexed = ?1 WHERE number = ?1 >> 40", bounds[1:])


def token_text(tags: Iterable[str]) -> str:
    """The tokens of an event's tags, as the index takes them."""
    return " ".join(map(token, tags))


def name_text(hash: bytes, metadata_json: bytes) -> str:
    """The tokens of a commit's hash and of its links, as the index takes them."""
    return " ".join([hash_token(hash), *map(link_token, words_of(metadata_json))])


def rename(
    connection: apsw.Connection, key: int, tags: Iterable[str], hash: bytes, old: bytes, new: bytes
) -> None:
    """Index a commit anew, whose last event has these tags, with other metadata; no trace of the old is left."""
    tokens = token_text(tags)
    connection.execute("INSERT INTO token_index (token_index, rank) VALUES ('secure-delete', 1)")
    connection.execute(DROP_TOKENS, (key, f"{tokens} {name_text(hash, old)}"))
    connection.execute(INSERT_TOKENS, (key, f"{tokens} {name_text(hash, new)}"))


def drop_rows(connection: apsw.Connection, number: int) -> None:
    """Delete a log with all of its rows, and take them out of the indexes."""
    base, last = number << LOG_BITS, (number << LOG_BITS) + POSITION
    [(indexed,)] = connection.execute("SELECT indexed FROM logs WHERE number = ?", (number,)).fetchall()
    tokens = {
        key: token_text(decode_tags(tags))
        for key, tags in connection.execute(WAITING_EVENTS, (base, indexed))
    }
    for key, *rest in connection.execute(WAITING_COMMITS, (base, indexed)):
        tokens[key] = f"{tokens[key]} {name_text(*rest)}"
    connection.executemany(DROP_TOKENS, [(key, text) for key, text in tokens.items() if text])
    for table in ("type_index", "id_index", "events", "commits"):
        connection.execute(f"DELETE FROM {table} WHERE position > ? AND position <= ?", (base, last))
    connection.execute("DELETE FROM logs WHERE number = ?", (number,))
