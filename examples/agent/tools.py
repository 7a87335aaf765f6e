"""Tools: what the agent may do in the world outside of the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

UNKNOWN = "the program ended while this was done, and nobody knows whether it was"
"""The answer of a tool that was begun, has not answered, and is not used again."""


class Tool(NamedTuple):
    """A function of a key and the arguments of a call. The key is the same each time that one step is tried.

    A tool is `repeatable` if to use it twice does no harm: it only looks, or it does its work once for each key.
    """

    about: str
    use: Callable[..., str]
    repeatable: bool = False


class Shop:
    """Stands for another system: orders that were paid, and money that was sent back."""

    def __init__(self, paid: Mapping[str, int]) -> None:
        self.paid = paid
        self.sent: list[tuple[str, int]] = []

    def look_up(self, key: str, order: str) -> str:
        if order not in self.paid:
            return f"there is no order {order}"
        return f"{order} paid {self.paid[order]} cents"

    def pay_back(self, key: str, order: str, cents: int) -> str:
        self.sent.append((order, cents))
        return f"{cents} cents were sent to the customer of {order}"

    def tools(self) -> dict[str, Tool]:
        """The tools of this shop, by name."""
        return {
            "look_up": Tool("How much was paid for an order.", self.look_up, repeatable=True),
            "pay_back": Tool("Send money back.", self.pay_back),
        }
