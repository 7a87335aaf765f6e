"""A store moves from a file to PostgreSQL and back, in one command each."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from backstory.cli import main
from backstory.conformance.sample import decided, fact, one
from backstory.history.check.verify import verify
from backstory.history.refs.branches import Branches
from backstory.store import Store, append
from backstory.stores import open_store
from backstory.values.commit import drafted
from backstory.values.query import Query
from tests.postgres.server import running, schema_of
from tests.transfer.contents import contents


def history(store: Store) -> None:
    """More than a batch of commits, branches on branches, a deleted one, and marks."""
    log, branches = store.log(), Branches(store)
    for number in range(600):
        one(log, fact("A", f"x:{number % 7}", data=b'{"n" : %d}' % number), fact("B"))
    append(
        log, decided(query=Query.of(["N"]), after=600, command={"name": "n"}, metadata={"k": "\N{SNOWMAN}"})
    )
    query = Query.of(["Taken"])
    both = [decided(fact("Taken"), query=query, after=1201) for _ in range(2)]
    append(log, both[0], decided(), both[1])
    trial = branches.create("trial", (0,), 600, [decided(fact("A", "x:1"))])
    branches.create("trial/two", trial.chain, 601, [decided()])
    branches.create("gone", (0,), 2)
    branches.delete("gone")
    branches.set_mark("q3", (0,), 1200, message="closed")


def test_a_store_moves_from_a_file_to_postgres_and_back(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    address, file, back = running().tcp_address(schema_of(tmp_path)), *(str(tmp_path / name) for name in "ab")
    with closing(open_store(file)) as store:
        history(store)
        before = contents(store)
    for words in (file, address), (address, back):
        assert main(["clone", *words]) == 0
        assert capfd.readouterr().out.startswith("cloned 3 branches: 606 commits, 1,206 events; head ")
        with closing(open_store(words[1])) as store:
            assert contents(store) == before
            assert verify(store).problems == []


def test_a_clone_in_postgres_goes_on_and_is_not_mixed_with_another_history(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    address, file = running().tcp_address(schema_of(tmp_path)), str(tmp_path / "a.db")
    with closing(open_store(file)) as store, closing(open_store(address)) as there:
        history(store)
        for commit in store.log().commits(limit=3):  # what a clone that was cut off leaves
            append(
                there.log(), drafted(commit, store.log().read(after=commit.first - 1, upto=commit.position))
            )
    assert main(["clone", file, address]) == 0
    assert "603 commits, 1,200 events, and 6 events there already" in capfd.readouterr().out
    assert main(["clone", file, address]) == 0
    assert capfd.readouterr().out.startswith("nothing new: 3 branches, 1,206 events there already; head ")
    for same in [], ["--json"]:
        assert main([*same, "clone", address, address]) == 2
        assert main([*same, "clone", address, file]) == 0
    with closing(open_store(address)) as there:
        one(there.log())
    assert main(["clone", file, address]) == 2
    shown = capfd.readouterr()
    assert "the target has commits in main that the source does not have; it ends at #1205" in shown.err
    assert "sesame" not in shown.out + shown.err
