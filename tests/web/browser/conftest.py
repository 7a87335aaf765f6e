"""A real browser, and the pages served to it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from backstory import Database
from backstory.web import Reader
from tests.web.browser.eyes import Eyes
from tests.web.browser.served import Served
from tests.web.story import READERS, copied, db, told

__all__ = ["db", "told"]

DRIVER = ("chromedriver", "chromium-driver")
BROWSER = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def eyes() -> Iterator[Eyes]:
    """One Chromium for each process that runs tests."""
    yield from opened()


@pytest.fixture(scope="session")
def other_eyes() -> Iterator[Eyes]:
    """The Chromium of somebody else."""
    yield from opened()


@pytest.fixture
def browser(eyes: Eyes) -> Chrome:
    """A browser that has no page open."""
    return emptied(eyes)


@pytest.fixture
def another(other_eyes: Eyes) -> Chrome:
    """Somebody else's, at the same time."""
    return emptied(other_eyes)


def emptied(eyes: Eyes) -> Chrome:
    """The same browser, without the page of the test before."""
    eyes.look()
    eyes.open("about:blank")
    return eyes.driver


def opened() -> Iterator[Eyes]:
    """A Chromium, until it is not wanted any more."""
    driver = next(filter(None, map(shutil.which, DRIVER)), None)
    binary = next(filter(None, map(shutil.which, BROWSER)), None)
    if driver is None or binary is None:
        pytest.skip("no Chromium with its driver is installed: apt install chromium chromium-driver")
    profile = tempfile.mkdtemp(prefix="backstory-chromium-")
    made = Eyes(driver, binary, profile)
    yield made
    made.quit()
    shutil.rmtree(profile, ignore_errors=True)


Serve = Callable[..., Served]


@pytest.fixture
def serve(db: Database) -> Iterator[Serve]:
    """Serves the pages of a database, by default the story; `restart` of what it returns does it at the same port."""
    with ExitStack() as stack:

        def served(of: Database = db, reader: Reader | None = READERS["does all"]) -> Served:
            return stack.enter_context(Served(of, reader))

        yield served


@pytest.fixture
def own(told: str, tmp_path: Path) -> Iterator[Database]:
    """A store with the story, to append to."""
    with copied(told, tmp_path) as db:
        yield db
