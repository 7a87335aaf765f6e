"""The one object that users hold: a branch of a store, and the verbs on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from backstory import context as contexts
from backstory.codec import decode, encode, event_type
from backstory.command import Command
from backstory.commit import Commit, Head, draft
from backstory.execution import RETRIES, Executor, Preview, repeated
from backstory.history.revision import Revision, position_of
from backstory.ids import new_id
from backstory.loading import Cache, Loader
from backstory.query import Condition, Query
from backstory.record import Encoded
from backstory.snapshots import Snapshots
from backstory.state import State
from backstory.store import Record, append
from backstory.stores import open_store

if TYPE_CHECKING:
    from typing import Self

    from backstory.commit import Draft
    from backstory.store import Log, Store

S = TypeVar("S", bound=State)


def now() -> datetime:
    """The clock: now, in UTC."""
    return datetime.now(UTC)


class Database:
    """A branch of a store. Safe for many threads; states that it gives belong to the caller.

    The clock and the source of ids are passed in, so that a test may say what they give.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], datetime] = now,
        ids: Callable[[], str] = new_id,
        cache_bytes: int = 64_000_000,
    ) -> None:
        self.store = store
        self.log: Log = store.log()
        self._clock = clock
        self._ids = ids
        self._loader = Loader(self.log, Snapshots(store.refs, "main"), Cache(cache_bytes))
        self._executor = Executor(self._loader)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the store."""
        self.store.close()

    def head(self) -> Head:
        """Where the log ends."""
        return self.log.head()

    def position(self, at: Revision | None) -> int:
        """The position that a revision means; None is the head."""
        return self.log.head().position if at is None else position_of(self.log, at)

    def load(self, state: S, at: Revision | None = None) -> S:
        """A copy of `state` filled from its events, now or as of a revision; the reference itself stays empty."""
        return self._loader.load(state, None if at is None else self.position(at))

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

        Returns the commit, None where the command decided that nothing is to happen. The message is the command itself
        unless you give one. With an `id` it happens once: the same command with the same id gives the recorded commit.
        Raises `Refused` where the command says no, `Conflict` after `retries` tries, `IdReused`.
        """
        if id is not None and (known := self._by_id(id)) is not None:
            return repeated(known, command)
        id = id or self._ids()
        message = str(command) if message is None and not contexts.current().message else message

        def drafting(events: list[Encoded], condition: Condition | None) -> Draft:
            return self._draft(events, condition, id, author, message, meta, command.recorded())

        return self._executor.execute(command, drafting, retries)

    def preview(self, command: Command) -> Preview:
        """What the command would do now: its events, and each state before and after. Appends nothing."""
        return self._executor.preview(command)

    def append(
        self,
        *events: Any,
        condition: Condition | None = None,
        id: str | None = None,
        author: str | None = None,
        message: str | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> Commit:
        """Append facts that need no decision, as one commit. Raises `InvalidEvent`, `Conflict`, `IdReused`."""
        encoded = [encode(event) for event in events]
        [commit] = append(self.log, self._draft(encoded, condition, id or self._ids(), author, message, meta, None))
        return commit

    def read(
        self,
        *types: type[Any] | str,
        tags: Iterable[str] = (),
        query: Query | None = None,
        after: int = 0,
        at: Revision | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Iterator[Record]:
        """Stream events, typed, with their records: of these types, with all these tags; or what a query matches.

        An event of a type that no class here has comes as `Unknown`.
        """
        if query is None:
            names = [kind if isinstance(kind, str) else event_type(kind).name for kind in types]
            query = Query.of(names, tags)
        upto = None if at is None else self.position(at)
        commit_at = self._loader.commit_at
        for stored in self.log.read(query, after=after, upto=upto, backwards=backwards, limit=limit):
            yield Record(decode(stored), stored, commit_at)

    def commits(self, *, after: int = 0, at: Revision | None = None, backwards: bool = False) -> Iterator[Commit]:
        """Stream the commits up to a revision, oldest first or newest first."""
        return self.log.commits(after=after, upto=None if at is None else self.position(at), backwards=backwards)

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

    def _by_id(self, id: str) -> Commit | None:
        return next((commit for commit in self.log.find(id) if commit.id == id), None)

    def _draft(
        self,
        events: list[Encoded],
        condition: Condition | None,
        id: str,
        author: str | None,
        message: str | None,
        meta: Mapping[str, Any] | None,
        command: Mapping[str, Any] | None,
    ) -> Draft:
        around = contexts.current()
        return draft(
            events,
            id=id,
            time=self._clock(),
            condition=condition,
            author=around.author if author is None else author,
            message=around.message if message is None else message,
            command=command,
            metadata={**around.metadata, **meta} if meta else around.metadata,
        )


def connect(address: str = "memory:", *, create: bool | None = None, **options: Any) -> Database:
    """Open a database: a path, `sqlite:///path`, or `memory:`, which is gone when it is closed.

    `create`: True makes the store and refuses one that exists, False needs it, None does what fits. Options that
    `Database` takes go there, others to the store. Raises `StoreError`.
    """
    own = {name: options.pop(name) for name in ("clock", "ids", "cache_bytes") if name in options}
    return Database(open_store(str(address), create=create, **options), **own)
