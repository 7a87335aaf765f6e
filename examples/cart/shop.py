"""Filling a cart, changing one's mind, and checking out."""

from __future__ import annotations

from backstory import Refused, command
from examples.cart.cart import Cart
from examples.cart.events import CheckedOut, ItemAdded, ItemRemoved


@command
def add(cart: Cart, item: str) -> ItemAdded:
    _need_open(cart)
    return ItemAdded(cart.cart, item)


@command
def remove(cart: Cart, item: str) -> ItemRemoved:
    _need_open(cart)
    if item not in cart.items:
        raise Refused("not in the cart", item=item)
    return ItemRemoved(cart.cart, item)


@command
def check_out(cart: Cart) -> CheckedOut:
    _need_open(cart)
    if not cart.items:
        raise Refused("the cart is empty")
    return CheckedOut(cart.cart, cart.items)


def _need_open(cart: Cart) -> None:
    if cart.checked_out:
        raise Refused("checked out already")
