"""Calls of commands in words, as a command line and a form have them."""

from __future__ import annotations

import pytest

from backstory import State, Tag, command
from backstory.errors import InputError
from backstory.texts.calls import called, required
from tests.state.bank import Account, Deposited, deposit


class Ledger(State):
    """A state of two fields."""

    book: Tag[str]
    year: Tag[int]
    everywhere = (Deposited,)

    def apply(self, event: Deposited) -> None: ...


@command
def close(
    ledger: Ledger, payer: Account | None, others: list[Account], why: str = "", days: list[int] | None = None
) -> Deposited:
    return Deposited("a", len(others) + ledger.year)


def test_words_are_states_and_texts_are_values() -> None:
    asked = called(
        close, {"ledger": ["b", "7"], "others": [["x"], ["y"]]}, {"why": "it is due", "days": ["1", "2"]}
    )
    assert asked == close(Ledger("b", 7), None, [Account("x"), Account("y")], "it is due", [1, 2])


def test_a_parameter_that_is_left_out_has_its_default_and_none_may_be_none() -> None:
    assert called(close, {"ledger": ["b", "7"], "others": []}, {}) == close(Ledger("b", 7), None, [])
    assert [name for name in ("ledger", "payer", "others", "why") if required(close, name)] == [
        "ledger",
        "others",
    ]


@pytest.mark.parametrize(
    ("states", "texts", "why"),
    [
        ({}, {"cents": "5"}, "^account is missing$"),
        ({"account": ["a"]}, {}, "^cents is missing$"),
        ({"account": []}, {"cents": "5"}, "Account needs the identity ACCOUNT; got none"),
        ({"account": ["a", "b"]}, {"cents": "5"}, "got a b"),
        ({"account": ["a"]}, {"cents": "much"}, "^cents takes a whole number, not 'much'$"),
    ],
)
def test_a_wrong_text_names_the_parameter(
    states: dict[str, list[str]], texts: dict[str, str], why: str
) -> None:
    with pytest.raises(InputError, match=why):
        called(deposit, states, texts)


def test_a_parameter_is_named_as_the_caller_spells_it() -> None:
    with pytest.raises(InputError, match=r"^--cents takes a whole number"):
        called(deposit, {"account": ["a"]}, {"cents": "much"}, lambda name: f"--{name}")
