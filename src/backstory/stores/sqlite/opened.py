"""The files that this process has open: each once, however often and under whatever name it is asked for."""

from __future__ import annotations

import os
import threading
from collections import deque

from backstory.forks import on_fork
from backstory.stores.sqlite.connecting import Inode, inode_of
from backstory.stores.sqlite.connections import Connections, release


class Opened:
    """The connections of each file, with the number of stores that have it open."""

    def __init__(self) -> None:
        self._files: dict[Connections, int] = {}
        self._unguarded: set[Inode] = set()
        self._dropped: deque[Connections] = deque()
        self._begin()
        on_fork(before=self._let_go, parent=self._go_on, child=self._begin)

    def _begin(self) -> None:
        # Held while a file is opened or closed. A finalizer may come in the middle of either, in the same thread.
        self._lock = threading.RLock()
        for connections in list(self._files):
            connections.leave_to_parent()

    def open(self, path: str, *, create: bool, patience: float, guard: bool) -> Connections:
        """The connections of the file at this path. Each call asks for one `close`."""
        path = os.path.realpath(path)
        with self._lock:
            self._close_dropped()
            found = self._find(inode_of(path)) or Connections(path)
            found.begin(create=create, patience=patience)
            self._files[found] = self._files.get(found, 0) + 1
            if not guard:
                self._unguarded.add(found.inode)
            return found

    def close(self, connections: Connections) -> None:
        """Close the file if nobody else in this process has it open."""
        with self._lock:
            self._dropped.append(connections)
            self._close_dropped()

    def drop(self, connections: Connections) -> None:
        """Do the same for a store that is garbage, or leave it to the next one that opens or closes a file.

        It waits for nobody: garbage is collected in the middle of anything, also of a commit that a fork waits for.
        """
        self._dropped.append(connections)
        if self._lock.acquire(blocking=False):
            try:
                self._close_dropped()
            finally:
                self._lock.release()

    def _close_dropped(self) -> None:
        while self._dropped:
            connections = self._dropped.popleft()
            self._files[connections] -= 1
            if self._files[connections] == 0:
                del self._files[connections]
                connections.close()

    def guards(self, path: str) -> bool:
        """Whether the file at this path is open, and no other copy of SQLite may open it."""
        inode = inode_of(path)
        return self._find(inode) is not None and inode not in self._unguarded

    def _find(self, inode: Inode) -> Connections | None:
        return next((one for one in list(self._files) if one.inode == inode != (0, 0)), None)

    def _let_go(self) -> None:
        """Close every file, and let nobody open one until the fork is over."""
        self._lock.acquire()
        for connections in list(self._files):
            connections.let_go()

    def _go_on(self) -> None:
        """Go on in the parent; the next call opens a file again."""
        for connections in list(self._files):
            connections.go_on()
        release(self._lock)


OPENED = Opened()
