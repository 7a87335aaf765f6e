"""Tests that read like the specification: given these events, when this command, then those events.

    def test_nobody_withdraws_more_than_there_is() -> None:
        given(Deposited("a-7", 500)).when(withdraw(Account("a-7"), cents=600)).then_refused("insufficient funds")

Pure: no store, no clock, no I/O. Works in any test runner; under pytest, `pytest --spec` prints the scenarios that ran
as a specification, and `--spec-md FILE` writes it as Markdown.
"""

from __future__ import annotations

from backstory.decide.invariants import invariant
from backstory.testing.history import Broken, committed
from backstory.testing.orders import Order, every_order, in_order
from backstory.testing.projecting import check_projection
from backstory.testing.scenario import Given, When, given

__all__ = [
    "Broken",
    "Given",
    "Order",
    "When",
    "check_projection",
    "committed",
    "every_order",
    "given",
    "in_order",
    "invariant",
]
