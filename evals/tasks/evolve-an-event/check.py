from __future__ import annotations

import json
from pathlib import Path

from backstory import connect
from backstory.testing import given
from evals.checking import check, ran


def stored_events_are_read_in_euros() -> None:
    from library.events import FinePaid, Money, ReaderFined

    with connect("library.db", create=False) as db:
        records = [record for record in db.read() if isinstance(record.event, ReaderFined | FinePaid)]
    assert len(records) > 10, "the store of the task was changed"
    for record in records:
        stored = json.loads(record.stored.data)["cents"]
        assert record.event.amount == Money(stored, "EUR"), (
            f"{stored} cents of {record.type} are read otherwise"
        )


def the_rules_stay_as_they_were() -> None:
    from library.events import FinePaid, Money, ReaderFined
    from library.readers import Reader, pay

    fined = ReaderFined("r-1", "b-1", Money(60, "EUR"))
    given(fined).when(pay(Reader("r-1"), cents=60)).then(FinePaid("r-1", Money(60, "EUR")))
    given(fined).when(pay(Reader("r-1"), cents=61)).then_refused("too-much", owes=60)


def the_schema_is_sound_and_locked() -> str | None:
    checked = ran("backstory", "schema", "check", "--exact", "--sample", "100", "--json")
    if checked.returncode:
        return f"backstory schema check: {checked.stdout[:200] or checked.stderr[:200]}"
    lock = Path("events.lock").read_text("utf-8")
    return None if "currency" in lock else "events.lock does not have the new schema"


def the_tests_pass_and_speak_of_money() -> str | None:
    if "Money" not in Path("tests/test_library.py").read_text("utf-8"):
        return "no test speaks of Money"
    return None if ran("pytest", "-q").returncode == 0 else "the tests do not pass"


check(
    stored_events_are_read_in_euros,
    the_rules_stay_as_they_were,
    the_schema_is_sound_and_locked,
    the_tests_pass_and_speak_of_money,
)
