"""The one object that users hold: a branch of a store, and the verbs on it."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from datetime import datetime
from inspect import CO_COROUTINE
from itertools import islice
from os import PathLike
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, overload

from msgspec.structs import replace

from backstory.decide import context as contexts
from backstory.decide.call import Command, R
from backstory.decide.drafting import Drafter, Said
from backstory.decide.execution import ATTEMPTS, Preview
from backstory.decide.mistaken import need_command, need_state
from backstory.decide.read_query import wanted
from backstory.decide.state import State, defined_states
from backstory.errors import BlockingWarning, BranchError, ProjectionError, UnknownOption, UnknownRevision
from backstory.handle import Handle, Tip
from backstory.history.ask.bisect import Found, StateTurn, first, turns_of_all
from backstory.history.ask.causes import Cause, Effect, causes, effects, undone_by
from backstory.history.ask.expression import predicate
from backstory.history.ask.similar import warn_of_unknown
from backstory.history.ask.unread import Unread, unread
from backstory.history.blame.blame import Blame, blame
from backstory.history.compare.diff import Difference, diff
from backstory.history.merge.merge import DEFAULTS, MergeReport, Options, cherry_pick, merge, rebase
from backstory.history.merge.revert import Inversion, revert
from backstory.history.refs.branches import MAIN, TRIAL, Branches, Chain, Mark
from backstory.history.refs.revision import Point, Revision, commits_between
from backstory.line import Line, forget
from backstory.live import CaughtUp, Follower, LastRows, Live, Reader, Seen, reader_of
from backstory.local import store_id
from backstory.lookup import events_of
from backstory.stores import open_store
from backstory.stores.memory import MemoryStore
from backstory.stores.overlay import OverlayLog
from backstory.values.codec import PLAIN, Codec
from backstory.values.commit import ORIGIN, Commit, Head, drafted
from backstory.values.ids import new_id, new_secret, now
from backstory.values.links import CORRELATION, REVERTS
from backstory.values.query import Condition, Query
from backstory.writing import Appending, Execution

if TYPE_CHECKING:
    from typing import Self

    from backstory.atomic import Atomic
    from backstory.decide.commands import V
    from backstory.history.ask.summary import TagCount, TypeCount
    from backstory.history.check.proof import Proof
    from backstory.outbox.message import Outbox
    from backstory.outbox.together import Together
    from backstory.place import After
    from backstory.projections.find import Page
    from backstory.projections.projection import AnyProjection
    from backstory.projections.views import Views
    from backstory.reactions.lanes import Delivery
    from backstory.reactions.run import Runnable, Running
    from backstory.reactions.subscription import Consumer
    from backstory.store import E, Log, Record, Store
    from backstory.values.commit import Draft

S = TypeVar("S", bound=State)

MOST_GIVEN = 100
"""Deliveries of a subscription at a time that nobody has said anything of, unless `subscribe` is told otherwise."""

LEASE = 30.0
"""Seconds after which another runner takes over from one that says nothing any more, unless `run` is told otherwise."""


OPTIONS = ("clock", "ids", "secrets", "cache_bytes", "codec", "inline")
"""The options of `connect` that are those of `Database`. Others are the store's."""


