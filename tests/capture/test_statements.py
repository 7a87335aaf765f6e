"""The statements before which it is said who writes."""

from __future__ import annotations

import pytest

from backstory.capture.statements import may_write


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t VALUES (1)",
        "-- a note\n  /* and\none */update t SET a = 1",
        "WITH gone AS (DELETE FROM t RETURNING a) SELECT * FROM gone",
        "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE",
        "TRUNCATE t",
        "CALL clean()",
        "DO $$ BEGIN UPDATE t SET a = 1; END $$",
    ],
)
def test_what_may_write_is_known_behind_comments_too(sql: str) -> None:
    assert may_write(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a FROM t",
        "/* INSERT */ SELECT a FROM t -- DELETE",
        "WITH some AS (SELECT a FROM t) SELECT a FROM some",  # else SQLite's lock would be taken to read
        "SAVEPOINT one",
        "DOCUMENT",
        "",
    ],
)
def test_what_only_reads_is_no_write(sql: str) -> None:
    assert not may_write(sql)


def test_many_comments_before_a_statement_take_no_time() -> None:
    assert not may_write("/* by a generator */ " * 200 + "SELECT 1")
