"""What a reader sees in a real browser, and does there."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.common.exceptions import (
    ElementNotInteractableException,
    JavascriptException,
    NoSuchElementException,
    StaleElementReferenceException,
)
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.keys import Keys

from tests import patience

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip

WIDTHS = {"wide": 1440, "narrow": 380}
HEIGHT = 1100
MOVING = (
    ElementNotInteractableException, JavascriptException, NoSuchElementException, StaleElementReferenceException,
)  # fmt: skip
"""What a browser says of an element while its page comes or changes: look again. A click that fails so was none."""

AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"]}).then(
  (found) => done(found.violations), (why) => done([{id: String(why), nodes: []}]));
"""


class Eyes:
    """A browser, with the few things that these tests do with one."""

    def __init__(self, driver: str, binary: str, profile: str) -> None:
        options = Options()
        options.binary_location = binary
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(driver))
        self.driver.set_page_load_timeout(patience.PATIENCE)
        self.driver.set_script_timeout(
            patience.PATIENCE
        )  # axe-core and Mermaid take seconds, on a busy machine many

    def quit(self) -> None:
        """Close it."""
        self.driver.quit()

    def look(
        self, width: str = "wide", scheme: str = "light", *, script: bool = True, height: int = HEIGHT
    ) -> None:
        """Be so wide, in this scheme, with or without script, from the next page on."""
        self.cdp(
            "Emulation.setDeviceMetricsOverride",
            width=WIDTHS[width],
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        self.cdp("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"},
        ])  # fmt: skip
        self.cdp("Emulation.setScriptExecutionDisabled", value=not script)

    def cdp(self, command: str, **values: Any) -> Any:
        """A command of Chromium's own protocol."""
        return self.driver.execute_cdp_cmd(command, values)

    def open(self, url: str) -> None:
        """Go to a page. What the page of another server complained of, which may be gone, is forgotten."""
        if urlsplit(url).netloc != urlsplit(self.driver.current_url).netloc:
            self.driver.get("about:blank")
            self.complaints()
        self.driver.get(url)

    def run(self, script: str, *values: Any) -> Any:
        """What a script gives."""
        return self.driver.execute_script(script, *values)

    def text(self, selector: str = "main") -> str:
        """The text of an element, as it is seen."""
        return str(self.driver.find_element("css selector", selector).text)

    def press(self, *keys: str) -> None:
        """Press keys where the focus is."""
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)

    def complaints(self) -> list[str]:
        """What the console said since it was asked last: not that a page is not there, or that a stream ended."""
        missing = "the server responded with a status of 40"
        found = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        bad = [entry["message"] for entry in found if entry["level"] in ("SEVERE", "WARNING")]
        return [message for message in bad if missing not in message and "/live?" not in message]

    def overflow(self) -> int:
        """Pixels by which the page is wider than the window."""
        return int(self.run("return document.documentElement.scrollWidth - window.innerWidth"))

    def barriers(self) -> list[str]:
        """What axe-core finds: rule, element, and why."""
        self.run(axe())
        found = self.driver.execute_async_script(AXE)
        return [
            f"{rule['id']}: {node['html'][:160]} ({node['failureSummary'][:300]})"
            for rule in found
            for node in rule["nodes"] or [{"html": "", "failureSummary": rule["id"]}]
        ]

    def picture(self, path: Path) -> None:
        """Photograph the page."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(path))


def until(condition: Callable[[], object]) -> None:
    """Look until a condition of a page holds. A page that is between two others has no element, not even a body."""

    def holds() -> object:
        try:
            return condition()
        except MOVING:
            return False

    patience.until(holds)


def seen(browser: webdriver.Chrome, text: str) -> None:
    """Wait until the page says this."""
    until(lambda: text in browser.find_element("css selector", "body").text)


def press(browser: webdriver.Chrome, element: str, by: str = "css selector") -> None:
    """Click on an element as soon as it is there."""

    def pressed() -> bool:
        browser.find_element(by, element).click()
        return True

    until(pressed)


def write(browser: webdriver.Chrome, field: str, text: str) -> None:
    """Type into the field of this name as soon as it is there."""

    def written() -> bool:
        browser.find_element("name", field).send_keys(text)
        return True

    until(written)


def value(browser: webdriver.Chrome, field: str) -> str:
    """What stands in the field of this name."""
    return str(browser.find_element("name", field).get_attribute("value"))


@cache
def axe() -> str:
    """The text of axe-core."""
    found = importlib.util.find_spec("axe_playwright_python")
    assert found is not None, "axe-playwright-python is not there: make .venv/.dev"
    return (Path(found.origin or "").parent / "axe.min.js").read_text(encoding="utf-8")


ENTER, TAB, RIGHT, LEFT, HOME, END = (
    Keys.ENTER,
    Keys.TAB,
    Keys.ARROW_RIGHT,
    Keys.ARROW_LEFT,
    Keys.HOME,
    Keys.END,
)
