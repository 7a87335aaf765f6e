"""The pages of read models, and what is done there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from backstory import Database, Event, Projection, Tag, Tx, connect, reaction
from backstory.application import Application
from backstory.projections.operate import Standing
from backstory.scope import Scope
from backstory.web import Reader
from backstory.web.trend import Trend
from tests.state.bank import Deposited, Withdrawn
from tests.web.conftest import Site

CAREFUL = Reader("mia", frozenset({"read"}))
NARROW = Reader("eve", frozenset({"read", "operate"}), Scope(tags=("account:b",)))


class Noted(Event, name="test.noted"):
    account: Tag[str]


class Balances(Projection, on_error="park", partition="account"):
    tables = "CREATE TABLE balances (account TEXT PRIMARY KEY, cents BIGINT NOT NULL)"

    def apply(self, event: Deposited | Withdrawn, tx: Tx) -> None:
        if event.cents == 13:
            raise ValueError("<b>13</b> brings bad luck")
        sql = "INSERT INTO balances VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET cents = balances.cents + ?"
        tx.execute(sql, (event.account, event.cents, event.cents))


@reaction(since="start", name="note")
def note(event: Deposited) -> None:
    """Nothing follows."""


BANK = Application("bank", (), (), (), (Balances,), (note,), ())


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with connect(tmp_path / "bank.db") as db:
        yield db


@pytest.fixture
def parked(db: Database) -> Database:
    for account, cents in ("a", 13), ("b", 13), ("a", 1):
        db.append(Deposited(account, cents))
    db.run(Balances).run(once=True)
    return db


def document(client: TestClient, address: str) -> Any:
    return client.get(address, headers={"accept": "application/json"}).json()


def posted(client: TestClient, name: str, **form: str) -> Any:
    page = client.get("/models/balances").text
    found = re.search(r'name="token" value="(\w+)"', page)
    token = found[1] if found else ""
    return client.post(f"/models/{name}", data={"token": token, **form}, follow_redirects=False)


def test_each_says_its_state_its_place_and_how_far_it_is_behind(parked: Database, site: Site) -> None:
    client = site(parked, BANK)
    page = client.get("/models").text
    assert "running, 3 parked" in page
    assert "never run" in page
    assert "parked events, in 1 read model" in page
    assert page.index(">balances<") < page.index(">note<")
    only = client.get("/models?only=troubled").text
    assert ">note<" not in only


def test_the_document_is_that_of_the_command_line(parked: Database, site: Site, tmp_path: Path) -> None:
    (tmp_path / "bank_app.py").write_text(
        "from tests.web.test_models import Balances, note, Deposited, Withdrawn\n"
    )
    client = site(parked, BANK)
    for address, verb in ("/models", ["projections"]), ("/models/balances", ["parked", "balances"]):
        words = ["-s", str(tmp_path / "bank.db"), *verb, "--app", "bank_app", "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "backstory", *words],
            capture_output=True, check=False, cwd=tmp_path, env={"PYTHONPATH": str(Path.cwd()), "PATH": ""},
        )  # fmt: skip
        told = json.loads(done.stdout)
        ours = document(client, address)
        for each in (*told.get("projections", ()), *ours.get("projections", ())):
            each.pop("seconds")
            each.pop("lease")
        assert ours == told


def test_a_parked_event_is_shown_with_its_error_and_it_is_only_text(parked: Database, site: Site) -> None:
    page = site(parked, BANK).get("/models/balances").text
    assert "&lt;b&gt;13&lt;/b&gt; brings bad luck" in page
    assert "<b>13</b>" not in page
    assert 'href="/c/1"' in page
    assert "tried 1 time" in page


def test_a_name_that_nobody_has_is_not_known(db: Database, site: Site) -> None:
    client = site(db, BANK)
    assert client.get("/models/nothing").status_code == 404
    assert client.get("/models/balances/more").status_code == 404
    assert site(db).get("/models/balances").status_code == 404
    assert "No application is known here" in site(db).get("/models").text


def test_looking_makes_no_tables(db: Database, site: Site, tmp_path: Path) -> None:
    db.append(Deposited("a", 1))
    client = site(db, BANK)
    assert client.get("/models/balances").status_code == 200
    assert client.get("/models").status_code == 200
    assert not list(tmp_path.glob("*.views/*"))


def test_an_event_is_tried_again(parked: Database, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    client = site(parked, BANK)
    failed = posted(client, "balances", do="retry", position="1")
    assert failed.status_code == 400
    assert "bad luck" in failed.text
    monkeypatch.setattr(Balances, "apply", lambda self, event, tx: None)
    assert posted(client, "balances", do="retry", position="1").status_code == 303
    assert [each["position"] for each in document(client, "/models/balances")["events"]] == [2]
    posted(client, "balances", do="retry", position="all")
    assert document(client, "/models/balances")["events"] == []


def test_an_event_is_skipped_with_a_reason_after_it_was_asked_for(parked: Database, site: Site) -> None:
    client = site(parked, BANK)
    asked = posted(client, "balances", do="skip", position="2")
    assert (asked.status_code, asked.headers["location"]) == (303, "/models/balances?skip=2")
    assert "leaves event" in client.get(asked.headers["location"]).text
    without = posted(client, "balances", do="skip", position="2", sure="1")
    assert without.headers["location"] == "/models/balances?skip=2"
    done = posted(client, "balances", do="skip", position="2", sure="1", reason="test data")
    assert done.headers["location"] == "/models/balances"
    events = document(client, "/models/balances")["events"]
    assert [(each["why"], each["state"]) for each in events if each["position"] == 2] == [
        ("test data", "skipped")
    ]
    assert "Left out for good" in client.get("/models/balances").text


def test_one_is_rebuilt_after_it_was_asked_for(parked: Database, site: Site) -> None:
    client = site(parked, BANK)
    asked = posted(client, "balances", do="rebuild")
    assert asked.headers["location"] == "/models/balances?rebuild=1"
    assert len(document(client, "/models")["projections"]) == 2
    posted(client, "balances", do="rebuild", sure="1")
    page = client.get("/models/balances").text
    assert "rebuilding" in page
    assert posted(client, "note", do="rebuild", sure="1").status_code == 400


def test_one_is_paused_and_resumed(parked: Database, site: Site) -> None:
    parked.run(note).run(once=True)
    client = site(parked, BANK)
    for name in "balances", "note":
        for do, state in ("pause", "paused"), ("resume", "running"):
            assert posted(client, name, do=do).status_code == 303
            shown = client.get(f"/models/{name}").text
            assert (">Resume<" in shown) is (state == "paused")


@pytest.mark.parametrize("form", [{"do": "drop"}, {}, {"do": "skip", "position": "x"}, {"do": "retry"}])
def test_a_wrong_form_is_answered_as_one(parked: Database, site: Site, form: dict[str, str]) -> None:
    assert 400 <= posted(site(parked, BANK), "balances", **form).status_code < 500


@pytest.mark.parametrize("reader", [CAREFUL, NARROW])
def test_only_who_may_operate_and_sees_all_does_anything(
    parked: Database, site: Site, reader: Reader
) -> None:
    able = site(parked, BANK)
    token = re.search(r'name="token" value="(\w+)"', able.get("/models/balances").text)
    assert token
    client = site(parked, BANK, reader)
    page = client.get("/models/balances").text
    assert "<form method" not in page
    for do in "retry", "skip", "rebuild", "pause", "resume":
        form = {"token": token[1], "do": do, "position": "1", "sure": "1", "reason": "why"}
        assert client.post("/models/balances", data=form).status_code == 403


def test_a_form_of_another_site_does_nothing(parked: Database, site: Site) -> None:
    client = site(parked, BANK)
    assert client.post("/models/balances", data={"do": "pause"}).status_code == 403
    evil = {"origin": "http://evil.example"}
    assert client.post("/models/balances", data={"do": "pause"}, headers=evil).status_code == 403


def test_errors_are_withheld_from_a_reader_who_does_not_see_everything(parked: Database, site: Site) -> None:
    client = site(parked, BANK, NARROW)
    told = document(client, "/models/balances")["events"]
    assert [(each["position"], each["why"], each["key"]) for each in told] == [(2, "withheld", "withheld")]
    page = client.get("/models/balances").text
    assert "bad luck" not in page
    assert "2 events outside of what you may see are withheld" in page
    assert "bad luck" not in client.get("/models").text


def test_the_trend_is_of_what_was_seen() -> None:
    now = [0.0]
    trend = Trend(lambda: now[0])

    def standing(position: int) -> Standing:
        return Standing(
            "orders", "background", "1", 1, True, "running", "", position, 100 + position, 100 - position,
            1.0, "", 0.0, 0, False, 0.0, 0.0,
        )  # fmt: skip

    looks: list[int] = []

    def look(seconds: float, position: int) -> None:
        now[0] = seconds
        trend.seen(lambda: looks.append(position) or [standing(position)])  # type: ignore[func-returns-value]

    for seconds, position in (0.0, 0), (0.5, 15), (60.0, 30), (120.0, 60):
        look(seconds, position)
    assert looks == [0, 30, 60]  # the second one came too soon after the first
    assert trend.rate(standing(60)) == pytest.approx(0.5)
    assert trend.appended() == pytest.approx(0.5)
    assert trend.lags(standing(60))[:2] == [100, 70]
    assert Trend().rate(standing(0)) is None
