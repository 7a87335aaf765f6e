"""A shopping cart."""

from __future__ import annotations

from backstory.testing import every_order, given
from examples.cart.cart import Cart
from examples.cart.events import CheckedOut, ItemAdded, ItemRemoved
from examples.cart.regret import Regret
from examples.cart.shop import add, check_out, remove

CART = Cart("c-1")


def test_an_item_goes_into_the_cart() -> None:
    given().when(add(CART, "book")).then(ItemAdded("c-1", "book")).then_state(Cart("c-1", ["book"]))


def test_and_out_again() -> None:
    given(ItemAdded("c-1", "book")).when(remove(CART, "book")).then(ItemRemoved("c-1", "book"))


def test_what_is_not_there_cannot_be_removed() -> None:
    given(ItemAdded("c-1", "book")).when(remove(CART, "lamp")).then_refused("not in the cart", item="lamp")


def test_checking_out_says_what_was_bought() -> None:
    given(ItemAdded("c-1", "book")).when(check_out(CART)).then(CheckedOut("c-1", ["book"]))


def test_an_empty_cart_cannot_be_checked_out() -> None:
    given().when(check_out(CART)).then_refused("the cart is empty")


def test_a_cart_is_checked_out_once() -> None:
    bought = given(ItemAdded("c-1", "book"), CheckedOut("c-1", ["book"]))
    for command in add(CART, "lamp"), remove(CART, "book"), check_out(CART):
        bought.when(command).then_refused("checked out already")


def test_nothing_enters_a_cart_that_is_checked_out_whoever_is_first() -> None:
    for order in every_order([add(CART, "lamp"), check_out(CART)], given=[ItemAdded("c-1", "book")]):
        assert order.accepted[-1] == check_out(CART)


def test_an_item_that_was_put_back_is_remembered_across_carts() -> None:
    given(
        ItemAdded("c-1", "lamp"),
        ItemRemoved("c-1", "lamp"),
        ItemAdded("c-2", "lamp"),
    ).then_state(Regret("lamp", added=2, removed=1))
