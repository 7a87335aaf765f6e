"""The files that `backstory model` writes, in a real browser: the page, and the chart as Mermaid itself draws it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from selenium.webdriver import Chrome

from backstory.application import load
from backstory.model import Model, model_of
from backstory.model.export.html import html
from backstory.model.export.text import mermaid
from tests.model.conftest import Modelled, modelled
from tests.model.test_exports import HOSTILE
from tests.model.test_row_tables import SHED
from tests.web.browser.eyes import Eyes

__all__ = ["modelled"]

ROOT = Path(__file__).parents[3]
MERMAID = Path(sys.prefix) / "mermaid.min.js"

DRAW = """
const done = arguments[arguments.length - 1];
mermaid.initialize({startOnLoad: false, maxEdges: 5000, securityLevel: "strict"});
mermaid.render("chart", arguments[0]).then((drawn) => done(drawn.svg), (why) => done("failed: " + why));
"""


@pytest.fixture(params=["shop", "hostile", "tables"])
def model(modelled: Modelled, request: pytest.FixtureRequest) -> Model:
    if request.param == "shop":
        return model_of(load("examples.shop", ROOT), ROOT)
    return modelled(HOSTILE if request.param == "hostile" else SHED)


def test_mermaid_draws_the_chart_with_every_name_as_it_is(
    model: Model, eyes: Eyes, browser: Chrome, tmp_path: Path
) -> None:
    if not MERMAID.exists():
        pytest.skip(f"there is no {MERMAID.name}: make .venv/.dev fetches it with npm")
    page = tmp_path / "chart.html"
    page.write_text(
        f'<!doctype html><meta charset="utf-8"><script src="{MERMAID.as_uri()}"></script>', encoding="utf-8"
    )
    eyes.open(page.as_uri())
    drawn = browser.execute_async_script(DRAW, mermaid(model))
    assert not drawn.startswith("failed: "), drawn
    eyes.run("document.body.innerHTML = arguments[0]", drawn)
    nodes = set(
        eyes.run("return [...document.querySelectorAll('.node')].map((node) => node.textContent.trim())")
    )
    groups: list[list[Any]] = [
        model.commands, model.events, model.states, model.projections, model.reactions,
        model.tables,
    ]  # fmt: skip
    assert {one.name for group in groups for one in group} == nodes
    assert eyes.run("return document.querySelectorAll('.cluster').length") > 0


@pytest.mark.parametrize(("width", "scheme"), [("wide", "light"), ("narrow", "dark")])
def test_the_page_is_for_everybody(
    model: Model, eyes: Eyes, browser: Chrome, tmp_path: Path, width: str, scheme: str
) -> None:
    page = tmp_path / "model.html"
    page.write_text(html(model), encoding="utf-8")
    eyes.look(width, scheme)
    eyes.open(page.as_uri())
    assert eyes.barriers() == []
    assert eyes.overflow() <= 0
    assert eyes.complaints() == []


def test_a_click_on_a_box_leads_to_its_element(
    model: Model, eyes: Eyes, browser: Chrome, tmp_path: Path
) -> None:
    page = tmp_path / "model.html"
    page.write_text(html(model), encoding="utf-8")
    eyes.open(page.as_uri())
    browser.find_element("css selector", "svg a.is-command").click()
    id = unquote(browser.current_url.partition("#")[2])
    assert id == model.slices[0].commands[0]
    assert eyes.run("return document.querySelector(':target') !== null")
