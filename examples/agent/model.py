"""The model, which is a function. A real one is an adapter of ten lines; see the README."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from examples.agent.said import Call, Message, Reply
from examples.agent.tools import UNKNOWN, Tool

Model: TypeAlias = Callable[[Sequence[Message], Mapping[str, Tool]], Reply]
"""From the messages so far, and the tools, to a reply. After a crash it may be asked for the same one again."""


def scripted(messages: Sequence[Message], tools: Mapping[str, Tool]) -> Reply:  # noqa: ARG001 - as every model
    """A model that needs no key: it looks an order up, pays back what was paid or half of it, and tells so."""
    said = " ".join(message.text for message in messages if message.by == "person")
    answers = [message.text for message in messages if message.by == "tool"]
    order = re.search(r"o-\d+", said)
    if order is None:
        return Reply("Which order is it about?")
    if not answers:
        return Reply(call=Call("look_up", {"order": order[0]}))
    if answers[-1] == UNKNOWN:
        return Reply(f"A person will look at {order[0]}: {UNKNOWN}.")
    paid = re.search(r"paid (\d+) cents$", answers[0])
    if paid is None:
        return Reply(f"I pay nothing back: {answers[0]}.")
    if len(answers) == 1:
        cents = int(paid[1]) // 2 if "half" in said else int(paid[1])
        return Reply(call=Call("pay_back", {"order": order[0], "cents": cents}))
    return Reply(f"Done: {answers[-1]}.")
