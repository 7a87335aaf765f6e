"""Work in the background: posts that take a turn each, in one thread, until somebody says stop."""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from backstory.errors import DefinitionError, StoreClosed, StoreError, StoreRefused
from backstory.forks import on_fork

if TYPE_CHECKING:
    from typing import Self

LOOK = 1.0
"""Seconds between two looks for new posts, and for what somebody paused or resumed."""

LONGEST_LEASE = 86_400.0
"""Seconds of a lease at most: so long does it take until somebody else goes on after a crash."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 30.0
"""Seconds of the pause after an error that may pass: it doubles from the first to the longest one."""


def need_lease(seconds: float) -> None:
    """Raise `DefinitionError` for a length of leases that nobody can hold."""
    if not 0 < seconds <= LONGEST_LEASE:
        raise DefinitionError(
            f"a lease is longer than 0 s, and at most {LONGEST_LEASE:.0f} s, not {seconds!r}"
        )


class Post(Protocol):
    """Something that is done here, or by somebody else, in small steps. `due` is when it has to be asked again."""

    @property
    def due(self) -> float:
        """When there is something to do by itself, by the clock that never goes back."""
        ...

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do here: it is at the end, kept back, or done by somebody else."""
        ...

    def turn(self) -> bool:
        """Take one step; whether there is more to do at once. Raises `StoreClosed`."""
        ...

    def release(self) -> None:
        """Let somebody else go on."""
        ...


P = TypeVar("P", bound=Post)


class Pauses:
    """Pauses after errors that may pass, each about twice as long as the one before, so that runners part."""

    def __init__(self) -> None:
        self._next = FIRST_PAUSE

    def after_error(self) -> float:
        """Seconds to wait now."""
        pause, self._next = self._next, min(2 * self._next, LONGEST_PAUSE)
        return pause * random.uniform(0.5, 1.0)  # noqa: S311 - so that runners part

    def reset(self) -> None:
        """Begin anew: it went well."""
        self._next = FIRST_PAUSE


def new_owner() -> str:
    """The name under which somebody holds leases: host, process, and some letters."""
    return f"{socket.gethostname()}:{os.getpid()}:{os.urandom(3).hex()}"


class Rounds(Generic[P]):
    """Lets posts take turns until it is told to stop. `watch` calls a function when there may be something to do."""

    def __init__(self, watch: Callable[..., Callable[[], None]]) -> None:
        self.owner = new_owner()
        self.error: BaseException | None = None
        self.posts: dict[Any, P] = {}
        self._watch = watch
        self._looked = 0.0
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def ring(self) -> None:
        """Take turns now: there may be something to do. Any thread may call it."""
        self._wake.set()

    def look(self) -> None:
        """Find new posts, and forget those that are gone."""

    def turned(self, post: P) -> None:
        """A post has taken its turn."""

    def look_soon(self) -> None:
        """Look before the next turn."""
        self._looked = 0.0

    def __enter__(self) -> Self:
        """Begin in a thread."""
        self._thread = threading.Thread(target=self._in_thread, name="backstory runner", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the step that is being taken, and let others go on."""
        self.stop()
        if self._thread is not None:
            self._thread.join()
        if self.error is not None:
            raise self.error

    @property
    def has_ended(self) -> bool:
        """Whether its thread has ended, because it failed, or because the store was closed."""
        return self._thread is not None and not self._thread.is_alive()

    def stop(self) -> None:
        """Tell it to end after the step that is being taken. Any thread or handler of a signal may call it."""
        self._stop.set()
        self._wake.set()

    def _in_thread(self) -> None:
        try:
            self.run()
        except StoreClosed:
            pass
        except BaseException as error:  # noqa: BLE001 - it is raised where the block of the runner ends
            self.error = error

    def run(self, *, once: bool = False) -> None:
        """Take turns in this thread until `stop`; `once`: until nothing is left to do."""
        end = self._watch(self._wake.set)
        try:
            while not self._stop.is_set():
                self._wake.clear()
                moved = self._round_or_later(once=once)
                if once and not moved and all(post.is_done for post in self.posts.values()):
                    return
                if not moved:
                    self._wake.wait(self._pause())
        finally:
            end()
            for post in self.posts.values():
                post.release()

    def _round_or_later(self, *, once: bool) -> bool:
        """Whether there is more to do at once. What posts are there may be asked later, but not if it runs `once`."""
        try:
            return self._round()
        except (StoreClosed, StoreRefused):
            raise
        except StoreError:
            if once:
                raise
            return False

    def _round(self) -> bool:
        now = time.monotonic()
        if now >= self._looked + LOOK or not self.posts:
            self._looked = now
            self.look()
        moved = False
        for key, post in list(self.posts.items()):
            if self._stop.is_set():
                return False
            moved = post.turn() or moved
            self.turned(post)
            if key not in self.posts:
                moved = True
        return moved

    def _pause(self) -> float:
        now = time.monotonic()
        due = min((post.due for post in self.posts.values() if post.due > now), default=now + LOOK)
        return max(0.001, min(due - now, LOOK))
