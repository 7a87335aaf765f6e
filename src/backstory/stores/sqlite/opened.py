"""The files that this process has open: each once, however often and under whatever name it is asked for."""

from __future__ import annotations

import os
import threading

from backstory.stores.fork import tell_of_forks
from backstory.stores.sqlite.connections import Connections, Inode, inode_of


class Opened:
    """The connections of each file, with the number of those who opened it."""

    def __init__(self) -> None:
        self._files: dict[Connections, int] = {}
        self._unguarded: set[Inode] = set()
        # Held while a file is opened or closed. A finalizer may come in the middle of either, in the same thread.
        self._lock = threading.RLock()
        tell_of_forks(self)

    def open(self, path: str, *, create: bool, patience: float, guard: bool) -> Connections:
        """The connections of the file at this path. Each call asks for one `close`."""
        path = os.path.realpath(path)
        with self._lock:
            found = self._find(inode_of(path)) or Connections(path)
            found.begin(create=create, patience=patience)
            self._files[found] = self._files.get(found, 0) + 1
            if not guard:
                self._unguarded.add(found.inode)
            return found

    def close(self, connections: Connections) -> None:
        """Close the file if nobody else in this process has it open."""
        with self._lock:
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

    def before_fork(self) -> None:
        """Close every file, and let nobody open one until the fork is over."""
        self._lock.acquire()
        for connections in self._files:
            connections.before_fork()

    def after_fork(self, *, child: bool) -> None:
        """Go on; a file is opened again by whoever uses it next."""
        for connections in self._files:
            connections.after_fork(child=child)
        self._lock.release()


OPENED = Opened()
