"""No double submission."""

from __future__ import annotations

from backstory import connect
from backstory.testing import every_order, given
from examples.recipes.no_double_submission import OrderPlaced, Submission, place_order

FORM = Submission("t-1")


def test_a_form_places_an_order() -> None:
    given().when(place_order(FORM, "o-1")).then(OrderPlaced("o-1", "t-1"))


def test_sent_again_it_says_which() -> None:
    given(OrderPlaced("o-1", "t-1")).when(place_order(FORM, "o-2")).then_refused(
        "submitted before", order="o-1"
    )


def test_sent_twice_at_once_it_places_one() -> None:
    for order in every_order([place_order(FORM, "o-1"), place_order(FORM, "o-2")]):
        assert len(order.accepted) == 1


def test_with_the_token_as_the_commits_id_the_second_gets_the_firsts_answer() -> None:
    with connect() as db:
        first = db.execute(place_order(FORM, "o-1"), id="t-1")
        assert db.execute(place_order(FORM, "o-1"), id="t-1") == first
        assert db.head().position == 1
