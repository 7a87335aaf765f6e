"""Processes decide at random while their server is killed; then every decision is made once more."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from functools import partial

import msgspec

from backstory import Database, connect
from backstory.history.check.verify import verify
from tests.patience import PATIENCE, until
from tests.postgres.server import ROOT, started
from tests.reliability import torture
from tests.reliability.test_torture import History, check_decisions, check_rules, check_told
from tests.reliability.torture import Told

KILLS = 3


def worked(db: Database, processes: list[subprocess.Popen[bytes]], position: int) -> bool:
    """Whether the processes have come to a position, or to their end."""
    return db.head().position >= position or all(process.poll() is not None for process in processes)


def test_a_server_that_is_killed_three_times_changes_no_decision(long: bool) -> None:
    threads, rounds = (16, 300) if long else (8, 40)
    with closing(started()) as server:
        address = f"{server.address('torture')}&timeout={PATIENCE}"
        processes = []
        with connect(address) as db:
            try:
                for seed in range(2):
                    command = [
                        sys.executable,
                        "-m",
                        torture.__name__,
                        address,
                        *map(str, (seed, threads, rounds)),
                    ]
                    processes.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE))
                for kill in range(1, KILLS + 1):
                    until(partial(worked, db, processes, kill * threads * rounds // 4))
                    server.stop("immediate")
                    server.start()
                outputs = [process.communicate()[0] for process in processes]
            finally:
                for process in processes:
                    process.kill()
            assert [process.returncode for process in processes] == [0, 0]
            told = [one for output in outputs for one in msgspec.json.decode(output, type=list[Told])]
            events = list(db.log.read())
            history = History(db.log, events)
            assert sum(one.conflicts for one in told) == 0
            check_rules(db)
            check_told(db, told, history)
            check_decisions(db, events, history)
            assert verify(db.store).problems == []
