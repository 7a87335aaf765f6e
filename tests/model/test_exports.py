"""Each form of a model, as that form's own readers read it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import html5lib
import jsonschema
import msgspec
import pytest

from backstory.application import Application, load
from backstory.model import Model, model_of
from backstory.model.export.html import html
from backstory.model.export.schemas import asyncapi, json_schemas
from backstory.model.export.svg import svg
from backstory.model.export.text import markdown, mermaid
from backstory.values.codec import PLAIN
from backstory.values.event_types import event_type
from tests.model.conftest import Modelled
from tests.model.shop import SHOP
from tests.model.test_lints import seen

ROOT = Path(__file__).parents[2]
HTML = "{http://www.w3.org/1999/xhtml}"
SVG = "{http://www.w3.org/2000/svg}"

HOSTILE = '''\
class Shot(Event, name='</style><script>alert("1")</script> `#]--> %%{init}%%'):
    """<img src=x onerror=alert(1)> [a](javascript:alert) | `"""

    who: Tag[str]

class Wall(State):
    """</title><b>"""
    who: Tag[str]
    def apply(self, event: Shot) -> None: ...

@command(name='x"></svg><script>')
def shoot(wall: Wall) -> Shot:
    raise Refused("<i>no</i>\\x1b[31m`")
'''
"""Names that would be markup, if a form took them for it."""


@pytest.fixture(params=["shop", "hostile"])
def model(modelled: Modelled, request: pytest.FixtureRequest) -> Model:
    return modelled(SHOP if request.param == "shop" else HOSTILE, scenarios=[], observed=seen())


def parsed(model: Model) -> Any:
    """The page, by a parser that forgives nothing."""
    parser = html5lib.HTMLParser(strict=True)
    return parser.parse(html(model))


def test_the_page_is_valid_and_every_link_leads_to_an_element_of_it(model: Model) -> None:
    page = parsed(model)
    ids = [found for node in page.iter() if (found := node.get("id"))]
    assert len(ids) == len(set(ids))
    assert {unquote(id) for id in ids} >= set(model.elements())
    links = {link for node in page.iter() if (link := node.get("href"))}
    assert links
    assert {link.removeprefix("#") for link in links} <= set(ids)


def test_the_page_needs_nothing_beside_it_and_allows_itself_no_more_than_its_style(model: Model) -> None:
    page = parsed(model)
    [style] = page.iter(f"{HTML}style")
    digest = base64.b64encode(hashlib.sha256((style.text or "").encode()).digest()).decode()
    [policy] = [node.get("content") for node in page.iter(f"{HTML}meta") if node.get("http-equiv")]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
    assert not list(page.iter(f"{HTML}script"))
    for node in page.iter():
        names = {name for name in node.attrib if name in ("src", "style") or str(name).startswith("on")}
        assert not names, ElementTree.tostring(node)


def test_the_table_says_what_the_drawing_shows(model: Model) -> None:
    page = parsed(model)
    drawn = {node.get("href") for node in page.iter(f"{SVG}a")}
    figure, table = next(page.iter(f"{HTML}figure")), next(page.iter(f"{HTML}table"))
    assert "the table below says the same" in figure.get("aria-label")
    listed = {node.get("href") for node in table.iter(f"{HTML}a")}
    assert drawn <= listed
    rows = next(iter(table.iter(f"{HTML}tbody")))
    assert len(list(rows)) == len(model.slices)


def test_the_drawing_alone_is_xml_with_a_box_for_each_element_of_a_slice(model: Model) -> None:
    drawn = ElementTree.fromstring(svg(model))
    labels = {node.text for node in drawn.iter(f"{SVG}title")}
    wanted = {id for one in model.slices for id in (*one.commands, *one.events, *one.automations)}
    plain = {re.sub(r"\x1b", r"\\x1b", id.partition(":")[2]) for id in wanted}
    assert plain <= labels
    assert not list(drawn.iter(f"{SVG}script"))


def test_markdown_has_every_element_and_is_short(modelled: Modelled) -> None:
    model = modelled(SHOP)
    text = markdown(model)
    every: list[Any] = [*model.events, *model.commands, *model.states, *model.projections, *model.reactions]
    for one in every:
        assert f"`{one.name}`" in text
    assert "  - refuses: `open`" in text
    assert len(text) < 2_500


def test_markdown_takes_no_name_for_markup(modelled: Modelled) -> None:
    text = markdown(modelled(HOSTILE))
    assert "\x1b" not in text
    assert "\\<img src=x onerror=alert(1)\\> \\[a\\](javascript:alert) \\| \\`" in text
    assert '``</style><script>alert("1")</script> `#]--> %%{init}%%``' in text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("ticket_states", "ticket_states"),
        ("_own and own_", r"\_own and own\_"),
        ("__all__", r"\_\_all\_\_"),
        ("*a* _b_", r"\*a\* \_b\_"),
    ],
)
def test_markdown_leaves_a_name_as_it_is_where_no_markup_could_be_meant(
    modelled: Modelled, text: str, written: str
) -> None:
    assert f". {written}\n" in markdown(modelled(HOSTILE.replace("</title><b>", text)))


def test_the_chart_has_no_character_of_a_name_that_means_something_there(model: Model) -> None:
    chart = mermaid(model)
    for quoted in re.findall(r'"([^"\n]*)"', chart):
        assert re.fullmatch(r"(?:[\w .\-]|#\d+;)*", quoted), quoted
    assert chart.count("subgraph") == chart.count("\n  end") > 0


def official() -> jsonschema.Draft7Validator:
    """The schema that the makers of AsyncAPI publish."""
    with gzip.open(Path(__file__).with_name("asyncapi") / "3.0.0.json.gz") as file:
        return jsonschema.Draft7Validator(json.load(file))


def need_all_references(document: Any) -> None:
    """Fail if a reference in a document leads to nothing in it."""
    left: list[Any] = [document]
    while left:
        each = left.pop()
        left += each.values() if isinstance(each, dict) else each if isinstance(each, list) else []
        if isinstance(each, dict) and "$ref" in each:
            at = document
            for step in each["$ref"].removeprefix("#/").split("/"):
                at = at[step]


def test_a_value_inside_of_an_event_is_found_from_the_whole_document(
    modelled: Modelled, tmp_path: Path
) -> None:
    source = """
import msgspec

class Line(msgspec.Struct, frozen=True):
    count: int
    of: tuple[Line, ...] = ()

class Sold(Event):
    lines: list[Line]
    pair: tuple[int, str] = (1, "a")
"""
    model = modelled(source)
    found = asyncapi(model, load(model.app, tmp_path))
    official().validate(found)
    need_all_references(found)
    payload = found["components"]["messages"]["Sold"]["payload"]["schema"]
    assert payload["properties"]["lines"]["items"]["$ref"].endswith("/Sold/payload/schema/$defs/Line")
    pair = jsonschema.Draft7Validator(payload["properties"]["pair"])
    assert [pair.is_valid(each) for each in ([1, "a"], ["a", 1], [1, "a", 1])] == [True, False, False]


@pytest.fixture(params=["bank", "cart", "courses", "recipes", "refunds", "shop"])
def example(request: pytest.FixtureRequest) -> tuple[Model, Application]:
    app = load(f"examples.{request.param}", ROOT)
    return model_of(app, ROOT), app


def test_asyncapi_is_what_its_makers_say(example: tuple[Model, Application]) -> None:
    found = asyncapi(*example)
    checker = official()
    checker.validate(found)
    assert {channel["address"] for channel in found["channels"].values()} == {
        event.name for event in example[0].events
    }
    need_all_references(found)
    next(iter(found["channels"].values()))["address"] = 5
    with pytest.raises(jsonschema.ValidationError):
        checker.validate(found)


def test_an_application_sends_what_it_gives_and_receives_what_its_reactions_take() -> None:
    app = load("examples.shop", ROOT)
    found = asyncapi(model_of(app, ROOT), app)["operations"]
    assert found["send.order.placed"]["summary"] == "Given by check_out, place"
    assert found["receive.order.placed"]["summary"] == "Taken by unpaid"
    assert "receive.article.stocked" not in found


def test_the_schema_of_an_event_takes_that_event_and_no_other(example: tuple[Model, Application]) -> None:
    for schema in json_schemas(*example).values():
        jsonschema.Draft202012Validator.check_schema(schema)
    if example[0].app == "examples.shop":
        from examples.shop.events import Placed

        data = msgspec.json.decode(PLAIN.encode(Placed("o-1", "a@b.c", 5)).data)
        checker = jsonschema.Draft202012Validator(json_schemas(*example)["order.placed.json"])
        checker.validate(data)
        assert list(checker.iter_errors({**data, "cents": "5"}))
        assert event_type(Placed).name == "order.placed"


def test_names_that_no_file_can_have_are_told_apart(modelled: Modelled) -> None:
    text = (
        "class {0}(Event, name={1!r}):\n    x: int\n@command\ndef f{2}(x: int) -> {0}:\n    return {0}(x)\n"
    )
    names = ["../a", "..\\a", "A B", "a_b"]
    source = "".join(text.format(f"E{n}", name, n) for n, name in enumerate(names))
    model = modelled(source)
    app = load("modelled1", Path(model.app).parent)
    files = list(json_schemas(model, app))
    assert sorted(files) == ["A_B.json", "_a-2.json", "_a.json", "a_b-2.json"]
    official().validate(asyncapi(model, app))
