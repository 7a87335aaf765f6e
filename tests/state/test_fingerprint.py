"""The fingerprint of a state's code: another one when anything changes that the code uses, and the same otherwise."""

from __future__ import annotations

from textwrap import dedent, indent
from types import ModuleType
from typing import Any

import pytest

from backstory.decide.fingerprint import fingerprint

PREAMBLE = """
import dataclasses, enum, functools, logging, re, threading
from collections import OrderedDict
from decimal import Decimal
from typing import Annotated, Any, ClassVar, NamedTuple
import msgspec
from backstory import Event, State, Tag

class Paid(Event, name="fingerprint.paid"):
    shop: Tag[str]
    cents: int
"""

STATE = """
class Total(State):
    shop: Tag[str]
    sum: int = 0
"""


def module(source: str, rate: int, **names: Any) -> dict[str, Any]:
    """The names of a module with this source, in which RATE is written as a number."""
    space: dict[str, Any] = {"__name__": "shop", **names}
    text = PREAMBLE + dedent(source).replace("RATE", str(rate))
    exec(compile(text, "shop.py", "exec", dont_inherit=True), space)
    return space


def total(before: str, used: str, inside: str = "", rate: int = 1, **names: Any) -> str | None:
    """The fingerprint of a state whose `apply` uses an expression, after some lines of its module and of its class."""
    apply = f"def apply(self, event: Paid) -> None:\n    self.sum += event.cents * {used}\n"
    source = dedent(before) + STATE + indent(dedent(inside) + "\n" + apply, "    ")
    return fingerprint(module(source, rate, **names)["Total"])


OF_THE_MODULE = {
    "a constant": ("rate = RATE", "rate"),
    "a tuple": ("rates = (0, RATE)", "rates[1]"),
    "a dict": ("rates = {'x': {'y': [RATE]}}", "rates['x']['y'][0]"),
    "a set": ("rates = {'a', 'b', 'c', RATE}", "len(rates)"),
    "an ordered dict": ("rates = OrderedDict(x=RATE)", "rates['x']"),
    "a decimal": ("rate = Decimal(RATE)", "int(rate)"),
    "a pattern": ("pattern = re.compile('RATE')", "bool(pattern)"),
    "a function": ("def rate(): return RATE", "rate()"),
    "a function of a function": ("def inner(): return RATE\ndef rate(): return inner()", "rate()"),
    "a function in a function": ("def rate():\n    def inner(): return RATE\n    return inner()", "rate()"),
    "an attribute of a function": ("def rate(): ...\nrate.value = RATE", "rate.value"),
    "a default": ("def rate(value=RATE): return value", "rate()"),
    "a default by name": ("def rate(*, value=RATE): return value", "rate()"),
    "a lambda": ("rate = lambda: RATE", "rate()"),
    "a closure": ("def made(value): return lambda: value\nrate = made(RATE)", "rate()"),
    "what happens on an error": (
        "def rate():\n    try: return len(1)\n    except TypeError: return RATE",
        "rate()",
    ),
    "a function that is cached": ("@functools.lru_cache\ndef rate(): return RATE", "rate()"),
    "a part of a function": ("rate = functools.partial(int, RATE)", "rate()"),
    "a method of an object": ("rate = {'x': RATE}.get", "rate('x')"),
    "a class": ("class Rates:\n    @staticmethod\n    def rate(): return RATE", "Rates.rate()"),
    "an object": (
        "class Rates:\n    def __init__(self, value): self.value = value\nrates = Rates(RATE)",
        "rates.value",
    ),
    "an object's method": (
        "class Rates:\n    def rate(self): return RATE\nrate = Rates().rate",
        "rate()",
    ),
    "a struct's default": ("class Rates(msgspec.Struct):\n    value: int = RATE", "Rates().value"),
    "a dataclass's default": (
        "@dataclasses.dataclass\nclass Rates:\n    value: list = dataclasses.field(default_factory=lambda: [RATE])",
        "Rates().value[0]",
    ),
    "a default of attrs": (
        "import attrs\n@attrs.define\nclass Rates:\n    value: list = attrs.Factory(lambda: [RATE])",
        "Rates().value[0]",
    ),
    "a default of pydantic": (
        "import pydantic\nclass Rates(pydantic.BaseModel):\n    value: int = RATE",
        "Rates().value",
    ),
    "a named tuple": ("class Rates(NamedTuple):\n    value: int = RATE", "Rates().value"),
    "a member of an enum": ("class Rates(enum.Enum):\n    NOW = RATE", "Rates.NOW.value"),
    "a method of an enum": (
        "class Rates(enum.Enum):\n    NOW = 1\n    def rate(self): return RATE\nnow = Rates.NOW",
        "now.rate()",
    ),
}

