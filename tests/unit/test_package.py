"""The package as somebody looks at it who does not know it yet."""

from __future__ import annotations

import pydoc
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import backstory
from backstory import command, connect
from backstory.errors import StoreError
from tests.state.bank import Account, Deposited


def test_dir_has_the_public_names_and_nothing_else() -> None:
    assert {name for name in dir(backstory) if not name.startswith("__")} == {
        *backstory.__all__,
        "adapters",
        "aio",
        "errors",
        "testing",
    }
    assert backstory.testing.given.__name__ == "given"


def test_a_name_that_is_not_there_is_an_attribute_error_from_which_python_finds_the_right_one() -> None:
    with pytest.raises(AttributeError, match="no attribute 'conect'") as wrong:
        getattr(backstory, "conect")  # noqa: B009 - the type checkers would take it for an object
    assert (wrong.value.name, wrong.value.obj) == ("conect", backstory)


def test_aio_without_its_extra_says_what_to_install() -> None:
    code = "import sys; sys.modules['anyio'] = None; from backstory import aio"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stderr.endswith("ExtraMissing: backstory.aio needs anyio: pip install 'backstory[async]'\n")


@pytest.mark.parametrize(
    ("module", "made", "words"),
    [
        (
            "nats",
            "from backstory.outbox import Nats; Nats('bus', subject='shop')",
            "Nats needs nats: pip install 'backstory[nats]'",
        ),
        (
            "duckdb",
            "from backstory.projections.elsewhere import DuckDB; DuckDB('sales.duckdb')",
            "DuckDB needs duckdb: pip install 'backstory[duckdb]'",
        ),
        (
            "psycopg",
            "from backstory.projections.elsewhere import Postgres; Postgres('postgresql://dw/sales')",
            "Postgres needs psycopg: pip install 'backstory[postgres]'",
        ),
        (
            "psycopg",
            "from backstory import connect; connect('postgresql://dw/sales')",
            "a store in PostgreSQL needs psycopg: pip install 'backstory[postgres]'",
        ),
        (
            "polars",
            "import pyarrow as pa; from backstory.frames import Frame; Frame(pa.table({})).polars()",
            "frame.polars needs polars: pip install 'backstory[frames]'",
        ),
    ],
)
def test_a_missing_library_is_told_with_the_extra_that_brings_it_before_anything_is_done(
    module: str, made: str, words: str
) -> None:
    code = f"import sys; sys.modules[{module!r}] = None; {made}"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stderr.endswith(f"ExtraMissing: {words}\n")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "is empty"),
        (" ", "is empty"),
        ("sqlite:///", "is empty"),
        (":memory:", "is memory: here"),
        ("sqlite:///:memory:", "is memory: here"),
        ("postgress://here/bank", "did you mean postgres or postgresql?"),
    ],
)
def test_an_address_that_no_store_has_is_refused_with_the_right_form(
    address: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError) as wrong:
        connect(address)
    assert words in str(wrong.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("given", [None, 5, b"bank.db"])
def test_what_is_no_address_makes_no_file(
    given: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TypeError, match="a text or a path"):
        connect(given)
    assert list(tmp_path.iterdir()) == []


def test_a_path_object_is_an_address(tmp_path: Path) -> None:
    with connect(tmp_path / "bank.db") as db:
        assert db.head().position == 0


def test_the_first_screen_of_help_has_every_public_name() -> None:
    doc = backstory.__doc__ or ""
    assert [name for name in backstory.__all__ if not re.search(rf"\b{name}\b", doc)] == []


def test_help_of_a_command_has_the_words_of_its_function() -> None:
    @command
    def pay(account: Account) -> Deposited:
        """Pay in a cent."""
        return Deposited(account.account, 1)

    shown = pydoc.plain(pydoc.render_doc(pay))
    assert "<command pay(account" in shown
    assert "Pay in a cent." in shown
