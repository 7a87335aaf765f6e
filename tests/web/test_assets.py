"""The stylesheet and the scripts: how large they may be, and who may have them."""

from __future__ import annotations

import pytest

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