class Database:
    """One branch of a store, and the verbs on it. Safe for many threads; states that it gives belong to the caller.

    A branch is held by its name. If it is moved, for instance by a rebase, the next verb works on the new history, and
    a position that may have been given out for the old one is refused (`HistoryMoved`); see `backstory.handle`.

    The clock and the sources of ids and secrets are passed in, so that a test may choose their values. `cache_bytes`
    limits the memory for states: of all branches of the store object together, in all their objects. `codec` is the
    one way between events and stored bytes. `inline` are projections that each append to main brings up to date in its
    own transaction; they are brought to the end of the log before this returns.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], datetime] = now,
        ids: Callable[[], str] = new_id,
        secrets: Callable[[], bytes] = new_secret,
        cache_bytes: int | None = None,
        codec: Codec = PLAIN,
        inline: Sequence[AnyProjection] = (),
    ) -> None:
        if inline:
            from backstory.projections.views import with_inline

            store = with_inline(store, inline, codec)
        branches = Branches(store, clock=clock, ids=ids, secrets=secrets)
        self._owns = True
        self._root = self
        self._made_views: Views | None = None
        self.handle = Handle(branches, Drafter(clock, ids, secrets, codec), branches.get(MAIN))
        if cache_bytes is not None:
            self.handle.lines.cache.limit = cache_bytes
        if inline:
            self.views.begin_inline(inline)

    def _on(self, handle: Handle) -> Self:
        """This database on another branch; they share the store, and its life is the first one's."""
        other = copy(self)
        other._owns = False
        other.handle = handle
        return other

    @property
    def name(self) -> str | None:
        """The branch's name; None inside `what_if`."""
        return self.handle.name

    @property
    def store(self) -> Store:
        """The store in which the history is kept."""
        return self.handle.branches.store

    @property
    def branches(self) -> Branches:
        """The branches and marks of the store."""
        return self.handle.branches

    @property
    def log(self) -> Log:
        """The log that the branch is now, as it is stored; see `backstory.store`."""
        return self.handle.log

    @property
    def views(self) -> Views:
        """The projections of the store, which all its branches share."""
        root = self._root
        if root._made_views is None:
            from backstory.projections.source import Source
            from backstory.projections.views import Views

            made = Views(root.store, Source(root.branches, root.handle.drafter.codec))
            with root.handle._lock:
                root._made_views = root._made_views or made
        return root._made_views

    @property
    def main(self) -> Handle:
        """The branch main, as it was opened first: what reactions follow."""
        return self._root.handle

    @property
    def chain(self) -> Chain:
        """The logs that the branch is made of now."""
        return self.handle.now().chain

    def __repr__(self) -> str:
        """The store, and the branch: `<Database SqliteStore('bank.db'), branch main>`."""
        branch = "a branch without a name" if self.name is None else f"branch {self.name}"
        return f"<{type(self).__name__} {self.store!r}, {branch}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the store. On a branch that was opened from another database, nothing: that one has the store."""
        if self._owns:
            if self._made_views is not None:
                self._made_views.close()
            self.store.close()
            forget(self.store)

    def store_id(self) -> str:
        """The random id of the store, the same on each of its branches. A clone has another."""
        return store_id(self.store)

    def head(self) -> Head:
        """The end of the branch."""
        return self.handle.now().log.head()

    def point(self, at: Revision) -> Point:
        """The point that a revision means, seen from this branch, as each verb with `at=` takes one.

        A time in a text, `@{2026-03-02 09:00}`, is of the zone of this machine if it names none. Raises
        `RevisionError`.
        """
        return self.handle.point(at)

    def load(self, state: S, at: Revision | None = None) -> S:
        """A copy of `state` filled from its events, now or as of a revision; the reference itself stays empty."""
        line, position = self._view(at)
        return line.loader.load(state, position)

    def execute(
        self,
        command: Command[R],
        *,
        id: str | None = None,
        author: str | None = None,
        message: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        at: datetime | None = None,
        attempts: int = ATTEMPTS,
    ) -> R:
        """Load the states that the command reads, decide, append on that condition, and try again on a conflict.

        Returns the commit, None if the command decided to do nothing; type checkers know that a function which is to
        return an event always gives one. With an `id` it is done once: the same command
        with the same id gives the recorded commit. `at` is the time at which it happened, as for `append`; it is the
        command's `Now` too. The states are those of now, so execute the oldest first.

        Raises `Refused` if the command refuses, `Conflict` after `attempts` tries, `IdReused`, `InvalidEvent`, and
        `BranchMoved`, a `BranchError`, if the branch was deleted.
        """
        said = Said(id, author, message, metadata, at)
        return cast("R", Execution(self.handle, command, said, attempts).whole())

    @contextmanager
    def atomic(self, attempts: int = ATTEMPTS) -> Iterator[Atomic]:
        """Several commands as one: `with db.atomic() as tx: tx.execute(a); tx.execute(b)`.

        Each command decides on what the earlier ones gave. At the end of the block their commits go in as one batch, on
        the condition that nothing that they read has changed; on a conflict all of them are decided again, at most
        `attempts` times. Nothing is appended if the block raises. See `Atomic` for what the end of the block raises.
        Other verbs of this database, and another `atomic()` in the block, are no part of it: they write at once.
        """
        from backstory.atomic import Atomic

        unit = Atomic(self.handle, attempts)
        try:
            yield unit
        except BaseException:
            unit.end(keep=False)
            raise
        unit.end(keep=True)

    @overload
    def preview(self, command: Command[Any, None]) -> Preview: ...

    @overload
    def preview(self, command: Command[Any, V]) -> Preview[V]: ...

    @overload
    def preview(self, command: Command[Any, Iterable[V] | V | None]) -> Preview[V]: ...

    @overload
    def preview(self, command: Command) -> Preview: ...

    def preview(self, command: Command) -> Preview:
        """The events that the command would give now, and each state before and after. Appends nothing.

        Type checkers know the class of the events, as they know the result of `execute`.
        """
        drafter = self.handle.drafter
        drawn = drafter.drawn(need_command(command))
        return self.handle.now().executor.preview(drawn, drafter.for_command(drawn))

    def append(
        self,
        *events: Any,
        condition: Condition | None = None,
        id: str | None = None,
        author: str | None = None,
        message: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        at: datetime | None = None,
    ) -> Commit:
        """Append facts that need no decision, as one commit.

        `at` is the time at which it happened, for history that is older than the log: it is `commit.authored`, and
        `commit.time` unless the log has a later commit, as its time never goes back. It has a time zone and is not in
        the future.

        Raises `InvalidEvent`, `Conflict`, `IdReused`, `BranchMoved` as `execute` does, and `HistoryMoved` for a
        condition on a position that was given out before the branch was moved.
        """
        return Appending(self.handle, events, condition, Said(id, author, message, metadata, at)).whole()

    @overload
    def read(
        self,
        what: type[E],
        /,
        *,
        tags: Iterable[str] = (),
        after: int | str = 0,
        at: Revision | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Iterator[Record[E]]: ...

    @overload
    def read(
        self,
        *what: type[Any] | UnionType | str | State | Query,
        tags: Iterable[str] = (),
        after: int | str = 0,
        at: Revision | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Iterator[Record]: ...

    def read(
        self,
        *what: type[Any] | UnionType | str | State | Query,
        tags: Iterable[str] = (),
        after: int | str = 0,
        at: Revision | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Iterator[Record]:
        """Stream events, typed, with their records: all of them, or those that match any of `what`.

        That may be event types, by class, union of classes or name, with all of `tags`; a state, for the events that
        it reads; a query. An event of a type that no class here has comes as `Unknown`; a type, by name, that no event
        has either is an `UnknownTypeWarning`. `after` is a position, or a place as text, which is the form of a
        position that left the process; see `backstory.place`. Raises `HistoryMoved`.
        """
        line, upto = self._view(at)
        warn_of_unknown(line.log, what)
        query, begin = wanted(what, tags), self.handle.position(after, line)
        return line.read(query, after=begin, upto=upto, backwards=backwards, limit=limit)

    @overload
    def follow(
        self,
        what: type[E],
        /,
        *,
        tags: Iterable[str] = (),
        after: After | None = None,
        caught_up: Literal[False] = False,
    ) -> Live[Record[E]]: ...

    @overload
    def follow(
        self,
        *what: type[Any] | UnionType | str | State | Query,
        tags: Iterable[str] = (),
        after: After | None = None,
        caught_up: Literal[False] = False,
    ) -> Live[Record]: ...

    @overload
    def follow(
        self,
        *what: type[Any] | UnionType | str | State | Query,
        tags: Iterable[str] = (),
        after: After | None = None,
        caught_up: bool,
    ) -> Live[Record | CaughtUp]: ...

    def follow(
        self,
        *what: type[Any] | UnionType | str | State | Query,
        tags: Iterable[str] = (),
        after: After | None = None,
        caught_up: bool = False,
    ) -> Live[Any]:
        """Stream the events after a position, for ever; each event once, in order. Parameters as for `read`.

        Without `after`, it begins at the end that the log has when the first event is asked for. With `caught_up`, a
        `CaughtUp` comes whenever all events up to the end of the log were given. It waits in the thread that asks until
        `stop` is called; it raises `StoreClosed` when the database is closed, and `HistoryMoved` if the branch
        was moved and the new history does not have all events that it gave.
        """
        return Live(Follower(self.handle, wanted(what, tags), after, caught_up=caught_up))

    @overload
    def watch(self, what: S, /, *, after: After | None = None) -> Live[Seen[S]]: ...

    @overload
    def watch(
        self,
        what: AnyProjection,
        sql: str,
        arguments: Sequence[Any] = (),
        /,
        *,
        after: After | None = None,
        into: Callable[..., Any] | None = None,
    ) -> Live[Seen[list[Any]]]: ...

    @overload
    def watch(
        self, what: type[E], /, *, tags: Iterable[str] = (), after: After | None = None
    ) -> Live[Seen[Record[E]]]: ...

    @overload
    def watch(
        self, what: UnionType | str | Query, /, *, tags: Iterable[str] = (), after: After | None = None
    ) -> Live[Seen[Record]]: ...

    def watch(
        self,
        what: Any,
        sql: str = "",
        arguments: Sequence[Any] = (),
        /,
        *,
        tags: Iterable[str] = (),
        after: After | None = None,
        into: Callable[..., Any] | None = None,
    ) -> Live[Any]:
        """A value now, and again after each change, for ever; whoever is slow gets the last one only.

        The value is a state; the last event of some, by class, name or query; or the rows of a query over a
        projection's tables, where these are others than before. Each comes as a `Seen`, with the place that it is of:
        with that as `after`, nothing comes before the next change. It waits and ends as `follow` does.
        """
        return Live(self._reader(what, sql, arguments, tags, after, into))

    def subscribe(
        self,
        name: str,
        *what: type[Any] | UnionType | str | State | Query,
        tags: Iterable[str] = (),
        partition: str | None = None,
        partitions: int | None = None,
        after: After | None = None,
        most: int = MOST_GIVEN,
        lease: float = LEASE,
    ) -> Live[Delivery]:
        """Events that somebody works on, each until they are done: `with db.subscribe("crm", Paid) as events:`.

        Each delivery has an `event`, and says `done()`, `park(why)` or `later(seconds)`. What is done is remembered
        under the name: the next one goes on after it, also in another process. At the first time it begins after
        `after`, or at the end of the log. An event may be given twice, after a crash, and never not at all.

        With `partition`, a field of the events, those of one value come in order, the next one when the one before is
        done; consumers of the same name share the `partitions` (8). Without it, one consumer at a time has all events.
        At most `most` are given that nobody has said anything of. A consumer that is silent for `lease` seconds,
        because its process died, is replaced.

        Raises `StoreRefused` in a store without the right to react, `ProjectionError` for another number of partitions
        than the name has, and `DefinitionError`.
        """
        return Live(self._consumer(name, wanted(what, tags), partition, partitions, after, most, lease))

    def _consumer(self, *asked: Any) -> Consumer:
        """What `subscribe` gives, for both faces."""
        from backstory.reactions.asked import asking
        from backstory.reactions.subscription import Consumer

        self._need_main()
        return Consumer(self.views.source, asking(*asked))

    def _reader(
        self,
        what: Any,
        sql: str,
        arguments: Sequence[Any],
        tags: Iterable[str],
        after: After | None,
        into: Callable[..., Any] | None,
    ) -> Reader[Any]:
        """What `watch` gives, for both faces."""
        if not sql:
            return reader_of(self.handle, what, tags, after)
        self._need_main()
        group = self.views.group_of(what)
        return LastRows(self.handle, self.views, group, (sql, arguments, into), after)

    def commits(
        self, *, after: int | str = 0, at: Revision | None = None, backwards: bool = False
    ) -> Iterator[Commit]:
        """Stream the commits up to a revision, oldest first or newest first; `after` as for `read`."""
        line, upto = self._view(at)
        begin = self.handle.position(after, line)
        return line.log.commits(after=begin, upto=upto, backwards=backwards)

    def events(self, of: Revision) -> list[Record]:
        """The events of a commit, typed, with their records: `db.events(db.execute(...))`.

        A position means the commit that has it. Raises `RevisionError`.
        """
        line, position = self._view(of)
        for commit in line.log.commits_at([position or 0]):
            return list(line.read(Query.all(), after=commit.first - 1, upto=commit.position))
        raise UnknownRevision(str(of), "there is no commit yet")

    def between(self, text: str) -> Iterator[Commit]:
        """The commits of a range, oldest first: `a..b` are those that only `b` has; `a...b` those of one side."""
        span = self.handle.span(text)
        if span is None:
            raise UnknownRevision(text, "a range has two points: main..what-if")
        if span.both:
            yield from commits_between(self.branches, span.end, span.start)
        yield from commits_between(self.branches, span.start, span.end)

    def branch(self, name: str, at: Revision | None = None) -> Self:
        """Make a branch here, or at any past revision, and open it. Costs the same however long the history is."""
        point = self._point(at)
        made = self.branches.create(name, point.chain, point.position)
        return self._on(self.handle.on(made))

    def switch(self, name: str) -> Self:
        """Open another branch, or this one anew. Raises `UnknownRevision`."""
        return self._on(self.handle.on(self.branches.get(name)))

    @contextmanager
    def what_if(self) -> Iterator[WhatIf]:
        """A branch without a name, in memory, that is gone at the end of the block, unless it is kept with a name."""
        line = self.handle.now()
        head = line.log.head()
        home = MemoryStore(head)
        yield WhatIf(self, line.chain, OverlayLog(line.stored, head, home.log()), home)

    def mark(self, name: str, at: Revision | None = None, *, message: str = "", author: str = "") -> Mark:
        """Give a point of history a name: `db.mark("q3-closed")`, then `at="q3-closed"`. Raises `BranchError`."""
        point = self._point(at)
        return self.branches.set_mark(name, point.chain, point.position, message=message, author=author)

    def merge(self, source: str, options: Options = DEFAULTS) -> MergeReport:
        """Take over the commits that only another branch has, all or none; see `backstory.history.merge`.

        Raises `MergeConflict`, whose report says which commits are in conflict; answer with `options`.
        """
        return merge(self.branches, source, self._named(), self._with_codec(options))

    def rebase(self, onto: Revision, options: Options = DEFAULTS) -> MergeReport:
        """Let this branch start at another point, its commits judged again there. Raises as `merge` does."""
        return rebase(self.branches, self._named(), self.point(onto), self._with_codec(options))

    def cherry_pick(self, commit: Revision, options: Options = DEFAULTS) -> MergeReport:
        """Take over one commit of another branch. Raises as `merge` does."""
        return cherry_pick(self.branches, self.point(commit), self._named(), self._with_codec(options))

    def revert(
        self,
        commits: Revision,
        *,
        force: bool = False,
        author: str | None = None,
        message: str | None = None,
    ) -> Commit | None:
        """Undo a commit, or those of a range `a..b`, by one commit of new events; None if there is nothing to undo.

        Its metadata names the commits that it reverts. `reverts` registers a function that undoes an event. Raises
        `RevertError` if an event has none, or if later commits own fields that would change, unless `force`.
        """

        def undone(tip: Tip) -> Commit | None:
            picked = self._picked(commits)
            said = Said(None, author, message, {REVERTS: [commit.id for commit in picked]})

            def drafting(inversion: Inversion, head: int) -> Draft:
                return self.handle.drafter.draft(inversion.events, Condition(inversion.query, head), said)

            return revert(tip.opened(), picked, defined_states(), drafting, tip.line.codec, force=force)

        return self.handle.following(undone)

    def _picked(self, commits: Revision) -> list[Commit]:
        """The commits that a revision or a range names; they must be on this branch."""
        if isinstance(commits, str) and ".." in commits:
            return list(self.between(commits))
        point = self.point(commits)
        if point.commit is None or not self.handle.now().log.find(point.commit.hash.hex()):
            raise UnknownRevision(str(commits), "there is no such commit on this branch")
        return [point.commit]

    def causes(self, commit: Revision) -> Iterator[Cause]:
        """Stream the cause of a commit, its cause, and so on back to the first: what `context(because=...)` recorded.

        A cause that is not on this history, such as one of another store, has an id and no commit, and ends the list.
        One look-up for each.
        """
        log, found = self._commit(commit)
        return causes(log, found)

    def effects(
        self, commit: Revision, at: Revision | None = None, limit: int | None = None
    ) -> Iterator[Effect]:
        """Stream all that a commit caused, now or as of a revision: each effect, and then its own effects.

        One look-up for each, whatever the length of the log.
        """
        log, found = self._commit(commit)
        log, upto = (log, None) if at is None else self._read(at)
        return islice(effects(log, found, upto), limit)

    def undone_by(self, commit: Revision, at: Revision | None = None) -> Iterator[Commit]:
        """Stream the commits that revert a commit, now or as of a revision, by one look-up.

        They may have been reverted themselves.
        """
        log, found = self._commit(commit)
        log, upto = (log, None) if at is None else self._read(at)
        return undone_by(log, found, upto)

    def correlated(
        self, correlation: str, at: Revision | None = None, limit: int | None = None
    ) -> Iterator[Commit]:
        """Stream the commits that share an id of `context(correlation=...)`, by one look-up.

        What an event caused has the correlation of its commit, or else that commit's id.
        """
        log, upto = self._read(at)
        return log.linked(CORRELATION, correlation, upto=upto, limit=limit)

    def _commit(self, revision: Revision) -> tuple[Log, Commit]:
        """A commit, and the log that it is seen on. Raises `UnknownRevision`."""
        point = self.point(revision)
        if point.commit is None:
            raise UnknownRevision(str(revision), "no commit stands there; it is before the first one")
        return self.handle.line(point.chain).log, point.commit

    def _read(self, at: Revision | None) -> tuple[Log, int | None]:
        line, upto = self._view(at)
        return line.log, upto

    def unread(self, commit: Revision) -> Iterator[Unread]:
        """Stream the states that a commit changed although its decision had not read all that they follow from.

        Each names the fields, and the last events before the commit that had given them a value and that the query of
        the decision does not cover. Of a commit without a condition nothing is known. The states are those that are
        defined here. Each state that the commit concerns is folded once.
        """
        log, found = self._commit(commit)
        return unread(log, found, defined_states())

    def prove(
        self,
        commit: Revision,
        event: int | None = None,
        *,
        head: Revision | None = None,
        show: Iterable[str] = (),
        data: bool = True,
    ) -> Proof:
        """A proof that an event is in the history that ends with `head`; `check_proof` checks it without a store.

        `event` counts from 1 within the commit; it may be left out where there is one, or a position names it. The head
        is that of the branch. `show` names parts of the commit that the proof shows too: author, message, command,
        metadata, query; without `data` it has the digest of the event's data only. It tells nothing of other events
        and parts. It has 75 bytes for each later commit up to the head, so keep heads or marks near. Raises
        `ProofError`, `UnknownRevision`.
        """
        from backstory.history.check.proof import placed, prove

        point = self.point(commit)
        log = self.handle.line(point.chain).stored
        end = log.head()
        if head is not None:
            other = self.point(head)
            log = self.handle.line(other.chain).stored
            end = ORIGIN if other.commit is None else other.commit.point
        found, place = placed(point, event)
        return prove(log, found, place, end, show=tuple(show), data=data)

    def diff(self, a: Revision, b: Revision, state: State) -> Difference:
        """The difference of a state between two revisions, also of two branches: `db.diff("main", "what-if", cart)`."""
        return diff(self.load(state, a), self.load(state, b))

    def blame(self, state: State, at: Revision | None = None, *, assertions: bool = False) -> Blame:
        """For every field of a state, the event that last gave it its value; see `backstory.history.blame.blame`."""
        line, upto = self._view(at)
        return blame(line.log, state, upto, assertions=assertions)

    def bisect(
        self,
        state: State,
        where: Callable[[Any], bool] | str,
        *,
        good: Revision | None = None,
        bad: Revision | None = None,
    ) -> Found:
        """The first event after which something is true of a state: a function of it, or text as in `balance < 0`.

        `good` is the beginning of the search, `bad` its end. The result has every turn, there and back.
        """
        need_state(state)
        line, upto = self._view(bad)
        after = 0 if good is None else self.point(good).position
        holds = predicate(where, type(state)) if isinstance(where, str) else where
        return first(line.log, state, holds, after, upto, line.codec)

    def turns(
        self,
        state: type[State],
        where: Callable[[Any], bool] | str,
        *,
        good: Revision | None = None,
        bad: Revision | None = None,
        limit: int | None = None,
    ) -> Iterator[StateTurn]:
        """Stream every turn of every state of a class: each event after which the answer about it was another one.

        One pass, in the order of the log: what `bisect` says of one state, of all. A turn names its state, and the
        position of that state's turn before. Raises as `bisect`, and `DefinitionError` for a class whose states do not
        follow from the tags of events.
        """
        line, upto = self._view(bad)
        after = 0 if good is None else self.point(good).position
        holds = predicate(where, state) if isinstance(where, str) else where
        return islice(turns_of_all(line.log, state, holds, after, upto, line.codec), limit)

    def _with_codec(self, options: Options) -> Options:
        return replace(options, codec=self.handle.drafter.codec)

    def _named(self) -> str:
        if self.name is None:
            raise BranchError("this branch has no name; keep it with one first: trial.keep('what-if')")
        return self.name

    def _point(self, at: Revision | None) -> Point:
        return self.handle.end() if at is None else self.point(at)

    def _view(self, at: Revision | None) -> tuple[Line, int | None]:
        """The line that a revision is on, and its position there."""
        line = self.handle.now()
        if at is None:
            return line, None
        if isinstance(at, int):
            self.handle.check(at)
            head = line.log.head().position
            if not 0 <= at <= head:
                raise UnknownRevision(f"#{at}", f"the log has #1 to #{head}")
            return line, at
        point = self.point(at)
        same = point.chain == line.chain
        return (line if same else self.handle.line(point.chain)), point.position

    def project(self, *projections: AnyProjection) -> None:
        """Make projections known here: all members of a group before one of them is read, and nobody runs them here."""
        self.views.know(projections)

    def rows(
        self,
        projection: AnyProjection,
        sql: str,
        arguments: Sequence[Any] = (),
        *,
        after: Commit | int | str | None = None,
        timeout: float = 5.0,
        into: Callable[..., Any] | None = None,
        live: bool = False,
        at: Revision | None = None,
    ) -> list[Any]:
        """The rows of a query over the tables of a projection: tuples, or `into(*row)` for each of them.

        `?` stands for an argument. `after` is a commit, a position or a place: then the rows are of that commit or
        later, and this waits for it, at most `timeout` seconds. Tables that have never been at the end of the log are
        waited for in the same way. `live=True` makes the tables in memory for this one query, and so does `at`, as of a
        revision. A branch has no tables but live ones. SQL over live tables is that of SQLite. Raises `Behind` and
        `ProjectionError`.
        """
        if live or at is not None:
            line, upto = self._view(at)
            found = self.views.folded(projection, sql, arguments, line.log, upto)
            return found if into is None else [into(*row) for row in found]
        self._need_main()
        position = None if after is None else self._position(after)
        return self.views.rows(projection, sql, arguments, after=position, timeout=timeout, into=into)

    def _need_main(self) -> None:
        if self.name != MAIN:
            raise ProjectionError(
                "projections follow main; on another branch, fold them for a query: rows(..., live=True)"
            )

    def wait(
        self, projection: AnyProjection, after: Commit | int | str | None = None, timeout: float = 5.0
    ) -> None:
        """Sleep until readers of a projection see a commit, or the end that the log has now. Raises `Behind`.

        It returns at once if no event that the projection takes lies between.
        """
        views = self.views
        position = self.head().position if after is None else self._position(after)
        views.wait(views.group_of(projection), position, timeout)

    def materialize(self, state: type[State], index: Iterable[str | Sequence[str]] = ()) -> None:
        """Keep a table of all states of a class, which `find` reads, and feed it in a thread until this is closed.

        `index` names plain fields, or several together, by which SQL shall find and sort. Where another process runs
        it, or appends feed it, say `project` or `connect(inline=...)` with a `Materialized` instead. Raises
        `DefinitionError` for a state that no table can keep.
        """
        from backstory.projections.materialize import Materialized

        self.views.keep_running(self._root.run(Materialized(state, index)))

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
        """The states of a class for which a condition is true, sorted by fields, then by identity.

        The condition is text, as `bisect` has it: `balance < 0`. A field to sort by is descending with `-` before it.
        `limit` is the most that are given, `after` the `cursor` of a result before, `count` whether to count all;
        `"about"` is quick, and exact for a small table only. The states are read from the table of `materialize`, once
        that has seen `commit`; else, as of a revision, and on a branch, the log is folded, which a `FoldedWarning` says
        once. A `ScannedWarning` says once that no index serves a large table. Raises `ExpressionError`, `Behind`,
        `UnknownRevision` for a text that is no cursor, and `ValueError` for a `limit` below 0.
        """
        from backstory.projections.find import Asked, by_folding

        if limit is not None and limit < 0:
            raise ValueError(f"limit is the most states that are given, not {limit}; None gives all")
        by = (order_by,) if isinstance(order_by, str) else tuple(order_by)
        asked = Asked(where, by, limit, after, count)
        kept = self.views.kept(state) if at is None and self.name == MAIN else None
        if kept is not None:
            if where.strip():
                predicate(where, state)
            position = None if commit is None else self._position(commit)
            return self.views.find(kept, asked, position, timeout)
        self.views.warn_of_folding(state)
        line, upto = self._view(at)
        return by_folding(line.log, state, asked, upto)

    def types(self) -> list[TypeCount]:
        """Every event type and version on this branch, with its number of events."""
        from backstory.history.ask import summary

        return summary.types(self.handle.now().log)

    def tags(self, key: str | None = None) -> list[TagCount]:
        """Every tag on this branch, or those of one key, the most used first, with its number of events."""
        from backstory.history.ask import summary

        return summary.tags(self.handle.now().log, key)

    def identities(self, state: type[S], at: Revision | None = None) -> Iterator[S]:
        """Stream an empty state for each entity of a class, in the order in which events first name them."""
        from backstory.history.ask.entities import identities

        line, upto = self._view(at)
        return identities(line.log, state, upto)

    def run(self, *things: Runnable | Outbox, lease: float = LEASE) -> Running | Together:
        """Run projections, reactions, processes and outboxes for a block: `with db.run(Orders, confirm): ...`.

        Any number of processes may run the same ones: for each, one of them does the work, and `lease` seconds after
        its last word another one takes over. Reactions follow main, and run only in a store that has the right to
        react: in another one they are left out, with a `ReactionWarning`. A reaction should take less time for an event
        than half a lease. Raises `ProjectionError` if a projection cannot be fed, and `DefinitionError`.
        """
        from backstory.outbox.message import Outbox
        from backstory.outbox.together import Together, sendings
        from backstory.reactions.run import running

        outboxes = [each for each in things if isinstance(each, Outbox)]
        others = [each for each in things if not isinstance(each, Outbox)]
        runner = running(others, self.views, self.store, self.main, self.branches.clock, lease)
        return Together(runner, sendings(outboxes, self.views.source, lease)) if outboxes else runner

    def rebuild(self, projection: AnyProjection) -> None:
        """Make the tables of a projection anew, beside those that readers see until the new ones are at the end."""
        self.views.rebuild(self.views.group_of(projection))

    def _position(self, after: Commit | int | str) -> int:
        return after.position if isinstance(after, Commit) else self.handle.position(after, self.handle.now())

    def context(
        self,
        *,
        author: str | None = None,
        message: str | None = None,
        correlation: str | None = None,
        because: Record | None = None,
        **metadata: Any,
    ) -> AbstractContextManager[None]:
        """Set author, message and metadata for the appends of a block of code; see `backstory.decide.context`."""
        return contexts.context(
            author=author, message=message, correlation=correlation, because=because, **metadata
        )


class WhatIf(Database):
    """A branch in memory: everything works on it, and nothing of it is in the store."""

    def __init__(self, base: Database, chain: Chain, overlay: OverlayLog, home: Store) -> None:
        self._owns = False
        self._root = base._root
        self._made_views = None
        self._base = base
        self._chain = chain
        self._overlay = overlay
        trial = (*chain, TRIAL)
        self.handle = base.handle.on(trial, base.branches.beside(trial, overlay, home))

    def keep(self, name: str) -> Database:
        """Make a real branch of it, with the same commits, and open that. Raises `BranchError`."""
        own, base = self._overlay.own, self._base
        drafts = [drafted(commit, events_of(own, commit)) for commit in own.commits()]
        base.branches.create(name, self._chain, self._overlay.origin.position, drafts)
        return base.switch(name)

    def _on(self, handle: Handle) -> Any:
        return self._base._on(handle)


def connect(
    address: str | PathLike[str] = "memory:", *, create: bool | None = None, **options: Any
) -> Database:
    """Open a database: a path, `sqlite:///path`, `postgresql://...`, or `memory:`, which is gone when it is closed.

    `create`: True makes the store and refuses one that exists, False needs one that exists, None takes either. Options
    of `Database` go there, others go to the store, such as `timeout`, and `guard` for a file. Raises `StoreError`;
    `UnknownOption` is one. A coroutine is warned (`BlockingWarning`): `backstory.aio.connect` is for async code.
    """
    caller = sys._getframe(1)
    if caller.f_code.co_flags & CO_COROUTINE and address != "memory:":
        warnings.warn(
            "this coroutine opens a database that blocks its event loop: write `async with backstory.aio.connect(...)`",
            BlockingWarning,
            stacklevel=2,
        )
    own = {name: options.pop(name) for name in OPTIONS if name in options}
    try:
        store = open_store(address, create=create, **options)
    except UnknownOption as unknown:
        raise unknown.among(*OPTIONS) from None
    return Database(store, **own)
