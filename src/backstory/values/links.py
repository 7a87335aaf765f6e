"""Links: the ids that a commit names in its metadata, by which it is found.

    causation     the commit that made the code run which appended this one
    correlation   an id that everything of one request shares
    reverts       the commits that this one undoes

Metadata is free, so a value of another form is no link, and no error.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from backstory.errors import InvalidEvent

Key = Literal["causation", "correlation", "reverts"]
"""The names in the metadata that are links."""

CAUSATION: Key = "causation"
CORRELATION: Key = "correlation"
REVERTS: Key = "reverts"

KEYS: tuple[Key, ...] = (CAUSATION, CORRELATION, REVERTS)


class _Metadata(msgspec.Struct):
    causation: Any = None
    correlation: Any = None
    reverts: Any = None


_decode = msgspec.json.Decoder(_Metadata).decode
_QUOTED = {key: f'"{key}"'.encode() for key in KEYS}


def word(key: Key, id: str) -> str:
    """A link as one text, for an index. No tag is like it: none begins with a comma.

    Raises `InvalidEvent` for an id that no metadata can have.
    """
    try:
        id.encode()
    except (AttributeError, UnicodeEncodeError):
        raise InvalidEvent(f"the id of a {key} is text without a lone surrogate, not {id!r}") from None
    return f",{key}:{id}"


def ids_of(metadata_json: bytes, key: Key) -> tuple[str, ...]:
    """The ids that a commit names under a key, each once. None for metadata that is withheld or damaged."""
    if metadata_json == b"{}" or _QUOTED[key] not in metadata_json:
        return ()
    try:
        found = getattr(_decode(metadata_json), key)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ()
    listed = found if key == REVERTS and isinstance(found, list) else [found] if key != REVERTS else []
    return tuple(dict.fromkeys(id for id in listed if isinstance(id, str)))


def words_of(metadata_json: bytes) -> tuple[str, ...]:
    """All links of a commit, each as a text."""
    keys: list[Key] = [] if metadata_json == b"{}" else [key for key in KEYS if _QUOTED[key] in metadata_json]
    return tuple([word(key, id) for key in keys for id in ids_of(metadata_json, key)]) if keys else ()
