"""Files of tables beside a SQLite log."""

from __future__ import annotations

from pathlib import Path

from backstory.projections.files import TableFile


def test_a_file_of_tables_is_not_synced_at_each_commit(tmp_path: Path) -> None:
    file = TableFile(tmp_path / "views" / "orders.db")
    file.make()
    with file.transaction() as tx:
        assert tx.rows("PRAGMA synchronous") == [(1,)]  # NORMAL: a lost tail is applied again
        assert tx.rows("PRAGMA journal_mode") == [("wal",)]
        assert tx.rows("PRAGMA temp_store") == [(2,)]
    file.close()
