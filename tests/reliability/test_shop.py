"""The shop, whose processes are killed at any moment: nothing is lost, nothing is done twice, and nothing is stuck."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from backstory import Database, connect
from backstory.projections.catalog import RUNNING, STOPPED
from backstory.projections.operate import standings
from backstory.reactions import operate
from backstory.reactions.deadlines import DeadlineCancelled, DeadlineDue, DeadlineSet
from backstory.reactions.delivery import delivery_key
from backstory.reactions.process import reacting
from backstory.right import has_right, take
from backstory.values.ids import REACTION, derived
from examples.shop.events import Cancelled, Mailed, Paid, PaymentAsked, PaymentRefused, Placed, Reminded
from examples.shop.mails import mail
from examples.shop.open_orders import OpenOrders
from examples.shop.order import Order, pay, place
from examples.shop.payments import charge
from examples.shop.reminders import Unpaid
from tests.patience import until
from tests.postgres.schemas import schemas
from tests.projections.conftest import without_views
from tests.reliability.processes import ROOT
from tests.reliability.under_fire import POISON, Patient, Strict

APP = "tests.reliability.under_fire"
REACTIONS = charge, mail, Unpaid
NEWS = Paid | PaymentRefused | Reminded | Cancelled
TABLES: dict[Any, str] = {
    OpenOrders: "SELECT id, email, cents, status, since FROM open_orders ORDER BY id",
    Patient: "SELECT id, step FROM payments ORDER BY id, step",
}


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store that processes share, and that reacts."""
    found = str(tmp_path / "shop.db")
    if request.param == "postgres":
        store = without_views(schemas().open(tmp_path))
        found = schemas()._server.address(store.server.address.schema)
    with closing(connect(found)) as db:
        if not has_right(db.store):
            take(db.store)
    return found


