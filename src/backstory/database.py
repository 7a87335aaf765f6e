"""The one object that users hold: a branch of a store, and the verbs on it."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from inspect import CO_COROUTINE
from os import PathLike
from typing import TYPE_CHECKING, Any

from backstory.decide.drafting import Drafter
from backstory.errors import BlockingWarning, BranchError, UnknownOption
from backstory.handle import Handle
from backstory.history.refs.branches import MAIN, TRIAL, Branches, Chain
from backstory.line import forget
from backstory.lookup import events_of, head_at
from backstory.stores import open_store
from backstory.stores.memory import MemoryStore
from backstory.stores.overlay import OverlayLog
from backstory.timelimit import TimedLog
from backstory.values.codec import PLAIN, Codec
from backstory.values.commit import EPOCH, drafted
from backstory.values.ids import new_id, new_secret, now
from backstory.verbs.asking import Asks
from backstory.verbs.branching import Branching
from backstory.verbs.debugging import Debugs
from backstory.verbs.following import Follows
from backstory.verbs.framing import Frames
from backstory.verbs.tabling import Tables
from backstory.verbs.writing import Writes

if TYPE_CHECKING:
    from typing import Self

    from backstory.history.refs.revision import Revision
    from backstory.projections.projection import AnyProjection
    from backstory.projections.views import Views
    from backstory.store import Store

OPTIONS = ("clock", "ids", "secrets", "cache_bytes", "codec", "inline")
"""The options of `connect` that are those of `Database`. Others are the store's."""


class Database(Writes, Branching, Asks, Debugs, Follows, Frames, Tables):
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
            from backstory.projections.inline import with_inline

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

    @contextmanager
    def what_if(
        self, at: Revision | None = None, *, clock: Callable[[], datetime] | None = None
    ) -> Iterator[WhatIf]:
        """A branch without a name, in memory, that is gone at the end of the block, unless it is kept with a name.

        It begins here, or at any past revision. Raises `BranchError` for a point in the middle of a commit. Commits on
        it have the times of `clock`, and so have the inputs of their commands (`Now`): what would be decided next week?
        Nothing reacts there, because a reaction does what cannot be taken back.
        """
        line = self.handle.now()
        chain, log, head = line.chain, line.stored, line.log.head()
        if at is not None:
            point = self.point(at)
            chain = self.branches.lowest(point.chain, point.position)
            log = self.branches.view(chain)
            head = head_at(log, point.position)
        home = MemoryStore(head)
        yield WhatIf(self, chain, OverlayLog(TimedLog(log), head, home.log()), home, clock)


class WhatIf(Database):
    """A branch in memory: everything works on it, and nothing of it is in the store."""

    def __init__(
        self,
        base: Database,
        chain: Chain,
        overlay: OverlayLog,
        home: Store,
        clock: Callable[[], datetime] | None,
    ) -> None:
        self._owns = False
        self._root = base._root
        self._made_views = None
        self._base = base
        self._chain = chain
        self._overlay = overlay
        self._has_clock: bool = clock is not None or (isinstance(base, WhatIf) and base._has_clock)
        trial, drafter = (*chain, TRIAL), base.handle.drafter
        branches = base.branches.beside(trial, overlay, home)
        if clock is not None:
            branches.clock, drafter = clock, drafter.by(clock)
        self.handle = Handle(branches, drafter, trial)

    def keep(self, name: str) -> Database:
        """Make a real branch of it, with the same commits, and open that. Raises `BranchError`.

        One with a clock of its own can be kept when the times of its commits have come: a log's time never goes back.
        """
        own, base = self._overlay.own, self._base
        latest = max((commit.authored for commit in own.commits()), default=EPOCH)
        if self._has_clock and latest > self._root.branches.clock():
            raise BranchError(
                f"this branch has a commit of {latest.isoformat()}, which has not come yet, so it cannot be kept: the"
                " time of a log never goes back, and it would be that of all later commits"
            )
        drafts = [drafted(commit, events_of(own, commit)) for commit in own.commits()]
        base.branches.create(name, self._chain, self._overlay.origin.position, drafts)
        return base.switch(name)

    def _on(self, handle: Handle) -> Any:
        real = self._base.handle  # another branch has not the clock of this one
        handle.branches, handle.drafter = real.branches, real.drafter
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
