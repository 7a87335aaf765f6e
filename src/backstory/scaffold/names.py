"""Names of slices, events and fields, in the three ways in which Python and people write them."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Iterable

from backstory.errors import ScaffoldError


def snake(name: str, what: str) -> str:
    """`place-order` or `PlaceOrder` as `place_order`. Raises `ScaffoldError` for a name that Python does not allow."""
    found = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").replace(" ", "_").lower()
    if keyword.iskeyword(found):
        raise ScaffoldError(f"{name!r} cannot name {what}: it is a word of Python")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", found):
        raise ScaffoldError(
            f"{name!r} cannot name {what}: a name has letters, digits and '-', and begins with a letter"
        )
    return found


def camel(name: str) -> str:
    """`place_order` as `PlaceOrder`."""
    return "".join(word.capitalize() for word in name.split("_"))


def class_name(name: str, what: str) -> str:
    """The name of a class, as it was given: `OrderPlaced`. Raises `ScaffoldError`."""
    if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", name) or keyword.iskeyword(name):
        raise ScaffoldError(f"{name!r} cannot name {what}: it is a class, such as OrderPlaced")
    return name


def check_apart(own: Iterable[str], imported: Iterable[str]) -> None:
    """Raise `ScaffoldError` if two names of a module are one: those that it defines, and full names that it imports."""
    names = Counter([*own, *(full.rpartition(".")[2] for full in set(imported))])
    if twice := [name for name, count in names.items() if count > 1]:
        raise ScaffoldError(f"{twice[0]} would be two things in the code of this slice: choose another name")


def words(name: str) -> str:
    """`place_order` as `place order`."""
    return name.replace("_", " ").strip()
