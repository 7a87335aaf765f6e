"""The stylesheet and the scripts: how large they may be, and who may have them."""

from __future__ import annotations

import re

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
