"""The promises of a store beside its logs: caches, watchers, and tables that are written together with it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from backstory.conformance.sample import START, decided, fact, one, positions
from backstory.errors import Conflict, StoreRefused
from backstory.store import Store, append, create_log, set_ref, write
from backstory.tables import Tables, Transaction
from backstory.unit import Addition, Append, SetRef, Unit, Withhold, Within, new_log
from backstory.values.commit import DATA, ORIGIN, Head
from backstory.values.query import Query


def counted(store: Store) -> Tables:
    """The tables of a store, with one that is empty."""
    tables = store.tables
    assert tables is not None
    with tables.transaction() as transaction:
        transaction.execute("CREATE TABLE counted (type TEXT, n INTEGER)")
    return tables


def rows(tables: Tables) -> list[tuple[object, ...]]:
    """The content of the table."""
    with tables.reading() as transaction:
        return transaction.rows("SELECT type, n FROM counted ORDER BY type, n")


class Caching:
    """Sentences about caches."""

    def test_what_is_kept_is_there_until_it_is_forgotten(self, store: Store) -> None:
        caches = store.caches
        assert caches.get("snapshot/0/A") is None
        for name, value in (("snapshot/0/A", b"1"), ("snapshot/0/B", b""), ("other", bytes(range(256)))):
            caches.set(name, value)
        caches.set("snapshot/0/A", b"2")
        assert caches.get("snapshot/0/A") == b"2"
        assert caches.get("other") == bytes(range(256))
        many = [f"snapshot/{number}" for number in range(2_000)]
        assert caches.get_all(["other", *many, "snapshot/0/A", "other"]) == {
            "other": bytes(range(256)),
            "snapshot/0/A": b"2",
        }
        assert caches.get_all([]) == {}
        assert list(caches.names("snapshot/")) == ["snapshot/0/A", "snapshot/0/B"]
        caches.set("snapshot/0/A", None)
        caches.set("snapshot/0/A", None)
        assert list(caches.names()) == ["other", "snapshot/0/B"]

    def test_no_ref_is_a_cache(self, store: Store) -> None:
        store.caches.set("branch/main", b"1")
        assert store.refs.get("branch/main") == "0"
        assert list(store.caches.names()) == ["branch/main"]


class Watching:
    """Sentences about watching a store."""

    def test_a_watcher_is_called_after_an_append_to_any_log(self, store: Store) -> None:
        number = create_log(store, ORIGIN)
        called = threading.Event()
        end = store.watch(called.set)
        for log in (0, number):
            called.clear()
            one(store.log(log))
            assert called.wait(60)
        end()
        end()

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
    def test_a_watcher_that_raises_harms_neither_writers_nor_other_watchers(self, store: Store) -> None:
        def wrong() -> None:
            raise LookupError("a watcher that fails")

        called = threading.Event()
        ends = [store.watch(wrong), store.watch(called.set)]
        for _ in range(2):
            called.clear()
            one(store.log(0))
            assert called.wait(60)
        for end in ends:
            end()

    def test_waking_calls_the_watchers(self, store: Store) -> None:
        called = threading.Event()
        end = store.watch(called.set)
        store.wake()
        assert called.wait(60)
        end()

    def test_closing_calls_the_watchers(self, store: Store) -> None:
        called = threading.Event()
        end = store.watch(called.set)
        store.close()
        assert called.wait(60)
        end()


class Hooks:
    """Sentences about hooks; they are not asked of a store without tables."""

    def test_a_hook_gets_the_head_that_was_found_and_the_events_that_were_added(self, store: Store) -> None:
        first = one(store.log(0), fact("A"))
        seen: list[tuple[Head, list[str]]] = []

        def hook(_transaction: object, found: Head, added: Addition) -> None:
            seen.append((found, [event.type for event in added.events]))

        store.log(0).append([[decided(fact("B"), fact("C"))], [decided(fact("D"))]], within=hook)
        assert seen == [(first.point, ["B", "C", "D"])]

    def test_what_a_hook_writes_is_kept_with_the_unit(self, store: Store) -> None:
        tables = counted(store)

        def hook(transaction: Transaction, _found: Head, added: Addition) -> None:
            transaction.executemany(
                "INSERT INTO counted VALUES (?, ?)", [(each.type, 1) for each in added.events]
            )

        store.log(0).append([[decided(fact("A"))]], within=hook)
        assert rows(tables) == [("A", 1)]

    def test_a_hook_that_raises_takes_its_unit_back(self, store: Store) -> None:
        tables = counted(store)

        def hook(transaction: Transaction, _found: Head, _added: Addition) -> None:
            transaction.execute("INSERT INTO counted VALUES ('A', 1)")
            raise LookupError("a projection that fails")

        with pytest.raises(LookupError, match="a projection that fails"):
            store.log(0).append([[decided()]], beside=[SetRef("a", "1", None)], within=hook)
        assert store.log(0).head() == ORIGIN
        assert store.refs.get("a") is None
        assert rows(tables) == []
        assert one(store.log(0)).position == 1

    def test_a_hook_that_writes_beside_its_transaction_is_refused(self, store: Store) -> None:
        def hook(_transaction: object, _found: Head, _added: Addition) -> None:
            with pytest.raises(StoreRefused):
                one(store.log(0))

        commits = store.log(0).append([[decided()]], within=hook)[0]
        assert tuple(store.log(0).commits()) == commits

    def test_a_retry_does_not_run_the_hook(self, store: Store) -> None:
        runs: list[int] = []

        def hook(_transaction: object, _found: Head, added: Addition) -> None:
            runs.append(len(added.events))

        draft = decided()
        for _ in range(2):
            store.log(0).append([[draft]], within=hook)
        assert runs == [1]

    def test_the_hook_of_a_new_log_gets_its_events(self, store: Store) -> None:
        seen: list[tuple[Head, int]] = []

        def hook(_transaction: object, found: Head, added: Addition) -> None:
            seen.append((found, len(added.events)))

        made = new_log(Head(3, b"x" * 32, START))
        store.write([Unit((made, Append(made, [decided()])), Within(made, hook))])
        assert seen == [(made.origin, 1)]

    def test_a_hook_of_a_log_that_its_unit_does_not_append_to_is_an_error(self, store: Store) -> None:
        number = create_log(store, ORIGIN)
        for log in (number, 99, new_log(ORIGIN)):
            within = Within(log, lambda *_: None)
            with pytest.raises(ValueError, match="a log that its unit appends to"):
                store.write([Unit((Append(0, [decided()]),), within)])
        assert store.log(0).head() == ORIGIN

    def test_of_many_threads_only_the_one_whose_hook_raises_is_told(self, store: Store) -> None:
        def fine(_transaction: object, _found: Head, _added: Addition) -> None:
            pass

        def wrong(_transaction: object, _found: Head, _added: Addition) -> None:
            raise LookupError("a projection that fails")

        begin = threading.Barrier(8)

        def work(thread: int) -> bool:
            begin.wait(60)
            try:
                store.log(0).append([[decided()]], within=wrong if thread == 3 else fine)
            except LookupError:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(work, range(8))) == [thread != 3 for thread in range(8)]
        assert store.log(0).head().position == 7


class Joining:
    """Sentences about a store inside a transaction; they are not asked of a store that joins nothing."""

    def test_what_is_written_inside_a_transaction_is_kept_with_it(self, store: Store) -> None:
        tables = counted(store)
        with tables.transaction() as transaction:
            joined = store.joined(transaction)
            commit = one(joined.log(0), fact("A"))
            transaction.execute("INSERT INTO counted VALUES (?, ?)", ("A", commit.position))
            assert set_ref(joined, "mark/a", "1", old=None)
        assert list(store.log(0).commits()) == [commit]
        assert store.refs.get("mark/a") == "1"
        assert rows(tables) == [("A", 1)]

    def test_what_is_written_inside_a_transaction_that_fails_is_gone_with_it(self, store: Store) -> None:
        tables = counted(store)
        one(store.log(0))

        def request() -> None:
            with tables.transaction() as transaction:
                joined = store.joined(transaction)
                number = create_log(joined, joined.log(0).head())
                one(joined.log(number))
                one(joined.log(0), fact("A"), fact("B"))
                set_ref(joined, "mark/a", "1", old=None)
                transaction.execute("INSERT INTO counted VALUES ('A', 1)")
                raise LookupError("a request that fails")

        with pytest.raises(LookupError):
            request()
        assert store.log(0).head().position == 1
        assert list(store.logs()) == [0]
        assert store.refs.get("mark/a") is None
        assert rows(tables) == []
        assert one(store.log(0), fact("C")).position == 2
        assert [event.type for event in store.log(0).read(Query.of(["A", "B", "C"]))] == ["C"]

    def test_it_reads_what_it_wrote_and_nobody_else_does(self, store: Store) -> None:
        tables = counted(store)
        with tables.transaction() as transaction:
            joined = store.joined(transaction)
            commit = one(joined.log(0), fact("A", "x:1"))
            assert list(joined.log(0).commits()) == [commit]
            assert len(list(joined.log(0).read(Query.of(["A"], ["x:1"])))) == 1
            [verdict] = joined.log(0).append([[decided(query=Query.of(["A"]))]])
            assert isinstance(verdict, Conflict)
            with ThreadPoolExecutor(1) as pool:
                assert pool.submit(lambda: store.log(0).head()).result(60) == ORIGIN

    def test_a_write_beside_a_transaction_from_inside_it_is_refused(self, store: Store) -> None:
        tables = counted(store)
        log = store.log(0)
        with tables.transaction() as transaction:
            joined = one(store.joined(transaction).log(0))
            with pytest.raises(StoreRefused, match="joined"):
                one(log)
            with pytest.raises(StoreRefused, match="joined"), tables.transaction():
                pass
        assert list(log.commits()) == [joined]
        assert one(log).position == 2

    def test_an_append_beside_a_transaction_waits_and_is_decided_on_the_commits_that_were_kept(
        self, store: Store
    ) -> None:
        tables = counted(store)
        with ThreadPoolExecutor(1) as pool:
            with tables.transaction() as transaction:
                one(store.joined(transaction).log(0), fact("A"))
                waiting = pool.submit(store.log(0).append, [[decided(query=Query.of(["A"]))]])
                assert not waiting.done()
            [verdict] = waiting.result(60)
        assert isinstance(verdict, Conflict)
        assert one(store.log(0)).position == 2

    def test_a_watcher_is_called_after_a_transaction_that_was_joined(self, store: Store) -> None:
        tables, seen = counted(store), threading.Event()

        def look() -> None:
            if store.log(0).head().position:
                seen.set()

        end = store.watch(look)
        with tables.transaction() as transaction:
            one(store.joined(transaction).log(0))
        assert seen.wait(60)
        end()

    def test_the_same_draft_is_known_inside_and_after(self, store: Store) -> None:
        tables, draft = counted(store), decided()
        with tables.transaction() as transaction:
            log = store.joined(transaction).log(0)
            assert append(log, draft) == append(log, draft)
        assert append(store.log(0), draft) == tuple(store.log(0).commits())

    def test_a_part_that_is_withheld_inside_a_transaction_that_fails_is_there_again(
        self, store: Store
    ) -> None:
        tables = counted(store)
        commit = one(store.log(0))
        store.caches.set("snapshot/x", b"1")

        def request(*, fails: bool) -> None:
            with tables.transaction() as transaction:
                write(store.joined(transaction), Withhold(0, commit.id, (DATA,)))
                if fails:
                    raise LookupError("a request that fails")

        with pytest.raises(LookupError):
            request(fails=True)
        [event] = store.log(0).read()
        assert event.data
        assert store.caches.get("snapshot/x") == b"1"
        request(fails=False)
        [event] = store.log(0).read()
        assert not event.data
        assert store.caches.get("snapshot/x") is None

    def test_a_transaction_may_go_back_to_a_savepoint_or_refuses_it(self, store: Store) -> None:
        tables = counted(store)
        with tables.transaction() as transaction:
            joined = store.joined(transaction)
            log = joined.log(0)
            kept = one(log, fact("A", "x:1"))
            try:
                transaction.execute("SAVEPOINT mine")
            except StoreRefused:
                return
            number = create_log(joined, kept.point)
            one(log, fact("B", "x:2"))
            assert positions(log.read(Query.of(tags=["x:2"]))) == [2]
            transaction.execute("ROLLBACK TO SAVEPOINT mine")
            assert log.head() == kept.point
            with pytest.raises(KeyError):
                joined.log(number)
            again = one(store.joined(transaction).log(0), fact("C", "x:3"))
            last = append(log, decided(fact("D"), query=Query.of(tags=["x:2"])))
            assert list(log.commits()) == [kept, again, *last]
            assert positions(log.read(Query.of(tags=["x:3"]), after=1, upto=2)) == [2]
            assert joined.log(create_log(joined, ORIGIN)).head() == ORIGIN
        assert list(store.log(0).commits()) == [kept, again, *last]

    def test_a_store_inside_a_transaction_is_over_with_it(self, store: Store) -> None:
        tables = counted(store)
        kept: list[Transaction] = []
        with tables.transaction() as transaction:
            joined = store.joined(transaction)
            log = joined.log(0)
        with tables.reading() as reading:
            kept.append(reading)
        store.log(0).append([[decided()]], within=lambda hooked, _found, _added: kept.append(hooked))
        for late in (
            lambda: one(log),
            log.head,
            lambda: joined.refs.get("a"),
            lambda: set_ref(joined, "a", "1", old=None),
        ):
            with pytest.raises(StoreRefused, match="is over"):
                late()
        for each in (transaction, *kept):
            with pytest.raises(StoreRefused, match="is over"):
                each.execute("INSERT INTO counted VALUES ('late', 1)")
            with pytest.raises(StoreRefused, match="is over"):
                each.rows("SELECT 1")
        assert one(store.log(0)).position == 2
        assert len(list(store.log(0).read())) == 2
        assert rows(tables) == []

    def test_hooks_run_inside_too(self, store: Store) -> None:
        tables = counted(store)

        def hook(transaction: Transaction, _found: Head, added: Addition) -> None:
            transaction.executemany(
                "INSERT INTO counted VALUES (?, 1)", [(each.type,) for each in added.events]
            )

        with tables.transaction() as transaction:
            store.joined(transaction).log(0).append([[decided(fact("A"))]], within=hook)
        assert rows(tables) == [("A", 1)]
