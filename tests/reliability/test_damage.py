"""Whatever is flipped, planted or cut off in a closed file: it is found, and named, or no reader can see it.

Nothing that reads it goes on for ever: a watchdog counts what SQLite is asked to do.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import apsw
import pytest

from backstory.errors import BackstoryError, StoreCorrupt, StoreError
from backstory.history.check.verify import verify
from backstory.history.refs.branches import Branches
from backstory.store import Log, Store, create_log, set_ref
from backstory.stores.sqlite import SqliteStore
from backstory.stores.sqlite.rows import row_digest
from backstory.values.commit import NO_HASH
from backstory.values.query import Query
from tests.reliability.samples import contents, deposited, one, problems, sample

PAGE = 4096
LEAF = 13
"""What the first byte of a page says that holds the rows of a table."""

SMALL = 66, 4
"""Events of the small store: enough for its indexes, and for two that wait for theirs."""

BATCHES = 8
STRIDE = 89
"""Of so many bytes that are in use, one is flipped in a short run."""

STATEMENTS, STEPS = 3_000, 20_000_000
"""How many statements, and steps of SQLite's machine, one store may take: a sound one takes 700, and 100,000."""


class Endless(AssertionError):
    """More was asked of SQLite than a store of this size can need."""


class Watchdog:
    """Counts the statements that SQLite executes, and the steps that it takes: no clock says when something hangs."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Count from here."""
        self._statements, self._steps = STATEMENTS, STEPS

    def watch(self, connection: apsw.Connection) -> None:
        """Look at all that a new connection does."""
        connection.set_exec_trace(self._executed)
        connection.set_progress_handler(self._stepped, 10_000)

    def _executed(self, *_: object) -> bool:
        self._statements -= 1
        return self._looked()

    def _stepped(self) -> bool:
        self._steps -= 10_000
        return not self._looked()

    def _looked(self) -> bool:
        if min(self._statements, self._steps) < 0:
            raise Endless
        return True


@pytest.fixture
def watchdog() -> Iterator[Watchdog]:
    dog = Watchdog()
    apsw.connection_hooks.append(dog.watch)
    yield dog
    apsw.connection_hooks.remove(dog.watch)


class Sample:
    """A closed store, its bytes, and what they say."""

    def __init__(self, path: Path, *size: int) -> None:
        sample(path, *size)
        store = SqliteStore(path)
        assert problems(store) == []
        self.contents = contents(store)
        store.close()
        self.bytes = path.read_bytes()

    def harmless(self, path: Path, offset: int, mask: int) -> bool:
        """Whether all reads as before with these bits flipped, or a problem is named. Other errors are not caught."""
        for old in path.parent.glob(path.name + "*"):
            old.unlink()
        flipped = bytearray(self.bytes)
        flipped[offset] ^= mask
        path.write_bytes(flipped)
        try:
            store = SqliteStore(path)
        except StoreError:
            return True
        with closing(store):
            found = problems(store)
            if not found:
                return contents(store) == self.contents
            read_all(store)
            return all(isinstance(problem, str) and problem for problem in found)


READS: tuple[Callable[[Log], object], ...] = (
    lambda log: rises(log, Query.all()),
    lambda log: rises(log, Query.of(["Deposited"])),
    lambda log: rises(log, Query.of(tags=["account:a-1"])),
    lambda log: list(log.read(backwards=True)),
    lambda log: [log.find(commit.id) and log.find(commit.hash.hex()[:10]) for commit in log.commits()],
    lambda log: list(log.commits(backwards=True)),
    lambda log: log.head(),
)


def read_all(store: Store) -> None:
    """Read a store in every way. Some of it may raise an error of ours, and the rest goes on all the same."""
    numbers: list[int] = []
    with suppress(BackstoryError):
        numbers = list(store.logs())
    for number in numbers:
        with suppress(StoreError, KeyError):
            log = store.log(number)
            for read in READS:
                with suppress(StoreError):
                    read(log)
    branches = Branches(store)
    for look in (branches.names, branches.marks, lambda: list(branches.reflog.read())):
        with suppress(StoreError):
            look()


def rises(log: Log, query: Query) -> None:
    """Read, and see that no position comes twice."""
    last = 0
    for event in log.read(query):
        assert event.position > last
        last = event.position


