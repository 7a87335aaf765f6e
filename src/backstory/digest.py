"""SHA-256, loaded when it is first needed: hashlib brings OpenSSL along, 2.4 of the 40 ms that a verb takes.

`digest.sha256` is `hashlib.sha256`. Name it so at each use: `from backstory.digest import sha256` would load it at
once.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from backstory.forks import on_fork

if TYPE_CHECKING:
    from hashlib import sha256

__all__ = ["sha256"]

# Or another thread may be loading it just then, and its child would wait for that thread.
on_fork(before=partial(__import__, "hashlib"))


def __getattr__(name: str) -> Any:
    """Called for a name that is not here yet; after the first use it is."""
    if name != "sha256":
        raise AttributeError(name)
    import hashlib

    globals()[name] = hashlib.sha256
    return hashlib.sha256
