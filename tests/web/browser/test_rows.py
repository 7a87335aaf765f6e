"""Rows in a real browser: going through the events of a row tells each change as the page itself does."""

from __future__ import annotations

from backstory import connect
from tests.web.browser.conftest import Serve
from tests.web.browser.eyes import Eyes, until

SAID = "return document.querySelector('[data-changes]').innerText"
GO = (
    "const slider = document.querySelector('input[type=range]'); slider.value = arguments[0];"
    "slider.dispatchEvent(new Event('input', {bubbles: true}))"
)


def test_a_row_that_comes_back_is_not_told_as_a_null_that_is_gone(eyes: Eyes, serve: Serve) -> None:
    with connect() as db:
        customers = db.table("customers")
        customers.insert("c-1", {"name": "Ann"})
        customers.delete("c-1")
        customers.insert("c-1", {"name": "Bo"})
        eyes.open(serve(db).url("/e/customers/c-1?at=1"))
        eyes.driver.execute_script(GO, 1)
        until(lambda: "null" in eyes.run(SAID))
        eyes.driver.execute_script(GO, 2)
        until(lambda: "Bo" in eyes.run(SAID))
        assert " ".join(eyes.run(SAID).split()) == "row.name Bo"
        assert eyes.complaints() == []