def keys(page: bytes) -> Iterator[int]:
    """Where in a page the keys of its first, middle and last row stand: the last byte of each."""
    if page[0] != LEAF:
        return
    count = int.from_bytes(page[3:5])
    for number in sorted({0, count // 2, count - 1} if count else ()):
        start = int.from_bytes(page[8 + 2 * number : 10 + 2 * number])
        for _ in range(
            2
        ):  # the row's size, and its key: numbers whose bytes but the last have the highest bit set
            while page[start] & 0x80:
                start += 1
            start += 1
        yield start - 1


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return Sample(tmp_path_factory.mktemp("whole") / "history.db")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return Sample(tmp_path_factory.mktemp("small") / "history.db", *SMALL)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_flipped_byte_anywhere_is_found_or_changes_nothing(
    small: Sample, tmp_path: Path, watchdog: Watchdog, long: bool, batch: int
) -> None:
    used = [offset for offset, byte in enumerate(small.bytes) if byte]
    for number, offset in enumerate(used[batch :: BATCHES if long else BATCHES * STRIDE]):
        mask = 0xFF if number % 2 else 1 << offset % 8
        watchdog.begin()
        assert small.harmless(tmp_path / "flipped.db", offset, mask), (offset, mask)


@pytest.mark.parametrize("mask", [0xFF, 0x01, 0x40])
def test_a_key_that_stands_where_it_does_not_belong_is_found(
    small: Sample, tmp_path: Path, watchdog: Watchdog, mask: int
) -> None:
    """A key that is lower than the one before it would send a reader back, again and again."""
    for page in range(0, len(small.bytes), PAGE):
        for offset in keys(small.bytes[page : page + PAGE]):
            watchdog.begin()
            assert small.harmless(tmp_path / "flipped.db", page + offset, mask), (page + offset, mask)


def test_a_truncated_file_is_found(whole: Sample, tmp_path: Path) -> None:
    for size in (50, 100, PAGE - 1, PAGE, 3 * PAGE + 17, len(whole.bytes) // 2, len(whole.bytes) - PAGE):
        path = tmp_path / f"{size}.db"
        path.write_bytes(whole.bytes[:size])
        try:
            with closing(SqliteStore(path)) as store:
                assert verify(store).problems, size
        except StoreError:
            continue


SWAP = (
    "UPDATE events SET data = (SELECT data FROM events o WHERE o.position = 83 - events.position)"
    " WHERE position IN (41, 42)"
)

OTHER_EVENT = "SELECT {}, in_commit, type, version, tags, data FROM events WHERE position = 40"
OTHER_COMMIT = (
    "SELECT {}, size, 'planted', time, authored, author, message, command, metadata, query, after, secret, content,"
    " hash, signature FROM commits WHERE position = 42"
)

DAMAGES: dict[str, tuple[str, str]] = {
    "event_data": ("UPDATE events SET data = replace(data, '42', '43') WHERE position = 43", "#43"),
    "event_type": ("UPDATE events SET type = 'Withdrawm' WHERE position = 40", "#40"),
    "event_version": ("UPDATE events SET version = 2 WHERE position = 40", "#42"),
    "event_tags": ("UPDATE events SET tags = replace(tags, 'a-4', 'a-5') WHERE position = 40", "#40"),
    "event_tags_that_are_no_list": ("UPDATE events SET tags = '[' WHERE position = 40", "#40"),
    "event_in_another_commit": ("UPDATE events SET in_commit = 45 WHERE position = 40", "#40"),
    "event_gone": ("DELETE FROM events WHERE position = 40", "#40"),
    "last_event_gone": ("DELETE FROM events WHERE position = 150", "#150"),
    "event_too_many": (
        "INSERT INTO events SELECT 151, 150, type, version, tags, data FROM events WHERE position = 9",
        "#151",
    ),
    "events_swapped": (SWAP, "#42"),
    "commit_message": ("UPDATE commits SET message = 'deposits from 40' WHERE position = 42", "#42"),
    "commit_author": ("UPDATE commits SET author = 'amy' WHERE position = 42", "#42"),
    "commit_id": ("UPDATE commits SET id = 'main-4' WHERE position = 42", "main-4"),
    "commit_time": ("UPDATE commits SET time = time + 1 WHERE position = 42", "#42"),
    "commit_authored": ("UPDATE commits SET authored = authored - 1 WHERE position = 42", "#42"),
    "commit_command": ("UPDATE commits SET command = '' WHERE position = 42", "#42"),
    "commit_metadata": ("UPDATE commits SET metadata = '{}' WHERE position = 42", "#42"),
    "commit_metadata_with_a_link": (
        'UPDATE commits SET metadata = \'{"causation":"x"}\' WHERE position = 42',
        "#42 is missing in the token index, under l",
    ),
    "commit_query": ("UPDATE commits SET query = '[]' WHERE position = 42", "#42"),
    "commit_without_its_query": ("UPDATE commits SET query = NULL WHERE position = 42", "#42"),
    "commit_after": ("UPDATE commits SET after = after - 1 WHERE position = 42", "#42"),
    "commit_size": ("UPDATE commits SET size = 2 WHERE position = 42", "#42"),
    "commit_content": ("UPDATE commits SET content = zeroblob(32) WHERE position = 42", "#42"),
    "commit_secret": ("UPDATE commits SET secret = zeroblob(16) WHERE position = 42", "#42"),
    "commit_secret_cut": ("UPDATE commits SET secret = zeroblob(15) WHERE position = 42", "#42"),
    "commit_secret_long": ("UPDATE commits SET secret = zeroblob(90) WHERE position = 42", "#42"),
    "commit_hash": ("UPDATE commits SET hash = zeroblob(32) WHERE position = 42", "#42"),
    "commit_gone": ("DELETE FROM commits WHERE position = 42", "#45"),
    "last_commit_gone": ("DELETE FROM commits WHERE position = 150", "#148"),
    "type_index_entry_gone": ("DELETE FROM type_index WHERE position = 40", "#40"),
    "type_index_entry_changed": ("UPDATE type_index SET type = 'X' WHERE position = 40", "#40"),
    "id_index_entry_gone": ("DELETE FROM id_index WHERE position = 42", "#42"),
    "id_index_entry_changed": ("UPDATE id_index SET id = 'x' WHERE position = 42", "#42"),
    "indexes_end_too_early": ("UPDATE logs SET indexed = indexed - 1 WHERE number = 0", "index"),
    "token_index_entry_too_many": ("INSERT INTO token_index (rowid, tokens) VALUES (40, 'abc')", "#40"),
    "token_index_gone": ("INSERT INTO token_index (token_index) VALUES ('delete-all')", "#1 "),
    "origin": ("UPDATE logs SET origin_position = 9 WHERE number = 1", "log 1"),
    "main_gone": ("DELETE FROM logs WHERE number = 0", "main"),
    "ref_value": ("UPDATE refs SET value = 'main-9' WHERE name = 'note/q3-closed'", "note/q3-closed"),
    "ref_name": ("UPDATE refs SET name = 'note/q4-closed' WHERE name = 'note/q3-closed'", "note/q4-closed"),
    "indexes_end_beyond_the_log": ("UPDATE logs SET indexed = 100000 WHERE number = 0", "log 0"),
    "indexes_end_before_everything": ("UPDATE logs SET indexed = -5 WHERE number = 0", "log 0"),
    "event_in_a_commit_of_another_log": (
        "UPDATE events SET in_commit = in_commit + (1 << 40) WHERE position = 40",
        "#40 says that its commit is of another log",
    ),
    "event_of_no_log": (f"INSERT INTO events {OTHER_EVENT.format('(9 << 40) + 5')}", "#5 of log 9"),
    "event_of_the_next_log": (f"INSERT INTO events {OTHER_EVENT.format('(2 << 40) + 151')}", "#151 of log 2"),
    "event_with_a_negative_key": (f"INSERT INTO events {OTHER_EVENT.format('-5')}", "(key -5)"),
    "event_with_the_lowest_key": (
        f"INSERT INTO events {OTHER_EVENT.format(str(-(1 << 63)))}",
        str(-(1 << 63)),
    ),
    "event_with_the_highest_key": (
        f"INSERT INTO events {OTHER_EVENT.format(str((1 << 63) - 1))}",
        "log 8388607",
    ),
    "event_at_position_0": (f"INSERT INTO events {OTHER_EVENT.format('0')}", "#0"),
    "event_before_the_origin": (f"INSERT INTO events {OTHER_EVENT.format('(1 << 40) + 7')}", "#7 of log 1"),
    "event_beyond_the_head": (f"INSERT INTO events {OTHER_EVENT.format('1000')}", "#1000"),
    "commit_of_no_log": (f"INSERT INTO commits {OTHER_COMMIT.format('(9 << 40) + 5')}", "#5 of log 9"),
    "commit_with_a_negative_key": (f"INSERT INTO commits {OTHER_COMMIT.format('-5')}", "(key -5)"),
    "commit_before_the_origin": (
        f"INSERT INTO commits {OTHER_COMMIT.format('(1 << 40) + 7')}",
        "#7 of log 1",
    ),
    "commit_without_events": (f"INSERT INTO commits {OTHER_COMMIT.format('153')}", "#153"),
    "commit_of_more_events_than_fit_into_memory": (
        "UPDATE commits SET size = 1 << 60 WHERE position = 42",
        "#42",
    ),
    "type_index_entry_of_no_log": ("INSERT INTO type_index VALUES ('A', (9 << 40) + 5)", "#5 of log 9"),
    "id_index_entry_with_a_negative_key": ("INSERT INTO id_index VALUES ('x', -5)", "(key -5)"),
    "application_id": ("PRAGMA application_id = 0", "application_id"),
    "trigger": (
        "CREATE TRIGGER evil AFTER INSERT ON events BEGIN DELETE FROM events; END",
        "trigger evil",
    ),
    "index_definition": ("DROP TABLE type_index; CREATE TABLE type_index (type, position)", "type_index"),
    "view_gone": ("DROP VIEW history", "view history"),
}
"""What somebody did to a store with the sqlite3 shell, and a part of the place that `verify` must name."""


@pytest.mark.parametrize("damage", DAMAGES)
def test_verify_names_the_place_of_what_was_changed(whole: Sample, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "changed.db"
    path.write_bytes(whole.bytes)
    sql, place = DAMAGES[damage]
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sql)
    with closing(SqliteStore(path)) as store:
        found = problems(store)
    assert any(place in problem for problem in found), found


COLUMNS = {
    "events": ("in_commit", "type", "version", "tags", "data"),
    "commits": [
        "size",
        "id",
        "time",
        "authored",
        "author",
        "message",
        "command",
        "metadata",
        "query",
        "after",
        "secret",
        "content",
        "hash",
    ],
    "logs": ("origin_position", "origin_hash", "origin_time", "made_by", "digest", "indexed"),
    "refs": ("value", "digest"),
}
VALUES = ("NULL", "'x'", "x'ff'", "1 << 62", "1.5", "-1", "zeroblob(32)")
LOOSE = """
PRAGMA writable_schema = 1;
UPDATE sqlite_schema SET sql = replace(replace(sql, ') STRICT', ')'), ' NOT NULL', '') WHERE type = 'table';
PRAGMA writable_schema = RESET;
"""


@pytest.mark.parametrize("table", COLUMNS)
def test_a_value_of_another_type_or_beyond_all_limits_is_named(
    small: Sample, tmp_path: Path, watchdog: Watchdog, long: bool, table: str
) -> None:
    path = tmp_path / "changed.db"
    for column in COLUMNS[table]:
        for value in VALUES if long else VALUES[:4]:
            path.write_bytes(small.bytes)
            with closing(sqlite3.connect(path)) as connection:
                connection.executescript(LOOSE)
                connection.execute(f"UPDATE {table} SET {column} = {value}")
                connection.commit()
            watchdog.begin()
            with closing(SqliteStore(path)) as store:
                found = [problem for problem in problems(store) if "defined as it was" not in problem]
                read_all(store)
            assert found, (column, value)


REFS = {
    "branch/planted": (
        "[0,0]",
        "[0,77]",
        "[]",
        "[1]",
        "{",
        "[0,99999999999999999999]",
        "[0,-1]",
        str([0] * 5000),
    ),
    "mark/planted": (
        "7",
        '{"name":"planted","chain":[0,9],"position":3,"hash":"","message":"","author":"","made":0}',
        '{"name":"planted","chain":[0],"position":-3,"hash":"","message":"","author":"","made":0}',
        '{"name":"planted","chain":[0],"position":9223372036854775807,"hash":"","message":"","author":"","made":0}',
    ),
    "reflog": ("x", "0", "-1", "77", "9" * 30),
}


@pytest.mark.parametrize(("ref", "value"), [(ref, value) for ref, values in REFS.items() for value in values])
def test_a_ref_that_leads_nowhere_is_named_though_its_digest_is_right(
    small: Sample, tmp_path: Path, watchdog: Watchdog, ref: str, value: str
) -> None:
    path = tmp_path / "changed.db"
    path.write_bytes(small.bytes)
    watchdog.begin()
    with closing(SqliteStore(path)) as store:
        assert set_ref(store, ref, value, old=None)
        [problem] = problems(store)
        assert ref.split("/", maxsplit=1)[0] in problem
        read_all(store)


@pytest.mark.parametrize("number", [-1, (1 << 23) - 1, 1 << 40, (1 << 63) - 1])
def test_a_log_whose_number_cannot_be_is_named_and_no_other_is_made_after_it(
    small: Sample, tmp_path: Path, watchdog: Watchdog, number: int
) -> None:
    path = tmp_path / "changed.db"
    path.write_bytes(small.bytes)
    with closing(sqlite3.connect(path)) as connection:
        origin = (0, NO_HASH, 0, "")
        row = (number, *origin, row_digest(number, *origin), 0)
        connection.execute("INSERT INTO logs VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        connection.commit()
    with closing(SqliteStore(path)) as store:
        assert any(f"a log has the number {number}" in problem for problem in problems(store))
        read_all(store)
        if number < 0:
            assert create_log(store, store.log().head()) == 2
        else:
            with pytest.raises(StoreError, match="no log after"):
                create_log(store, store.log().head())


@pytest.mark.parametrize("table", ["events", "commits"])
def test_rows_of_a_log_that_is_not_there_are_not_taken_for_the_beginning_of_the_next(
    whole: Sample, tmp_path: Path, table: str
) -> None:
    path = tmp_path / "planted.db"
    path.write_bytes(whole.bytes)
    planted = {"events": OTHER_EVENT, "commits": OTHER_COMMIT}[table].format("(2 << 40) + 151")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"INSERT INTO {table} {planted}")
        connection.commit()
    with closing(SqliteStore(path)) as store:
        with pytest.raises(StoreCorrupt, match="there are rows of log 2"):
            create_log(store, store.log().head())
        assert store.logs() == [0, 1]
        assert one(store.log(), deposited(1), id="goes on").position == 151


def test_a_store_that_was_turned_from_its_write_ahead_log_is_turned_back(
    small: Sample, tmp_path: Path
) -> None:
    path = tmp_path / "turned.db"
    path.write_bytes(small.bytes)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode = DELETE").fetchall() == [("delete",)]
    with closing(SqliteStore(path)) as store:
        assert store.file.fetch("PRAGMA journal_mode") == [("wal",)]
        assert problems(store) == []


def test_verify_says_nothing_of_a_sound_store(whole: Sample, tmp_path: Path) -> None:
    path = tmp_path / "sound.db"
    path.write_bytes(whole.bytes)
    with closing(SqliteStore(path)) as store:
        report = verify(store)
        assert report.sound
        assert report.others == 1
        assert (report.commits, report.events, report.head) == (50, 150, store.log().head())


def test_verify_says_nothing_where_a_reader_knows_the_token_index_as_it_was_before_its_parts_were_joined(
    tmp_path: Path,
) -> None:
    with closing(SqliteStore(tmp_path / "sound.db")) as store:
        log = store.log()
        parts = [[deposited(64 * part + number) for number in range(64)] for part in range(16)]
        for number, part in enumerate(parts[:15]):
            one(log, *part, id=f"part-{number}")
        assert len(list(log.read(Query.of(tags=["account:a-1"])))) == 137
        one(log, *parts[15], id="SQLite joins sixteen parts")
        assert problems(store) == []


def test_verify_reports_how_far_it_is_and_stops_at_the_most(whole: Sample, tmp_path: Path) -> None:
    path = tmp_path / "changed.db"
    path.write_bytes(whole.bytes)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE commits SET message = 'x'")
        connection.commit()
    seen: list[int] = []
    with closing(SqliteStore(path)) as store:
        assert len(verify(store, most=3, progress=seen.append).problems) == 3
        assert len(verify(store, most=10_000).problems) == 50 + 70
    assert seen == [3, 6]