class Shop:
    """Starts the processes of a shop: those that place orders, and those of `backstory run`."""

    def __init__(self, address: str, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self._words = {
            "orders": ["-m", APP, address],
            "run": ["-m", "backstory", "-s", address, "run", "--app", APP, "--lease", "0.6"],
        }

    @contextmanager
    def process(self, kind: str) -> Iterator[subprocess.Popen[bytes]]:
        """One of them, which does not outlive the block."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "SHOP_OUTSIDE": str(self.folder)}
        command = [sys.executable, *self._words[kind]]
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def kept(self, suffix: str) -> list[str]:
        """The keys for which the bank, or the mail service, did something."""
        return sorted(path.stem for path in self.folder.glob(f"*.{suffix}"))


def at_work(process: subprocess.Popen[bytes]) -> None:
    """Wait until a process has said that it begins."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith((b"placing", b"backstory: running")), line + (process.stdout.read() or b"")


def killed_at_random(shop: Shop, kills: int, dice: random.Random) -> None:
    """Four processes, of which one is killed, again and again, and another one is started in its place."""
    with ExitStack() as stack:
        kinds = "run", "run", "orders", "orders"
        running = [(kind, stack.enter_context(shop.process(kind))) for kind in kinds]
        for _ in range(kills):
            number = dice.randrange(4)
            kind, victim = running[number]
            at_work(victim)
            time.sleep(dice.uniform(0, 0.5))
            for _, process in running:
                assert process.poll() is None, process.communicate()
            victim.send_signal(signal.SIGKILL)
            running[number] = kind, stack.enter_context(shop.process(kind))


def poison(db: Database) -> Iterator[int]:
    """An order whose payment always raises, and a later event of it; the positions of both."""
    db.execute(place(Order("poison"), "eve@example.com", cents=1))
    asked = db.execute(pay(Order("poison"), POISON))
    yield asked.position
    yield db.append(PaymentAsked("poison", "visa", 1)).position


def count(db: Database, events: Any) -> int:
    """How many of these events there are."""
    return sum(1 for _ in db.read(events))


def is_settled(db: Database) -> bool:
    """Whether all is done that is to be done, once nobody places orders any more."""
    ended = count(db, DeadlineDue | DeadlineCancelled)
    return (
        ended == count(db, DeadlineSet) == 2 * count(db, Placed)
        and count(db, Paid | PaymentRefused) == count(db, PaymentAsked) - 2
        and count(db, Mailed) == count(db, NEWS)
        and all(
            operate.standing(reacting(each), db.store, db.views.source, db.branches.clock()).lag == 0
            for each in REACTIONS
        )
    )


def check_commands(db: Database) -> None:
    """Each command of a reaction is in the log once, under the id that follows from its event, and no other one is."""
    expected, possible = Counter[str](), Counter[str]()
    for each in map(reacting, REACTIONS):
        for record in db.read():
            if record.type not in each.types or not each.concerns(record.event):
                continue
            key = delivery_key(each.name, record.commit, record.position)
            ids = [derived(REACTION, f"{key}.{number}") for number in range(2)]
            gives = 2 if isinstance(record.event, Placed) and each is not charge else 1
            sure = not isinstance(record.event, DeadlineDue) and not (each.name == "unpaid" and gives == 1)
            of_poison = each is charge and getattr(record.event, "order", "") == "poison"
            possible.update(ids)
            if sure and not of_poison:
                expected.update(ids[:gives])
    names = {reacting(each).name for each in REACTIONS}
    given = Counter(
        commit.id
        for commit in db.commits()
        if commit.author in names and not commit.id.startswith("backstory.due.")
    )
    assert expected - given == Counter()
    assert given - possible == Counter()
    assert len(list(db.commits())) == len({commit.id for commit in db.commits()})


def check_deadlines(db: Database) -> None:
    """Each deadline came once, or was cancelled once, after it was set."""
    were_set = Counter(record.event.deadline for record in db.read(DeadlineSet))
    ended = Counter(record.event.deadline for record in db.read(DeadlineDue | DeadlineCancelled))
    assert set(were_set.values()) == {1}
    assert ended == were_set


def check_outside(db: Database, shop: Shop) -> None:
    """The bank took money for each payment that the log has, and each mail that it has was sent."""
    assert sorted(record.event.receipt for record in db.read(Paid)) == shop.kept("taken")
    keys = [delivery_key("mail", record.commit, record.position) for record in db.read(NEWS)]
    assert sorted(keys) == shop.kept("mail")


def check_tables(db: Database, positions: list[int]) -> None:
    """Each projection is as if it were made anew; the poison is kept back, or stops, as its policy says."""
    groups = db.views.know([Strict])
    [strict] = standings(db.views, groups, db.branches.clock())
    assert (strict.state, strict.position < positions[0]) == (STOPPED, True), strict
    assert f"#{positions[0]} " in strict.why
    for projection, sql in TABLES.items():
        before = db.rows(projection, sql)
        db.rebuild(projection)
        assert db.rows(projection, sql) == before
    gone = {record.event.order for record in db.read(Paid | Cancelled)}
    open_now = {record.event.order for record in db.read(Placed)} - gone
    assert {row[0] for row in db.rows(OpenOrders, TABLES[OpenOrders])} == open_now
    steps = Counter(
        (record.event.order, type(record.event).__name__)
        for record in db.read(Placed | PaymentAsked | Paid)
        if record.position not in positions
    )
    assert Counter(db.rows(Patient, TABLES[Patient])) == steps


def check_policies(db: Database, positions: list[int]) -> None:
    """Nothing is kept back but the poison, and what came after it for the same order."""
    now = db.branches.clock()
    for each in REACTIONS:
        found = operate.standing(reacting(each), db.store, db.views.source, now)
        kept = [one.position for one in operate.parked(reacting(each), db.store)]
        assert (found.state, found.lag) == (RUNNING, 0), found
        assert kept == (positions if each is charge else [])


@pytest.mark.timeout(1_200)
def test_a_shop_whose_processes_are_killed_does_everything_once(
    address: str, tmp_path: Path, long: bool
) -> None:
    shop = Shop(address, tmp_path / "outside")
    with connect(address) as db:
        positions = list(poison(db))
        killed_at_random(shop, 50 if long else 4, random.Random(12))
        with shop.process("run") as first, shop.process("run") as second:
            until(lambda: is_settled(db))
            for projection in TABLES:
                db.wait(projection, timeout=60)
            for process in first, second:
                at_work(process)
                process.send_signal(signal.SIGTERM)
            for process in first, second:
                output, _ = process.communicate()
                assert process.returncode == 0, output.decode()
        kinds = Placed, PaymentAsked, Paid, Mailed, DeadlineSet, DeadlineDue
        print({kind.__name__: count(db, kind) for kind in kinds}, f"{db.head().position} events")
        check_commands(db)
        check_deadlines(db)
        check_outside(db, shop)
        check_policies(db, positions)
        check_tables(db, positions)
