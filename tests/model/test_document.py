"""The model of an application, as one document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from backstory.application import load
from backstory.model import Model, model_of
from backstory.model.document import document, json_schema
from backstory.model.elements import Decision, Place, Scenario
from tests.model.conftest import Modelled
from tests.model.shop import SHOP

ROOT = Path(__file__).parents[2]


def scenario(test: str, *decisions: Decision, given: list[str] | None = None) -> Scenario:
    """A scenario of a test."""
    return Scenario(
        test=test, title=test, place=Place("test_kiosk.py", 1), given=given or [], decisions=list(decisions)
    )


@pytest.fixture
def shop(modelled: Modelled) -> Model:
    return modelled(SHOP)


def one(model: Model, id: str) -> Any:
    return model.element(id)


def test_an_event_says_what_it_holds_who_gives_it_and_who_reads_it(shop: Model) -> None:
    opened = one(shop, "event:kiosk.opened")
    assert (opened.class_name, opened.doc, opened.version) == ("Opened", "A day begins.", 2)
    assert [(field.name, field.type, field.required, field.tag, field.mark) for field in opened.fields] == [
        ("kiosk", "str", True, "kiosk", None),
        ("by", "str", True, None, "personal"),
        ("float_cents", "int", False, None, None),
    ]
    assert [upcaster.version for upcaster in opened.upcasters] == [1]
    assert (opened.given_by, opened.read_by) == (["command:open_kiosk"], ["state:Kiosk", "reaction:evening"])
    assert one(shop, "event:kiosk.sold").read_by == [
        "state:Item", "state:Kiosk", "projection:sales", "reaction:restock", "inverse:kiosk.sold",
    ]  # fmt: skip


def test_events_that_code_appends_and_reads_without_a_command_name_the_line(shop: Model) -> None:
    appended, read = one(shop, "event:kiosk.corrected"), one(shop, "event:kiosk.ordered")
    assert appended.given_by[0] == "inverse:kiosk.sold"
    use = one(shop, appended.given_by[1])
    assert (use.does, use.call, lines(use.place)) == (
        "append",
        "correct",
        '    db.append(Corrected(kiosk, 5), message="by hand")',
    )
    assert one(shop, read.read_by[0]).call == "watch_orders"


def lines(place: Place) -> str:
    """The line of a place in the shop."""
    from tests.model.conftest import PRELUDE

    return (PRELUDE + SHOP).splitlines()[place.line - 1]


def test_every_element_has_the_line_that_defines_it(shop: Model) -> None:
    found = {id: lines(element.place) for id, element in shop.elements().items() if hasattr(element, "place")}
    assert found["event:kiosk.sold"] == 'class Sold(Event, name="kiosk.sold"):'
    assert found["state:Item"] == "class Item(State):"
    assert found["command:sell"].startswith("def sell(kiosk: Kiosk")
    assert found["projection:sales"] == "class Sales(Projection):"
    assert found["reaction:restock"].startswith("def restock(")
    assert found["reaction:evening"] == "class Evening(Process):"
    assert found["inverse:kiosk.sold"].startswith("def give_back(")
    assert {one(shop, id).place.file for id in found} == {"modelled1/app.py"}


def test_a_state_says_which_fields_its_events_can_fill(shop: Model) -> None:
    kiosk = one(shop, "state:Kiosk")
    assert [(field.name, field.filled) for field in kiosk.fields] == [
        ("cents", True),
        ("is_open", True),
        ("colour", False),
    ]
    assert kiosk.events == ["event:kiosk.closed", "event:kiosk.opened", "event:kiosk.sold"]
    assert "command:sell" in kiosk.read_by


def test_a_command_says_what_it_takes_reads_gives_and_refuses(shop: Model) -> None:
    sell = one(shop, "command:sell")
    assert [(each.name, each.type) for each in sell.parameters] == [
        ("kiosk", "Kiosk"),
        ("item", "Item"),
        ("cents", "int"),
    ]
    assert sell.inputs == {"now": "now"}
    assert [(read.parameter, read.state, read.uses) for read in sell.reads] == [
        ("kiosk", "state:Kiosk", ["is_open", "kiosk"]),
        ("item", "state:Item", ["item", "sold"]),
    ]
    assert [(each.event, each.known_by) for each in sell.gives] == [("event:kiosk.sold", ["annotation"])]
    assert sorted(refusal.code for refusal in sell.refuses) == ["closed", "no amount", "{} is sold out"]
    assert {lines(refusal.place).strip() for refusal in sell.refuses if refusal.place} == {
        "raise ClosedKiosk(self.kiosk)",
        'raise Refused("no amount")',
        'raise Refused(f"{item.item} is sold out")',
    }


def test_what_a_command_gives_without_an_annotation_is_read_from_its_code(shop: Model) -> None:
    counted = one(shop, "command:count_till")
    assert [(each.event, each.known_by) for each in counted.gives] == [("event:kiosk.counted", ["code"])]
    assert counted.gives_any
    assert not one(shop, "command:sell").gives_any


def test_scenarios_say_what_a_command_gives_and_how_it_refuses(modelled: Modelled) -> None:
    told = [
        scenario("a", Decision("count_till", "modelled1.app", ["kiosk.counted"])),
        scenario("b", Decision("sell", "modelled1.app", refused="pen is sold out")),
        scenario("c", Decision("sell", "modelled1.app", refused="new moon")),
    ]
    model = modelled(SHOP, scenarios=told)
    assert one(model, "command:count_till").gives[0].known_by == ["code", "scenario"]
    refuses = {
        refusal.code: (refusal.scenarios, refusal.place is None)
        for refusal in one(model, "command:sell").refuses
    }
    assert refuses["{} is sold out"] == (["b"], False)
    assert refuses["new moon"] == (["c"], True)
    assert refuses["closed"] == ([], False)
    assert one(model, "command:sell").scenarios == ["b", "c"]


def test_a_projection_has_its_tables_and_the_columns_that_it_writes(shop: Model) -> None:
    [table] = one(shop, "projection:sales").tables
    assert table.name == "sales"
    assert [(column.name, column.filled) for column in table.columns] == [
        ("item", True),
        ("number", True),
        ("colour", False),
    ]


def test_reactions_and_processes_say_which_commands_they_give(shop: Model) -> None:
    restock, evening = one(shop, "reaction:restock"), one(shop, "reaction:evening")
    assert (restock.kind, restock.events, restock.reads, restock.gives) == (
        "reaction", ["event:kiosk.sold"], ["state:Item"], ["command:reorder"],
    )  # fmt: skip
    assert (evening.kind, evening.deadlines, evening.gives) == ("process", ["night"], ["command:close"])
    assert evening.folds == ["event:kiosk.closed", "event:kiosk.opened"]
    assert one(shop, "command:close").executed_by == ["reaction:evening"]


def test_slices_are_of_three_kinds_and_stand_in_time(shop: Model) -> None:
    order = [one.id for one in shop.slices]
    kinds = {one.id: one.kind for one in shop.slices}
    assert kinds["slice:command:sell"] == "change"
    assert kinds["slice:projection:sales"] == "view"
    assert kinds["slice:reaction:restock"] == "automation"
    assert (
        order.index("slice:command:sell")
        < order.index("slice:reaction:restock")
        < order.index("slice:command:reorder")
    )
    assert (
        order.index("slice:command:open_kiosk")
        < order.index("slice:reaction:evening")
        < order.index("slice:command:close")
    )


def test_a_state_that_is_kept_as_a_table_is_one_view(modelled: Modelled) -> None:
    kept = """
