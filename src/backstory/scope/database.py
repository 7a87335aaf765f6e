"""A database as a reader with a scope sees it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, NoReturn
from weakref import WeakKeyDictionary

from msgspec.structs import replace

from backstory.database import Database
from backstory.decide.state import State
from backstory.errors import BackstoryError, OutOfScope
from backstory.handle import Handle
from backstory.history.merge.merge import DEFAULTS, MergeReport, Options
from backstory.history.refs.branches import Branches
from backstory.line import lines_of
from backstory.scope.log import read_only
from backstory.scope.merging import Showing
from backstory.scope.rule import Scope, sight_of
from backstory.scope.store import ScopedBranches, ScopedStore
from backstory.verbs.held import Held, S

if TYPE_CHECKING:
    import pyarrow as pa

    from backstory.frames import Frame
    from backstory.history.ask.bisect import Found, StateTurn
    from backstory.history.ask.recall import Known
    from backstory.history.ask.summary import TagCount
    from backstory.history.ask.why import Why
    from backstory.history.backtest.report import Report
    from backstory.history.blame.blame import Blame
    from backstory.history.check.proof import Proof
    from backstory.history.compare.diff import Difference
    from backstory.history.refs.revision import Revision
    from backstory.history.spec.make import Spec
    from backstory.projections.find import Page
    from backstory.projections.views import Views
    from backstory.table import Table
    from backstory.values.commit import Commit
    from backstory.values.query import Query

KEPT = 16
"""Scopes of one database that are remembered, with the states that their readers loaded."""

_kept: WeakKeyDictionary[Held, OrderedDict[Scope, ScopedBranches]] = WeakKeyDictionary()


class ScopedDatabase(Database):
    """A branch of a store, to read what a scope allows; `scoped` makes one.

    The log below gives nothing else. Here are the verbs that ask for more than a log, and those that write.
    """

    def __init__(self, db: Database, branches: Branches, scope: Scope) -> None:
        named = None if db.name is None else branches.find(db.name)
        self.handle = Handle(branches, db.handle.drafter, named or db.chain)
        self.scope = scope
        self._whole = db
        self._owns = False
        self._root = self
        self._made_views = None

    def _on(self, handle: Handle) -> Any:
        other = super()._on(handle)
        if handle.name is not None:
            other._whole = self._whole.switch(handle.name)
        return other

    def close(self) -> None:
        """Do nothing: the store belongs to the database that this one was made of."""

    def seen(self, error: BackstoryError) -> BackstoryError:
        """An error of the database that this one was made of, as the reader may see it.

        A `Conflict` or a `MergeConflict` names events in scope only, and counts the others.
        """
        return Showing(self.branches, self.scope).error(error)

    def _refused(self, *_: Any, **__: Any) -> NoReturn:
        """Raise `StoreRefused`: a reader writes nothing."""
        raise read_only()

    execute = append = atomic = branch = mark = revert = what_if = _refused
    project = materialize = rebuild = run = subscribe = _refused

    def merge(self, source: str, options: Options = DEFAULTS) -> MergeReport:
        """The report of a merge, as the reader may see it: `options` are those of a preview, or a dry run.

        It is judged on the whole history. Of commits outside of the scope the report has the outcomes only.
        """
        return self._shown(options, lambda preview: self._whole.merge(source, preview))

    def _previewing(self, source: str, options: Options) -> Generator[None, None, MergeReport]:
        report = yield from self._whole._previewing(source, options)
        return Showing(self.branches, self.scope).report(report)

    def rebase(self, onto: Revision, options: Options = DEFAULTS) -> MergeReport:
        """The report of a rebase, as the reader may see it; see `merge`."""
        return self._shown(options, lambda preview: self._whole.rebase(self._seen_point(onto), preview))

    def cherry_pick(self, commit: Revision, options: Options = DEFAULTS) -> MergeReport:
        """The report of taking over a commit, as the reader may see it; see `merge`."""
        self._commit(commit)
        return self._shown(
            options, lambda preview: self._whole.cherry_pick(self._seen_point(commit), preview)
        )

    def _seen_point(self, revision: Revision) -> Revision:
        """A revision that means for everybody what it means for this reader: the hash of a commit, if one is seen."""
        point = self.point(revision)
        return revision if point.commit is None else point.commit.hash.hex()

    def _shown(self, options: Options, judged: Callable[[Options], MergeReport]) -> MergeReport:
        if options.writes:
            raise read_only()
        return Showing(self.branches, self.scope).report(judged(replace(options, preview=True)))

    def diff(self, a: Revision, b: Revision, state: State) -> Difference:
        """See `Database.diff`."""
        with self.scope.applied():
            return super().diff(a, b, state)

    def blame(self, state: State, at: Revision | None = None, *, assertions: bool = False) -> Blame:
        """See `Database.blame`."""
        with self.scope.applied():
            return super().blame(state, at, assertions=assertions)

    def why(
        self, state: State, field: str, at: Revision | None = None, *, commands: Known | None = None
    ) -> Why:
        """See `Database.why`."""
        with self.scope.applied():
            return super().why(state, field, at, commands=commands)

    def backtest(self, range: str | None = None, **how: Any) -> Report:
        """See `Database.backtest`. Raises `OutOfScope` unless the reader sees everything: a decision reads all."""
        if not self.scope.is_whole:
            raise OutOfScope("backtest of", range or "this branch")
        return super().backtest(range, **how)

    def spec(self, state: State, range: str | None = None, **how: Any) -> Spec:
        """See `Database.spec`. Raises `OutOfScope` unless the reader sees everything: a decision reads all."""
        if not self.scope.is_whole:
            raise OutOfScope("spec of", type(state).__name__)
        return super().spec(state, range, **how)

    def bisect(
        self,
        state: State,
        where: Callable[[Any], bool] | str,
        *,
        good: Revision | None = None,
        bad: Revision | None = None,
    ) -> Found:
        """See `Database.bisect`. Raises `OutOfScope` if the text names a field that is hidden."""
        with self.scope.applied():
            return super().bisect(state, where, good=good, bad=bad)

    def turns(
        self,
        state: type[State],
        where: Callable[[Any], bool] | str,
        *,
        good: Revision | None = None,
        bad: Revision | None = None,
        limit: int | None = None,
    ) -> Iterator[StateTurn]:
        """See `Database.turns`. Raises `OutOfScope` if the text names a field that is hidden."""
        with self.scope.applied():
            found = super().turns(state, where, good=good, bad=bad, limit=limit)
        return self.scope.each(found)

    def tags(self, key: str | None = None) -> list[TagCount]:
        """See `Database.tags`. Raises `OutOfScope` for a key of which the reader sees no tag."""
        if key is not None and not sight_of(self.scope).key(key):
            raise OutOfScope("key of tags", key)
        return super().tags(key)

    def prove(self, *given: Any, **more: Any) -> Proof:
        """See `Database.prove`. Raises `OutOfScope` unless the reader sees everything: a proof shows stored bytes."""
        if not self.scope.is_whole:
            raise OutOfScope("proof of", str(given[0] if given else more.get("commit")))
        return super().prove(*given, **more)

    @property
    def views(self) -> Views:
        """The tables of projections, for a reader who sees everything: a table knows nothing of tags and types."""
        if not self.scope.is_whole:
            raise OutOfScope("tables of", "projections")
        return self._whole.views

    def find(
        self,
        state: type[S],
        where: str = "",
        *,
        order_by: str | Sequence[str] = (),
        limit: int | None = None,
        after: str | None = None,
        count: bool | Literal["about"] = False,
        at: Revision | None = None,
        commit: Commit | int | str | None = None,
        timeout: float = 5.0,
    ) -> Page[S]:
        """See `Database.find`. The log is folded, unless the reader sees everything: a table has more states.

        Raises `OutOfScope` if a condition, or an order, names a field that is hidden.
        """
        if self.scope.is_whole:
            return super().find(
                state, where, order_by=order_by, limit=limit, after=after, count=count, at=at, commit=commit,
                timeout=timeout,
            )  # fmt: skip
        from backstory.projections.find import asked, by_folding

        line, upto = self._view(at)
        with self.scope.applied():
            return by_folding(line.log, state, asked(where, order_by, limit, after, count), upto)

    def frame(
        self,
        *what: type[Any] | UnionType | str | State | Query | Table[Any],
        tags: Iterable[str] = (),
        after: int | str = 0,
        where: str = "",
        order_by: str | Sequence[str] = (),
        limit: int | None = None,
        at: Revision | None = None,
        commit: Commit | int | str | None = None,
        history: bool = False,
    ) -> Frame:
        """See `Database.frame`. A field that is hidden is null."""
        with self.scope.applied():
            return super().frame(
                *what,
                tags=tags,
                after=after,
                where=where,
                order_by=order_by,
                limit=limit,
                at=at,
                commit=commit,
                history=history,
            )

    def batches(self, *what: Any, **bounds: Any) -> Iterator[pa.RecordBatch]:
        """See `Database.batches`. A field that is hidden is null."""
        return self.scope.each(super().batches(*what, **bounds))

    def rows(self, projection: Any, *given: Any, **more: Any) -> list[Any]:
        """See `Database.rows`. Raises `OutOfScope` unless the reader sees everything."""
        self.views  # noqa: B018 - which says so
        return super().rows(projection, *given, **more)


def scoped(db: Database, scope: Scope) -> ScopedDatabase:
    """A database on the same branch that reads what a scope allows, and writes nothing, also where that is everything.

    A query, a state or a field outside of the scope is refused with `OutOfScope`. States that are loaded are
    remembered for the next reader of the same scope, and for nobody else. It lives as long as `db`.
    """
    if isinstance(db, ScopedDatabase):
        raise OutOfScope("database of", "another reader")
    return ScopedDatabase(db, _branches(db, scope), scope)


def _branches(db: Database, scope: Scope) -> ScopedBranches:
    root = db._root
    if db.branches is not root.handle.branches:  # a branch in memory, which is in no store
        return _made(db.branches, scope)
    with root.handle._lock:
        kept = _kept.setdefault(root, OrderedDict())
        if scope not in kept:
            kept[scope] = _made(db.branches, scope)
            if len(kept) > KEPT:
                kept.popitem(last=False)
        kept.move_to_end(scope)
        return kept[scope]


def _made(branches: Branches, scope: Scope) -> ScopedBranches:
    store = ScopedStore(branches.store, scope)
    lines_of(store).cache.limit = lines_of(branches.store).cache.limit // KEPT
    return ScopedBranches(branches, store, scope)