OF_THE_CLASS = {
    "a number": ("rate: ClassVar = RATE", "self.rate"),
    "a dict": ("rates: ClassVar = {'x': RATE}", "self.rates['x']"),
    "a method": ("def rate(self): return RATE", "self.rate()"),
    "a property": ("@property\ndef rate(self): return RATE", "self.rate"),
    "a cached property": ("@functools.cached_property\ndef rate(self): return RATE", "self.rate"),
    "a class method": ("@classmethod\ndef rate(cls): return RATE", "self.rate()"),
    "a class inside": ("class Rates:\n    value = RATE", "self.Rates.value"),
    "the type of a field": ("rates: list[Annotated[Rates, 'now']] = []", "self.rates[0].rate()"),
    "a default": ("rates: list[int] = msgspec.field(default_factory=lambda: [RATE])", "self.rates[0]"),
    "an operator": ("def __len__(self): return RATE", "len(self)"),
}

RATES = """
class Rates(msgspec.Struct):
    def rate(self): return RATE
"""


@pytest.mark.parametrize("what", OF_THE_MODULE)
def test_what_a_method_names_of_its_module_is_seen(what: str) -> None:
    before, used = OF_THE_MODULE[what]
    assert total(before, used) == total(f"# moved\n{before}", used) != total(before, used, rate=2)
    assert total(before, used) is not None


@pytest.mark.parametrize("what", OF_THE_CLASS)
def test_what_its_class_has_is_seen(what: str) -> None:
    inside, used = OF_THE_CLASS[what]
    assert total(RATES, used, inside) == total(RATES, used, f"# moved\n{inside}") is not None
    assert total(RATES, used, inside) != total(RATES, used, inside, rate=2)


WRAPPED = """
def logged(function):
    @functools.wraps(function)
    def wrapper(self, event): return function(self, event)
    return wrapper

class Total(State):
    shop: Tag[str]
    sum: int = 0

    @logged
    def apply(self, event: Paid) -> None: self.sum += RATE
"""

DERIVED = """
class Mixin:
    def rate(self): return RATE

class Total(Mixin, State):
    shop: Tag[str]
    sum: int = 0

    def apply(self, event: Paid) -> None: self.sum += self.rate()
"""

ENCLOSED = """
def made(rate):
    class Total(State):
        shop: Tag[str]
        sum: int = 0

        def apply(self, event: Paid) -> None: self.sum += rate
    return Total
Total = made(RATE)
"""

OF_THE_EVENT = """
class Bought(Event, name="shop.bought"):
    shop: Tag[str]
    cents: int

    def sum(self): return self.cents * RATE

class Total(State):
    shop: Tag[str]
    sum: int = 0

    def apply(self, event: Bought) -> None: self.sum += event.sum()
"""


@pytest.mark.parametrize("source", [WRAPPED, DERIVED, ENCLOSED, OF_THE_EVENT])
def test_what_stands_around_a_method_is_seen(source: str) -> None:
    one, again, other = (fingerprint(module(source, rate)["Total"]) for rate in (1, 1, 2))
    assert one == again != other
    assert one is not None


def test_what_another_module_has_is_seen_by_its_name() -> None:
    def using(rate: int, other: int) -> str | None:
        rates, deeper = ModuleType("shop.rates"), ModuleType("shop.deeper")
        rates.deeper = deeper  # type: ignore[attr-defined]
        deeper.rate, deeper.other = rate, other  # type: ignore[attr-defined]
        return total("", "rates.deeper.rate", rates=rates)

    assert using(1, 1) == using(1, 2) != using(2, 1)
    assert using(1, 1) is not None


@pytest.mark.parametrize(
    ("before", "used"),
    [
        ("log = logging.getLogger('shop')", "bool(log.info('paid'))"),
        ("", "len(re.findall('a', 'b'))"),
        ("import json", "len(json.dumps([1]))"),
        ("rate = msgspec.structs.replace", "bool(rate)"),
        ("", "missing"),
        ("", "len(__import__('os').sep)"),
        ("def rate():\n    import os\n    return os.sep", "len(rate())"),
        ("def rate(n): return 1 if n == 0 else rate(n - 1)", "rate(3)"),
    ],
)
def test_what_is_pythons_or_of_a_package_is_no_riddle(before: str, used: str) -> None:
    assert total(before, used) == total(before, used) is not None


@pytest.mark.parametrize(
    ("before", "used"),
    [
        ("lock = threading.Lock()", "bool(lock)"),
        ("numbers = (number for number in (1, 2))", "next(numbers)"),
        ("def rate():\n    from shop_rates import rate\n    return rate", "rate()"),
        ("rates = []\nrates.append(rates)", "len(rates)"),
    ],
)
def test_what_is_known_only_when_it_runs_leaves_no_fingerprint(before: str, used: str) -> None:
    assert total(before, used) is None
