"""The promise of a persistent store: its content is there again when the store is opened again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from backstory.conformance.places import branched
from backstory.conformance.sample import FAR, decided, fact, fill, ids, one, positions
from backstory.store import Store, append, set_ref
from backstory.values.query import Query


class Keeping:
    """Sentences about opening again; they are not asked of a store that is not `persistent`."""

    open_store: Callable[[Path], Store]

    def test_all_is_there_after_the_store_was_opened_again(self, tmp_path: Path) -> None:
        store = self.open_store(tmp_path)
        main, other = branched(store)
        fill(main)
        set_ref(store, "mark/q3", "7", old=None)
        before = [list(main.read()), list(main.commits()), list(other.read()), list(other.commits())]
        store.close()
        store = self.open_store(tmp_path)
        main, other = store.log(), store.log(1)
        assert [list(main.read()), list(main.commits()), list(other.read()), list(other.commits())] == before
        assert positions(main.read(Query.of(["A"], ["x:1"]))) == [1]
        assert store.refs.get("mark/q3") == "7"
        assert one(main).position == FAR + 4
        store.close()

    def test_a_retry_is_known_after_the_store_was_opened_again(self, tmp_path: Path) -> None:
        draft = decided(fact("A", "x:1"), query=Query.all(), message="once")
        store = self.open_store(tmp_path)
        first = append(store.log(), draft)
        store.close()
        again = self.open_store(tmp_path)
        assert append(again.log(), draft) == first
        assert ids(again.log().commits()) == [draft.id]
        again.close()
