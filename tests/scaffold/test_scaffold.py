"""Generated code passes its own tests and the checkers as it is written, and nothing is ever replaced."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from backstory.cli.verbs.new import untested
from backstory.errors import ScaffoldError
from backstory.scaffold import code, new_app, write
from backstory.scaffold.change import change
from backstory.scaffold.event import defined
from backstory.scaffold.field import KINDS, Field
from backstory.scaffold.view import view

SLICES = [
    ["place-order", "--gives", "OrderPlaced", "order", "customer", "cents:int", "due:date", "at:datetime"],
    ["pack-order", "--gives", "OrderPacked", "order", *(f"field_{kind.lower()}:{kind}" for kind in KINDS)],
    [
        "ship-order",
        "--gives",
        "OrderShipped",
        "order",
        "parcel",
        "--after",
        "OrderPlaced",
        "--after",
        "OrderPacked",
    ],
    ["thank", "--on", "OrderShipped", "--gives", "CustomerThanked", "order", "parcel", "stars:int"],
    ["close", "--gives", "OrderClosed", "order"],
    ["orders", "--view", "OrderPlaced", "--view", "OrderPacked", "--view", "shop.order_closed"],
    ["shipped", "--view", "OrderShipped", "--state", "Shipment"],
]


def shell(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def ran(folder: Path, *words: str) -> str:
    done = shell(folder, sys.executable, "-m", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An application with a slice of each kind, made by the command line."""
    folder = tmp_path_factory.mktemp("made")
    ran(folder, "backstory", "new", "app", "shop", "--web")
    for words in SLICES:
        ran(folder / "shop", "backstory", "new", "slice", *words)
    return folder / "shop"


def test_its_own_tests_pass(shop: Path) -> None:
    assert "passed" in ran(shop, "pytest", "-q", "-p", "no:cacheprovider")


def test_backstory_check_finds_nothing(shop: Path) -> None:
    ran(shop, "pytest", "-q", "-p", "no:cacheprovider")
    done = shell(shop, sys.executable, "-m", "backstory", "check", "--json", "--no-store")
    found = [(one["code"], one["element"]) for one in json.loads(done.stdout)["findings"]]
    assert (found, done.stderr, done.returncode) == ([], "", 0)


def test_its_types_are_strict(shop: Path) -> None:
    assert "Success" in ran(shop, "mypy")


def test_ruff_has_nothing_to_say(shop: Path) -> None:
    ran(shop, "ruff", "check", ".")
    ran(shop, "ruff", "format", "--check", ".")


def test_its_model_is_sound(shop: Path) -> None:
    ran(shop, "pytest", "-q", "-p", "no:cacheprovider")
    assert "sound" in ran(shop, "backstory", "check")


def test_its_commands_and_views_work_on_a_store(shop: Path) -> None:
    ran(shop, "backstory", "init")
    ran(shop, "backstory", "do", "take_note", "n-1", "--text", "the first one", "--author", "ann")
    assert "the first one" in ran(shop, "backstory", "find", "Note")


def test_an_application_without_pages_needs_nothing_of_the_web(tmp_path: Path) -> None:
    files = new_app("shop")
    write(files, tmp_path)
    ran(tmp_path, "pytest", "-q", "-p", "no:cacheprovider")
    assert not any("fastapi" in text for text in files.values())


def test_a_dry_run_shows_the_files_and_writes_none(tmp_path: Path) -> None:
    shown = ran(tmp_path, "backstory", "new", "app", "shop", "--dry-run", "--json")
    found = json.loads(shown)
    assert not found["written"]
    assert {"path": "shop/CLAUDE.md", "text": "@AGENTS.md\n"} in found["files"]
    assert not any(tmp_path.iterdir())


def test_a_slice_is_never_written_over_another_one(shop: Path) -> None:
    before = {path: path.read_bytes() for path in shop.rglob("*.py")}
    again = shell(
        shop, sys.executable, "-m", "backstory", "new", "slice", "close", "--gives", "Closed", "order"
    )
    assert again.returncode == 2
    assert "is there already" in again.stderr
    assert before == {path: path.read_bytes() for path in shop.rglob("*.py")}


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        ('["tests"]', True),
        ('["tests", "shop"]', False),
        ('"tests"', True),
        ('["*/tests"]', False),
        ("3", False),
        ("[]", False),
    ],
)
def test_a_slice_whose_tests_pytest_would_not_find_is_told(tmp_path: Path, paths: str, said: bool) -> None:
    assert untested(tmp_path, tmp_path / "shop") == ""
    (tmp_path / "pyproject.toml").write_text(f"[tool.pytest.ini_options]\ntestpaths = {paths}\n")
    assert ("add shop to testpaths in pyproject.toml" in untested(tmp_path, tmp_path / "shop")) is said


