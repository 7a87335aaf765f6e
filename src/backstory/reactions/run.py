"""Projections and reactions that run together: each reaction in a thread of its own, so that it delays no other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, cast

from backstory.errors import BackstoryError, ReactionWarning
from backstory.forks import on_fork
from backstory.projections.projection import AnyProjection, Group
from backstory.projections.rounds import LOOK, Rounds, need_lease
from backstory.projections.runner import Runner
from backstory.projections.views import Views
from backstory.reactions.declare import Reacting
from backstory.reactions.post import Post
from backstory.reactions.process import AnyReaction, is_reaction, reacting
from backstory.right import why_not
from backstory.store import Store
from backstory.told import warn

if TYPE_CHECKING:
    from typing import Self, TypeAlias

    from backstory.handle import Handle

    Runnable: TypeAlias = AnyProjection | AnyReaction


class Reactor(Rounds[Post]):
    """Runs one reaction."""

    def __init__(
        self,
        reacting: Reacting,
        views: Views,
        store: Store,
        handle: Handle,
        lease: float,
    ) -> None:
        super().__init__(store.watch)
        clock = handle.branches.clock
        self._post = Post(
            reacting, store, views.source, handle, clock, owner=self.owner, lease=lease, ring=self.ring
        )

    def look(self) -> None:
        """Let it begin, if it has never run."""
        if not self.posts:
            self._post.begin()
            self.posts[self._post.reacting.name] = self._post

    def __enter__(self) -> Self:
        """Begin in a thread. Events from now on are delivered, if it has never run and begins now."""
        self.look()
        return super().__enter__()

    def run(self, *, once: bool = False) -> None:
        """Take turns in this thread; meanwhile another one holds the lease, also while a function is at work."""
        over = threading.Event()
        holding = threading.Thread(target=self._hold, args=(over,), name="backstory lease", daemon=True)
        holding.start()
        try:
            super().run(once=once)
        finally:
            over.set()
            holding.join()

    def _hold(self, over: threading.Event) -> None:
        while not over.wait(self._post.lease.third / 2):
            with suppress(BackstoryError):  # the next turn raises it
                self._post.lease.hold_if_lent()


class Part(Protocol):
    """Something that runs beside others, in threads of its own or in the caller's."""

    @property
    def has_ended(self) -> bool:
        """Whether its threads have ended, or one of them: it failed, or its store was closed."""
        ...

    def __enter__(self) -> Any: ...

    def __exit__(self, *_: object) -> None:
        """End, and raise what went wrong in its threads."""
        ...

    def stop(self) -> None:
        """Tell it to end."""
        ...

    def run(self, *, once: bool = False) -> None:
        """Run it in this thread; `once`: until nothing is left to do."""
        ...


class Running:
    """Everything that runs together, for the length of a block or until it is told to stop."""

    def __init__(
        self,
        projections: Runner | None,
        reactors: Sequence[Reactor],
        outboxes: Sequence[Part],
        head: Callable[[], Any],
    ) -> None:
        self._projections: list[Part] = [] if projections is None else [projections]
        self._reactors = reactors
        self._outboxes = outboxes
        self._parts: list[Part] = [*self._projections, *reactors, *outboxes]
        self._head = head
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._stop = threading.Event()

    def __enter__(self) -> Self:
        begun: list[Part] = []
        try:
            for part in self._parts:
                part.__enter__()
                begun.append(part)
        except BaseException:
            for part in begun:
                part.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End the steps that are being taken, and give all leases back. Raises the first error of one of them."""
        self.stop()
        errors: list[BaseException] = []
        for part in self._parts:
            try:
                part.__exit__()
            except BaseException as error:  # noqa: BLE001 - the first one is raised when all have ended
                errors.append(error)
        if errors:
            raise errors[0]

    def stop(self) -> None:
        """Tell all to end after the step that is being taken. Any thread or handler of a signal may call it."""
        self._stop.set()
        for part in self._parts:
            part.stop()

    def run(self, *, once: bool = False) -> None:
        """Run until `stop`, or until one of them fails; `once`, in this thread: until nothing is left to do."""
        if once:
            self._once()
            return
        with self:
            while not self._stop.wait(LOOK) and not any(part.has_ended for part in self._parts):
                pass

    def _once(self) -> None:
        """Reactions give events to each other, so each has its turn until none has added any."""
        head = None
        while self._reactors and head != (head := self._head()):
            for reactor in self._reactors:
                reactor.run(once=True)
        for part in (*self._projections, *self._outboxes):
            part.run(once=True)


def running(
    things: Iterable[Runnable],
    views: Views,
    store: Store,
    handle: Handle,
    lease: float,
    outboxes: Sequence[Part] = (),
) -> Running:
    """Run these: projections, reactions and processes, beside outboxes.

    A store without the right to react runs projections alone, and says so by `ReactionWarning`.
    """
    every = list(things)
    reactions = [reacting(each) for each in every if is_reaction(each)]
    others = [cast("AnyProjection", each) for each in every if not is_reaction(each)]
    if reactions and (why := why_not(store)):
        names = ", ".join(each.name for each in reactions)
        warn(f"{names}: not run, because this store does not react: {why}", ReactionWarning)
        reactions = []
    return run_these(views.know(others), reactions, views, store, handle, lease, outboxes)


def run_these(
    groups: Sequence[Group],
    reactions: Sequence[Reacting],
    views: Views,
    store: Store,
    handle: Handle,
    lease: float,
    outboxes: Sequence[Part] = (),
) -> Running:
    """The same for groups and reactions, in a store that has the right."""
    need_lease(lease)
    projections = Runner(views, groups, store.watch, lease=lease) if groups else None
    reactors = [Reactor(each, views, store, handle, lease) for each in reactions]
    return Running(projections, reactors, outboxes, views.source.head)
