"""What is said in a run: messages, and replies of the model."""

from __future__ import annotations

from typing import Literal

import msgspec


class Message(msgspec.Struct, frozen=True):
    """A message, and whose it is."""

    by: Literal["person", "model", "tool"]
    text: str


class Call(msgspec.Struct, frozen=True):
    """The use of a tool."""

    tool: str
    arguments: dict[str, str | int] = {}


class Reply(msgspec.Struct, frozen=True):
    """The reply of a model: words that end the run, or the use of a tool."""

    text: str = ""
    call: Call | None = None