class Rung(Event):
    bell: Tag[str]

class Bell(State):
    bell: Tag[str]
    times: int = 0
    def apply(self, event: Rung) -> None:
        self.times += 1

class Gong(State):
    bell: Tag[str]
    def apply(self, event: Rung) -> None: ...

bells = Materialized(Bell)
"""
    assert [one.id for one in modelled(kept).slices] == ["slice:projection:bell_states", "slice:state:Gong"]


def test_code_behind_decorators_and_helpers_of_other_modules_is_read(modelled: Modelled) -> None:
    events = "class Rang(Event):\n    bell: Tag[str]\n"
    helpers = """
import functools

def logged(function):
    @functools.wraps(function)
    def wrapper(*arguments, **named):
        return function(*arguments, **named)
    return wrapper

def need(bell) -> None:
    if bell.rings > 3:
        raise Refused("enough", code=ENOUGH)

ENOUGH = "too-often"
"""
    app = """
from APP import helpers
from APP.events import Rang

class Bell(State):
    bell: Tag[str]
    rings: int = 0
    loud: bool = False

    def apply(self, event: Rang) -> None:
        self.rings += 1

@command
@helpers.logged
def ring(bell: Bell) -> Rang:
    helpers.need(bell)
    return Rang(bell.bell)

@command
def hit(bell: Bell, hard: bool) -> Rang:
    for bell in [bell]:
        pass
    return Rang(bell.bell)
"""
    model = modelled(beside={"events": events, "helpers": helpers, "app": app})
    ring = model.element("command:ring")
    assert [(refusal.code, refusal.place.file) for refusal in ring.refuses] == [
        ("too-often", "modelled1/helpers.py")
    ]
    assert ring.reads[0].uses == ["bell", "rings"]
    assert model.element("command:hit").reads[0].uses is None, "the name is set anew, so nobody can say"


def test_two_commands_of_one_name_are_told_apart_by_their_modules(modelled: Modelled) -> None:
    text = "class {0}(Event):\n    x: int\n@command\ndef same(x: int) -> {0}:\n    return {0}(x)\n"
    model = modelled(beside={"one": text.format("Red"), "two": text.format("Blue")})
    assert [command.id for command in model.commands] == [
        "command:modelled1.one.same",
        "command:modelled1.two.same",
    ]


def test_the_document_is_what_its_published_schema_says(shop: Model) -> None:
    schema = json.loads((ROOT / "docs" / "model.schema.json").read_text(encoding="utf-8"))
    assert schema == json_schema(), "run scripts/model_schema.py"
    checker = jsonschema.Draft202012Validator(schema)
    checker.check_schema(schema)
    whole = document(shop)
    checker.validate(whole)
    whole["commands"][0]["reads"] = "Kiosk"
    with pytest.raises(jsonschema.ValidationError):
        checker.validate(whole)


@pytest.mark.parametrize("app", ["bank", "cart", "courses", "recipes", "refunds", "shop"])
def test_the_examples_have_models_that_fit_the_schema(app: str) -> None:
    found = msgspec.to_builtins(document(model_of(load(f"examples.{app}", ROOT), ROOT)))
    jsonschema.Draft202012Validator(json_schema()).validate(found)
    assert found["commands"]
    assert not [command["name"] for command in found["commands"] if command["gives_any"]]
