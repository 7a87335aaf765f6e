"""The one object that users hold: a branch of a store, and the verbs on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from backstory import context as contexts
from backstory.codec import decode
from backstory.commands import Command
from backstory.commit import Commit, Head, drafted
from backstory.drafting import Drafter
from backstory.errors import BranchError, UnknownRevision
from backstory.execution import RETRIES, Executor, Preview, repeated
from backstory.history.bisect import Found, first
from backstory.history.blame import Blame, blame
from backstory.history.branches import MAIN, TRIAL, Branches, Chain, Mark
from backstory.history.diff import Difference, diff
from backstory.history.expression import predicate
from backstory.history.merge import DEFAULTS, MergeReport, Options, cherry_pick, merge, rebase
from backstory.history.revert import Inversion, revert
from backstory.history.revision import Point, Revision, commits_between, resolve, resolve_range
from backstory.ids import new_id, new_secret, now
from backstory.loading import Cache, Loader
from backstory.local import store_id
from backstory.query import Condition, Query
from backstory.selection import wanted
from backstory.snapshots import Snapshots
from backstory.state import State, defined_states
from backstory.store import Record, append, commit_finder
from backstory.stores import open_store
from backstory.stores.memory import MemoryStore
from backstory.stores.overlay import OverlayLog
from backstory.subject import REVERTS

if TYPE_CHECKING:
    from typing import Self

    from backstory.commit import Draft
    from backstory.store import Log, Store

S = TypeVar("S", bound=State)


class Database:
    """One branch of a store, and the verbs on it. Safe for many threads; states that it gives belong to the caller.

    The clock and the sources of ids and secrets are passed in, so that a test may say what they give. `drafter` and
    `executor` are the halves of a write, public for code that appends the drafts of many callers together.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], datetime] = now,
        ids: Callable[[], str] = new_id,
        secrets: Callable[[], bytes] = new_secret,
        cache_bytes: int = 64_000_000,
    ) -> None:
        self.store = store
        self.branches = Branches(store, clock=clock, ids=ids, secrets=secrets)
        self.drafter = Drafter(clock, ids, secrets)
        self._cache_bytes = cache_bytes
        self._root = True
        main = self.branches.get(MAIN)
        self._use(MAIN, main.chain, self.branches.open(main))

    def _use(self, name: str | None, chain: Chain, log: Log) -> None:
        self.name = name
        self.chain = chain
        self.log = log
        snapshots = None if name is None else Snapshots(self.store.caches, "-".join(map(str, chain)))
        self._loader = Loader(log, snapshots, Cache(self._cache_bytes))
        self.executor = Executor(self._loader)

    def _on(self, name: str | None, chain: Chain, log: Log) -> Self:
        """This database on another branch; they share the store, and its life is the first one's."""
        other = copy(self)
        other._root = False
        other._use(name, chain, log)
        return other

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the store. On a branch that was opened from another database, nothing: that one has the store."""
        if self._root:
            self.store.close()

    def store_id(self) -> str:
        """The random id of the store, the same on each of its branches. A clone has another."""
        return store_id(self.store)

    def head(self) -> Head:
        """Where the branch ends."""
        return self.log.head()

    def point(self, at: Revision) -> Point:
        """The point that a revision means, seen from this branch. Raises `UnknownRevision`, `AmbiguousRevision`."""
        return resolve(self.branches, at, self.chain)

    def load(self, state: S, at: Revision | None = None) -> S:
        """A copy of `state` filled from its events, now or as of a revision; the reference itself stays empty."""
        log, position = self._view(at)
        loader = self._loader if log is self.log else Loader(log)
        return loader.load(state, position)

    def execute(
        self,
        command: Command,
        *,
        id: str | None = None,
        author: str | None = None,
        message: str | None = None,
        meta: Mapping[str, Any] | None = None,
        retries: int = RETRIES,
    ) -> Commit | None:
        """Load what the command reads, decide, append on that condition, and try again on a conflict.

        Returns the commit, None where the command decided that nothing is to happen. With an `id` it happens once: the
        same command with the same id gives the recorded commit. Raises `Refused` where the command says no, `Conflict`
        after `retries` tries, `IdReused`, and `BranchMoved`, a `BranchError`, where the branch was moved or deleted
        since it was opened.
        """
        if (done := self._done(id, command)) is not None:
            return done
        drafting = self.drafter.for_command(command, id=id, author=author, message=message, meta=meta)
        try:
            return self.executor.execute(command, drafting, retries) or self._done(id, command)
        except Exception:
            # Perhaps it decided on what another caller with this id had just done.
            if (done := self._done(id, command)) is not None:
                return done
            raise

    def preview(self, command: Command) -> Preview:
        """What the command would do now: its events, and each state before and after. Appends nothing."""
        return self.executor.preview(command, self.drafter.for_command(command))

    def append(
        self,
        *events: Any,
        condition: Condition | None = None,
        id: str | None = None,
        author: str | None = None,
        message: str | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> Commit:
        """Append facts that need no decision, as one commit.

        Raises `InvalidEvent`, `Conflict`, `IdReused`, and `BranchMoved` as `execute` does.
        """
        draft = self.drafter.for_facts(events, condition, id=id, author=author, message=message, meta=meta)
        [commit] = append(self.log, draft)
        return commit

    def read(
        self,
        *what: type[Any] | str | State | Query,
        tags: Iterable[str] = (),
        after: int = 0,
        at: Revision | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Iterator[Record]:
        """Stream events, typed, with their records: all of them, or those that match any of `what`.

        That may be event types, by class or name, with all of `tags`; a state, for the events that it reads; a query.
        An event of a type that no class here has comes as `Unknown`.
        """
        log, upto = self._view(at)
        commit_at = self._loader.commit_at if log is self.log else commit_finder(log)
        query = wanted(what, tuple(tags))
        for stored in log.read(query, after=after, upto=upto, backwards=backwards, limit=limit):
            yield Record(decode(stored), stored, commit_at)

    def commits(
        self, *, after: int = 0, at: Revision | None = None, backwards: bool = False
    ) -> Iterator[Commit]:
        """Stream the commits up to a revision, oldest first or newest first."""
        log, upto = self._view(at)
        return log.commits(after=after, upto=upto, backwards=backwards)

    def between(self, text: str) -> Iterator[Commit]:
        """The commits of a range, oldest first: `a..b` are those of `b` that `a` has not; `a...b` those of one side."""
        span = resolve_range(self.branches, text, self.chain)
        if span is None:
            raise UnknownRevision(text, "a range has two points: main..what-if")
        if span.both:
            yield from commits_between(self.branches, span.end, span.start)
        yield from commits_between(self.branches, span.start, span.end)

    def branch(self, name: str, at: Revision | None = None) -> Self:
        """Make a branch here, or at any past revision, and open it. Costs the same however long the history is."""
        point = Point(self.chain, self.log.head().position) if at is None else self.point(at)
        made = self.branches.create(name, point.chain, point.position)
        return self._on(name, made.chain, self.branches.open(made))

    def switch(self, name: str) -> Self:
        """Open another branch. Raises `UnknownRevision`."""
        branch = self.branches.get(name)
        return self._on(name, branch.chain, self.branches.open(branch))

    @contextmanager
    def what_if(self) -> Iterator[WhatIf]:
        """A branch without a name, in memory, that is gone at the end of the block, unless it is kept with a name."""
        head = self.log.head()
        yield WhatIf(self, OverlayLog(self.log, head, MemoryStore(head).log()))

    def mark(self, name: str, at: Revision | None = None, *, message: str = "", author: str = "") -> Mark:
        """Give a point of history a name: `db.mark("q3-closed")`, then `at="q3-closed"`. Raises `BranchError`."""
        point = Point(self.chain, self.log.head().position) if at is None else self.point(at)
        return self.branches.set_mark(name, point.chain, point.position, message=message, author=author)

    def merge(self, source: str, options: Options = DEFAULTS) -> MergeReport:
        """Take over what another branch has and this one has not, all or nothing; see `backstory.history.merge`."""
        return merge(self.branches, source, self._named(), options)

    def rebase(self, onto: Revision, options: Options = DEFAULTS) -> MergeReport:
        """Let this branch start at another point, its commits judged again there; see `backstory.history.merge`.

        This object stays on the old log: open the branch again with `switch`.
        """
        return rebase(self.branches, self._named(), self.point(onto), options)

    def cherry_pick(self, commit: Revision, options: Options = DEFAULTS) -> MergeReport:
        """Take over one commit of another branch; see `backstory.history.merge`."""
        return cherry_pick(self.branches, self.point(commit), self._named(), options)

    def revert(
        self,
        commits: Revision,
        *,
        force: bool = False,
        author: str | None = None,
        message: str | None = None,
    ) -> Commit | None:
        """Undo a commit, or those of a range `a..b`, as one commit of new events; None where there is nothing to undo.

        Its metadata names what it reverts. What undoes an event is registered with `reverts`. Raises `RevertError`
        where nothing is, and where later commits own what it would change, unless `force`.
        """
        picked = self._picked(commits)
        reverted = {REVERTS: [commit.id for commit in picked]}

        def drafting(inversion: Inversion, head: int) -> Draft:
            condition = Condition(inversion.query, head)
            return self.drafter.draft(
                inversion.events, condition, author=author, message=message, meta=reverted
            )

        return revert(self.log, picked, defined_states(), drafting, force=force)

    def _picked(self, commits: Revision) -> list[Commit]:
        """The commits that a revision or a range names; they must be on this branch."""
        if isinstance(commits, str) and ".." in commits:
            return list(self.between(commits))
        point = self.point(commits)
        if point.commit is None or self.log.find(point.commit.hash.hex()) == []:
            raise UnknownRevision(str(commits), "there is no such commit on this branch")
        return [point.commit]

    def diff(self, a: Revision, b: Revision, state: State) -> Difference:
        """What lies between a state as of two revisions, also of two branches: `db.diff("main", "what-if", cart)`."""
        return diff(self.load(state, a), self.load(state, b))

    def blame(self, state: State, at: Revision | None = None, *, assertions: bool = False) -> Blame:
        """For every field of a state, the event that last gave it its value; see `backstory.history.blame`."""
        log, upto = self._view(at)
        return blame(log, state, upto, assertions=assertions)

    def bisect(
        self,
        state: State,
        where: Callable[[Any], bool] | str,
        *,
        good: Revision | None = None,
        bad: Revision | None = None,
    ) -> Found:
        """The first event after which something is true of a state: a function of it, or text as in `balance < 0`.

        `good` is from where to look, `bad` up to where. What is found has every turn, there and back.
        """
        log, upto = self._view(bad)
        after = 0 if good is None else self.point(good).position
        holds = predicate(where, type(state)) if isinstance(where, str) else where
        return first(log, state, holds, after, upto)

    def _named(self) -> str:
        if self.name is None:
            raise BranchError("this branch has no name; keep it with one first: trial.keep('what-if')")
        return self.name

    def _view(self, at: Revision | None) -> tuple[Log, int | None]:
        """The log that a revision is on, and its position there."""
        if at is None:
            return self.log, None
        if isinstance(at, int):
            head = self.log.head().position
            if not 0 <= at <= head:
                raise UnknownRevision(f"#{at}", f"the log has #1 to #{head}")
            return self.log, at
        point = self.point(at)
        return (self.log if point.chain == self.chain else self.branches.view(point.chain)), point.position

    def context(
        self,
        *,
        author: str | None = None,
        message: str | None = None,
        correlation: str | None = None,
        because: Record | None = None,
        **metadata: Any,
    ) -> AbstractContextManager[None]:
        """Set author, message and metadata for what a block of code appends; see `backstory.context`."""
        return contexts.context(
            author=author, message=message, correlation=correlation, because=because, **metadata
        )

    def _done(self, id: str | None, command: Command) -> Commit | None:
        """The commit of an execution with this id, if there was one. Raises `IdReused` for one of another command."""
        if id is None:
            return None
        known = next((commit for commit in self.log.find(id) if commit.id == id), None)
        return None if known is None else repeated(known, command)


class WhatIf(Database):
    """A branch in memory: everything works on it, and nothing of it is in the store."""

    def __init__(self, base: Database, log: OverlayLog) -> None:
        self.__dict__.update(base.__dict__)
        self._root = False
        self._base = base
        self._overlay = log
        chain = (*base.chain, TRIAL)
        self.branches = base.branches.beside(chain, log)
        self._use(None, chain, log)

    def keep(self, name: str) -> Database:
        """Make a real branch of it, with the same commits, and open that. Raises `BranchError`."""
        own, base = self._overlay.own, self._base
        drafts = [
            drafted(commit, own.read(after=commit.first - 1, upto=commit.position))
            for commit in own.commits()
        ]
        base.branches.create(name, base.chain, self._overlay.origin.position, drafts)
        return base.switch(name)

    def _on(self, name: str | None, chain: Chain, log: Log) -> Any:
        return self._base._on(name, chain, log)


def connect(address: str = "memory:", *, create: bool | None = None, **options: Any) -> Database:
    """Open a database: a path, `sqlite:///path`, or `memory:`, which is gone when it is closed.

    `create`: True makes the store and refuses one that exists, False needs it, None does what fits. Options that
    `Database` takes go there, others to the store, such as `timeout`, and `guard` for a file. Raises `StoreError`.
    """
    own = {name: options.pop(name) for name in ("clock", "ids", "secrets", "cache_bytes") if name in options}
    return Database(open_store(str(address), create=create, **options), **own)