def test_nothing_is_left_where_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("a file, and no folder")
    with pytest.raises((ScaffoldError, OSError)):
        write({"a/one.py": "", "b/two.py": ""}, tmp_path)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["b"]


@pytest.mark.parametrize(
    "name", ["", "1st", "class", "a.b", "../shop", "json", "backstory", "ä b", "a\nb", 'x"""y']
)
def test_a_name_that_no_package_can_have_is_refused(name: str) -> None:
    with pytest.raises(ScaffoldError):
        new_app(name)


def test_a_view_says_whose_field_it_is_that_two_events_have(tmp_path: Path) -> None:
    ran(tmp_path, "backstory", "new", "app", "shop")
    words = ["new", "slice", "texts", "--view", "NoteTaken", "--state", "Text"]
    made = shell(tmp_path / "shop", sys.executable, "-m", "backstory", *words)
    assert "a field that two events have is the last one's" in made.stderr


@pytest.mark.parametrize(
    ("gives", "fields"),
    [
        ("orderPlaced", ["order"]),
        ("Order Placed", ["order"]),
        ("None", ["order"]),
        ("OrderPlaced", []),
        ("OrderPlaced", ["order:int"]),
        ("OrderPlaced", ["order", "cents:integer"]),
        ("OrderPlaced", ["order", "import"]),
        ("OrderPlaced", ["order", "query"]),
        ("OrderPlaced", ["order", "int:int"]),
        ("OrderPlaced", ["str"]),
        ("OrderPlaced", ["order", "order"]),
        ("OrderPlaced", ["order", "a b\nimport os"]),
    ],
)
def test_no_name_or_field_becomes_other_code(gives: str, fields: list[str]) -> None:
    with pytest.raises(ScaffoldError):
        change("shop", "place", gives, [Field.of(text) for text in fields])


def test_a_slice_without_a_tag_in_common_says_which_tags_there_are() -> None:
    other = defined("shop.pay.decision", "Paid", [Field("invoice")])
    with pytest.raises(
        ScaffoldError, match="Paid has no tag order, so ship cannot find it; its tags: invoice"
    ):
        change("shop", "ship", "Shipped", [Field("order")], after=[other])


@pytest.mark.parametrize(
    ("name", "gives", "twice"),
    [
        ("place", "Event", "Event"),
        ("place", "OrderToPlace", "OrderToPlace"),
        ("place", "Paid", "Paid"),
        ("place", "SKU", "SKU"),
        ("command", "Placed", "command"),
        ("given", "Placed", "given"),
        ("event", "Placed", "event"),
    ],
)
def test_a_name_that_the_code_has_already_is_refused(name: str, gives: str, twice: str) -> None:
    paid = defined("shop.pay.decision", "Paid", [Field("order")])
    with pytest.raises(ScaffoldError, match=f"{twice} would be two things in the code of this slice"):
        change("shop", name, gives, [Field("order")], after=[paid])


def test_a_view_has_no_state_with_the_name_of_an_event_or_of_what_it_imports() -> None:
    paid = defined("shop.pay.decision", "Paid", [Field("order")])
    for state in ("Paid", "Materialized"):
        with pytest.raises(ScaffoldError, match=f"{state} would be two things"):
            view("shop", "orders", [paid], state=state)


def test_imports_are_in_the_order_of_ruff_whatever_they_are_called(tmp_path: Path) -> None:
    words = ["AToX", "Annotated", "Paid10", "Paid2", "UUID", "date", "paid10", "paid2", "Uuid", "a_b", "ab"]
    modules = [
        "shop.x7.decision",
        "shop.x14.view",
        "shop.X14.a",
        "shop.a_b",
        "shop.ab",
        "datetime",
        "backstory",
    ]
    names = {f"{module}.{word}" for module in modules for word in words}
    text = "\n".join(code.imports(names, "shop"))
    (tmp_path / "imports.py").write_text(f"{text}\n\nx = 1\n", encoding="utf-8")
    own = 'lint.isort.known-first-party=["shop"]'
    ran(tmp_path, "ruff", "check", "--isolated", "--select", "I", "--config", own, "imports.py")
