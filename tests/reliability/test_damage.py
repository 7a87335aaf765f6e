"""A flipped bit anywhere in a closed file is found, or changes nothing that a reader can learn."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from backstory.errors import StoreError
from backstory.history.verify import verify
from backstory.stores.sqlite import SqliteStore
from tests.reliability.samples import contents, problems, sample

PAGE = 4096
BATCHES = 8


class Sample:
    """A closed store, its bytes, and what they say."""

    def __init__(self, path: Path) -> None:
        sample(path)
        store = SqliteStore(path)
        assert problems(store) == []
        self.contents = contents(store)
        store.close()
        self.bytes = path.read_bytes()

    def harmless(self, path: Path, offset: int, bit: int) -> bool:
        """Whether all reads as before with this bit flipped, or a problem is named. Other errors are not caught."""
        for old in path.parent.glob(path.name + "*"):
            old.unlink()
        flipped = bytearray(self.bytes)
        flipped[offset] ^= 1 << bit
        path.write_bytes(flipped)
        try:
            store = SqliteStore(path)
        except StoreError:
            return True
        with closing(store):
            return bool(problems(store)) or contents(store) == self.contents


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return Sample(tmp_path_factory.mktemp("whole") / "history.db")


@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_flipped_bit_anywhere_is_found_or_changes_nothing(
    whole: Sample, tmp_path: Path, long: bool, batch: int
) -> None:
    chance = random.Random(batch)
    for _ in range(2_000 if long else 15):
        offset, bit = chance.randrange(len(whole.bytes)), chance.randrange(8)
        assert whole.harmless(tmp_path / "flipped.db", offset, bit), (offset, bit)


@pytest.mark.parametrize("page", [0, 1], ids=["definitions", "logs"])
def test_a_flipped_bit_in_a_page_that_all_depends_on_is_found(
    whole: Sample, tmp_path: Path, long: bool, page: int
) -> None:
    chance = random.Random(page)
    used = [place for place in range(page * PAGE, (page + 1) * PAGE) if whole.bytes[place]]
    for offset in used if long else chance.sample(used, 25):
        assert whole.harmless(tmp_path / "flipped.db", offset, chance.randrange(8)), offset


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
    "commit_query": ("UPDATE commits SET query = '[]' WHERE position = 42", "#42"),
    "commit_without_its_query": ("UPDATE commits SET query = NULL WHERE position = 42", "#42"),
    "commit_after": ("UPDATE commits SET after = after - 1 WHERE position = 42", "#42"),
    "commit_size": ("UPDATE commits SET size = 2 WHERE position = 42", "#42"),
    "commit_content": ("UPDATE commits SET content = zeroblob(32) WHERE position = 42", "#42"),
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


def test_verify_says_nothing_of_a_sound_store(whole: Sample, tmp_path: Path) -> None:
    path = tmp_path / "sound.db"
    path.write_bytes(whole.bytes)
    with closing(SqliteStore(path)) as store:
        report = verify(store)
        assert report.sound
        assert report.others == 1
        assert (report.commits, report.events, report.head) == (50, 150, store.log().head())


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
