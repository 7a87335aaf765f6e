"""SHA-256 and SHAKE-256, loaded when they are first needed: hashlib brings OpenSSL along, 2.4 of the 40 ms of a verb.

`digest.sha256` is `hashlib.sha256`. Name it so at each use: to import `sha256` from here would load it at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backstory.forks import load_before_fork

if TYPE_CHECKING:
    from hashlib import sha256, shake_256

__all__ = ["sha256", "shake_256"]

load_before_fork("hashlib")


def __getattr__(name: str) -> Any:
    """Called for a name that is not here yet; after the first use it is."""
    if name not in __all__:
        raise AttributeError(name)
    import hashlib

    found = globals()[name] = getattr(hashlib, name)
    return found
