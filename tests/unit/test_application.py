"""Applications are found by the name of their module, and what is wrong with the name is said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backstory.application import load
from backstory.errors import ApplicationError
from tests.programs import BANK, bank, forgotten

EVENT = "from backstory import Event, Tag\nclass {0}(Event):\n    account: Tag[str]\n"


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    with forgotten():
        yield


def test_a_module_is_an_application(tmp_path: Path) -> None:
    bank(tmp_path)
    app = load("bank", tmp_path)
    assert [kind.name for kind in app.events] == [
        "AccountOpened", "Deposited", "Noted", "RateChanged", "Settled", "Withdrawn",
    ]  # fmt: skip
    assert [cls.__name__ for cls in app.states] == ["Account", "Rates"]
    assert [command.name for command in app.commands] == [
        "change_rate", "deposit", "settle", "transfer", "withdraw",
    ]  # fmt: skip
    assert app.command("change-rate") is app.command("change_rate") is app.command("bank.change_rate")
    assert app.state("Account") is app.state("bank.Account")
    assert app.event("Noted").version == 1


def test_a_package_has_the_parts_of_its_submodules_but_not_of_its_tests(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    (folder / "deep").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "deep" / "__init__.py").touch()
    (folder / "deep" / "events.py").write_text(EVENT.format("Placed"), encoding="utf-8")
    (folder / "other.py").write_text(EVENT.format("Paid"), encoding="utf-8")
    for name in ("__main__", "conftest", "test_shop"):
        (folder / f"{name}.py").write_text("raise SystemExit('not to be imported')", encoding="utf-8")
    assert [kind.name for kind in load("shop", tmp_path).events] == ["Paid", "Placed"]


def test_what_states_and_commands_use_belongs_to_it_wherever_it_is_defined(tmp_path: Path) -> None:
    bank(tmp_path)
    (tmp_path / "slim.py").write_text("from bank import deposit\n", encoding="utf-8")
    app = load("slim", tmp_path)
    assert [cls.__name__ for cls in app.states] == ["Account"]
    assert [kind.name for kind in app.events] == ["AccountOpened", "Deposited", "Settled", "Withdrawn"]


def test_commands_and_events_that_stand_in_a_class_belong_to_it(tmp_path: Path) -> None:
    (tmp_path / "spaces.py").write_text(
        """
from __future__ import annotations
from backstory import Event, Tag, command

class Books:
    itself = None

    class Bought(Event, name="spaces.bought"):
        book: Tag[str]

    @command(name="spaces.buy")
    def buy(book: str) -> Books.Bought:
        return Books.Bought(book)

    @staticmethod
    @command(name="spaces.buy_two")
    def buy_two(book: str) -> Books.Bought:
        return Books.Bought(book)

Books.itself = Books
""",
        encoding="utf-8",
    )
    (tmp_path / "others.py").write_text("from spaces import Books\n" + EVENT.format("Own"), encoding="utf-8")
    app = load("spaces", tmp_path)
    assert [command.name for command in app.commands] == ["spaces.buy", "spaces.buy_two"]
    assert [kind.name for kind in app.events] == ["spaces.bought"]
    assert [kind.name for kind in load("others", tmp_path).events] == ["Own"]


@pytest.mark.parametrize(
    "value",
    [
        "[bank.deposit, bank.Noted]",
        "(bank.deposit, bank.Noted)",
        "{'a': bank.deposit, 'b': bank.Noted}",
        "type('Parts', (), {'a': bank.deposit, 'b': bank.Noted})",
        "types.SimpleNamespace(a=bank.deposit, b=bank.Noted)",
        "[slim]",
        "slim",
    ],
)
def test_an_attribute_may_hold_the_parts(tmp_path: Path, value: str) -> None:
    bank(tmp_path)
    (tmp_path / "slim.py").write_text("from bank import deposit, Noted\n", encoding="utf-8")
    (tmp_path / "main.py").write_text(f"import bank, slim, types\nparts = {value}\n", encoding="utf-8")
    app = load("main:parts", tmp_path)
    assert [command.name for command in app.commands] == ["deposit"]
    assert "Noted" in [kind.name for kind in app.events]
    assert "RateChanged" not in [kind.name for kind in app.events]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("bnak", "there is no module 'bnak', seen from .*; did you mean bank?"),
        ("bank.accounts", "there is no module 'bank.accounts'"),
        ("bank:part", "bank has no 'part'; did you mean parts?"),
        ("bank.py", "an application is named as a module, like bank or bank:parts, not 'bank.py'"),
        ("./src/bank.py", "like src.bank or"),
        ("", "named as a module"),
        ("empty", "empty has no events, states or commands, and does not use backstory"),
        ("empty:nothing", "empty:nothing has no events, states or commands$"),
        ("needs", "(?s)needs cannot be imported:.*needs.py:1 in <module>.*No module named 'not_installed'"),
        ("broken", "(?s)broken cannot be imported:.*broken.py:2 in f\nZeroDivisionError: division by zero"),
        ("syntax", "(?s)syntax cannot be imported:.*syntax.py.*line 1.*SyntaxError"),
        ("wrong", "wrong cannot be imported(?s:.*)DefinitionError: .*frozen"),
        ("stops", "stops ends the program while it is imported"),
    ],
)
def test_what_is_wrong_with_the_name_or_the_module_is_said(tmp_path: Path, name: str, message: str) -> None:
    files = {
        "bank": f"{BANK}\nparts = [deposit]\n",
        "empty": "import json\nnothing = []\n",
        "needs": "import not_installed\n",
        "broken": "def f():\n    1 / 0\nf()\n",
        "syntax": "class\n",
        "wrong": "import dataclasses, backstory\n@backstory.register\n@dataclasses.dataclass\nclass A:\n    n: int\n",
        "stops": "raise SystemExit(3)\n",
    }
    for file, text in files.items():
        (tmp_path / f"{file}.py").write_text(text, encoding="utf-8")
    with pytest.raises(ApplicationError, match=message) as caught:
        load(name, tmp_path)
    assert "importlib" not in str(caught.value)


def test_a_name_that_is_unknown_gets_the_nearest(tmp_path: Path) -> None:
    bank(tmp_path)
    app = load("bank", tmp_path)
    with pytest.raises(ApplicationError, match="no command 'withdrw'; did you mean withdraw"):
        app.command("withdrw")
    with pytest.raises(ApplicationError, match="no state 'account'; did you mean Account"):
        app.state("account")
    with pytest.raises(ApplicationError, match="no state 'Zzz'; it has Account, Rates"):
        app.state("Zzz")


def test_a_name_that_two_modules_use_needs_its_module(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "__init__.py").touch()
    code = (
        "from backstory import Event, State, Tag, command\n"
        "class {0}Made(Event):\n    thing: Tag[str]\n"
        "class Thing(State):\n    thing: Tag[str]\n    n: int = 0\n"
        "    def apply(self, event: {0}Made) -> None: ...\n"
        "@command\ndef make(thing: Thing) -> {0}Made:\n    return {0}Made(thing.thing)\n"
    )
    (folder / "a.py").write_text(code.format("A"), encoding="utf-8")
    (folder / "b.py").write_text(code.format("B"), encoding="utf-8")
    app = load("shop", tmp_path)
    with pytest.raises(ApplicationError, match=r"has 2 commands named make; say which: a.make, b.make"):
        app.command("make")
    assert app.command("b.make").gives[0].__name__ == "BMade"
    assert app.command("shop.a.make").gives[0].__name__ == "AMade"
    assert app.state("a.Thing") is not app.state("b.Thing")
