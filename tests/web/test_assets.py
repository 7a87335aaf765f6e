"""The stylesheet and the scripts: how large they may be, who may have them, and that each rule has a use."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from backstory import connect
from backstory.web.static import TYPES, content
from tests.web.conftest import Site

LIMITS = {"backstory.css": 45_000, "backstory.js": 12_000, "entity.js": 12_000, "icon.svg": 1_000}


@pytest.mark.parametrize("name", TYPES)
def test_each_stays_small_and_is_given_to_anybody(site: Site, name: str) -> None:
    assert len(content(name)) < LIMITS[name]
    answer = site(connect(), reader=None).get(f"/static/{name}")
    assert (answer.status_code, answer.content) == (200, content(name))
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("root", ["", "/history"])
def test_a_page_for_somebody_who_may_not_read_has_the_stylesheet_and_no_script(site: Site, root: str) -> None:
    client = TestClient(site(connect(), reader=None).app, root_path=root)
    refused = client.get(f"{root}/log")
    assert refused.status_code == 403
    [sheet] = re.findall(r'<link rel="stylesheet" href="([^"]+)">', refused.text)
    assert sheet.startswith(f"{root}/static/")
    assert client.get(sheet).status_code == 200
    assert "<script" not in refused.text


def words_of_pages() -> set[str]:
    """The words that may name a class: what stands in a tag or in quotes, of the templates, scripts and pages."""
    found: set[str] = set()
    for file in Path(str(files("backstory.web"))).rglob("*"):
        if file.suffix in (".html", ".js", ".py"):
            text = file.read_text(encoding="utf-8")
            for piece in re.findall(r"<\w+([^>]*)>|\"([^\"\n]*)\"|'([^'\n]*)'|`([^`]*)`", text):
                found.update(re.findall(r"[a-z][\w-]*", " ".join(piece)))
    return found


def test_each_class_of_the_stylesheet_is_used() -> None:
    rules = re.sub(r"/\*.*?\*/|\d*\.\d+", "", content("backstory.css").decode(), flags=re.DOTALL)
    words = words_of_pages()
    made = {f"hue-{number}" for number in range(1, 7)} | {f"is-{word}" for word in words}
    assert "event-type" in words
    assert set(re.findall(r"\.([a-z][\w-]*)", rules)) - words - made == set()


def test_each_token_of_the_stylesheet_is_used() -> None:
    rules = content("backstory.css").decode()
    used = set(re.findall(r"var\((--[\w-]+)", rules))
    assert set(re.findall(r"(--[\w-]+):", rules)) - used == set()
