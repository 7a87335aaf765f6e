"""`backstory run`, `projections`, `rebuild`, `parked`, `pause` and `resume`."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import apsw
import msgspec
import pytest

from backstory.cli.verbs.run import say_what_stops
from backstory.projections.operate import Standing
from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("application")


def state(run: Run) -> str:
    """The state of the one projection."""
    [found] = run("projections", "--json").json["projections"]
    return str(found["state"])


def test_projections_are_run_to_the_end_and_listed(run: Run) -> None:
    assert state(run) == "never run"
    assert run("projections", "--check", "--lag", "5").code == 1
    ran = run("run", "--once")
    assert (ran.code, ran.out, ran.err) == (0, "", "backstory: running balances\n")
    [found] = run("projections", "--json").json["projections"]
    assert (found["name"], found["state"], found["live"], found["lag"]) == ("balances", "running", True, 0)
    shown = run("projections").out.splitlines()
    assert shown[0].split() == ["name", "kind", "version", "state", "at", "head", "lag", "lease"]
    assert shown[1].split()[:4] == ["balances", "background", "1", "running"]
    assert run("projections", "--check").code == 0


def test_one_is_paused_and_resumed(run: Run) -> None:
    run("run", "--once")
    assert run("pause", "balances").out == "balances is paused\n"
    assert state(run) == "paused"
    assert run("projections", "--check").code == 1
    assert run("resume", "balances", "--json").json["projections"] == ["balances"]
    assert state(run) == "running"


def test_one_is_rebuilt(run: Run) -> None:
    run("run", "--once")
    assert run("rebuild", "balances").out == "balances was rebuilt\n"
    [found] = run("projections", "--json").json["projections"]
    assert (found["generation"], found["live"]) == (2, True)
    assert run("rebuild", "balances", "--no-wait").out == "balances is to be rebuilt\n"
    assert [each["state"] for each in run("projections", "--json").json["projections"]] == [
        "running",
        "building",
    ]
    run("run", "--once")
    assert run("projections", "--prune").err == "backstory: 1 generation taken away\n"
    [found] = run("projections", "--json").json["projections"]
    assert found["generation"] == 3


def test_events_that_are_kept_back_are_listed(run: Run) -> None:
    run("run", "--once")
    ran = run("parked", "balances")
    assert (ran.code, ran.err) == (0, "backstory: balances keeps no event back\n")
    assert run("parked", "balances", "--json").json["events"] == []
    assert run("parked", "balances", "--skip", "1").code == 2
    assert "keeps no event #1 back" in run("parked", "balances", "--skip", "1", "-m", "why").err
    assert "takes a position or all" in run("parked", "balances", "--retry", "x").err


def test_tables_are_verified_against_their_events(run: Run, bank: Path) -> None:
    assert run("verify", "--projections").code == 0  # never run: nothing to compare
    run("run", "--once")
    ran = run("verify", "--projections")
    assert ran.code == 0
    assert "compared 2 rows of balances at #" in ran.out
    [found] = run("verify", "--projections", "--json").json["projections"]
    assert (found["name"], found["rows"]) == ("balances", 2)
    [file] = (bank.parent / f"{bank.name.removesuffix('.db')}.views").glob("*.db")
    connection = apsw.Connection(str(file))
    connection.execute("UPDATE balances SET cents = cents + 1 WHERE account = 'a-7'")
    connection.close()
    ran = run("verify", "--projections")
    assert ran.code == 1
    assert "balances: table balances has 1 rows that no event made, and lacks 1" in ran.out


def test_what_another_process_holds_is_said_though_that_process_has_died(run: Run, bank: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "backstory", "run", "--lease", "3600"],
        cwd=bank.parent,
        stderr=subprocess.DEVNULL,
    ) as process:
        while state(run) != "running":
            time.sleep(0.05)
        process.kill()
    assert run("append", "Deposited", "--tag", "account:a-7", "account=a-7", "cents:=5").code == 0
    ran = run("run", "--once")
    assert ran.code == 0
    said = r"balances: left to another process \(.+\), which holds its lease for \d+ s more; it is 1 position behind"
    assert re.search(said, ran.err)
    [found] = run("run", "--once", "--json").json["elsewhere"]
    assert (found["name"], found["lag"]) == ("balances", 1)
    assert 0 < found["seconds"] <= 3_600
    assert found["owner"]


def test_what_stops_while_it_runs_is_said_once_and_again_when_it_has_gone_on() -> None:
    one = Standing(
        "balances", "background", "1", 1, True, "running", "", 1, 2, 1, 0.0, "", 0.0, 0, False, 0.0, 0.0
    )
    stopped = msgspec.structs.replace(one, state="stopped", why="#2 Deposited: KeyError: 'x'")
    looks, said = [[one], [stopped], [stopped], [one], [stopped]], list[str]()
    over = threading.Event()
    over.wait = lambda timeout=None: not looks  # type: ignore[method-assign]
    say_what_stops(lambda: looks.pop(0), said.append, over)
    line = (
        "backstory: balances: #2 Deposited: KeyError: 'x'; when the code is mended: backstory resume balances"
    )
    assert said == [line, line]


def test_a_projection_that_is_not_there_is_said(run: Run) -> None:
    ran = run("rebuild", "orders")
    assert (ran.code, ran.err) == (
        2,
        "backstory: bank has no projection, reaction or outbox 'orders'; it has balances\n",
    )


def test_a_process_feeds_what_others_append_until_it_is_told_to_stop(run: Run, bank: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "backstory", "run"], cwd=bank.parent, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "backstory: running balances\n"
        while state(run) != "running":
            time.sleep(0.05)
        [found] = run("projections", "--json").json["projections"]
        assert found["owner"]
        assert found["lease"] > 0
        process.send_signal(signal.SIGTERM)
    assert process.returncode == 0
    [found] = run("projections", "--json").json["projections"]
    assert found["owner"] == ""
