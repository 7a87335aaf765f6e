"""An application of 200 event types, written as code, and a store that its commands have filled."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from backstory.application import Application, load
from backstory.values.codec import PLAIN
from backstory.values.commit import Draft, draft
from backstory.values.query import Condition, Query
from benchmarks import bank

AREAS = 50
"""Areas of the application, each with four events and four commands."""

APP = "large"

AREA = '''\
"""One area: a job is opened, filled, corrected and closed."""

from collections.abc import Iterator

from backstory import Event, Materialized, Refused, State, Tag, command


class Opened{n}(Event, name="area{n}.opened"):
    """A job is opened."""

    job{n}: Tag[str]
    wanted: int


class Filled{n}(Event, name="area{n}.filled"):
    job{n}: Tag[str]
    count: int


class Corrected{n}(Event, name="area{n}.corrected"):
    job{n}: Tag[str]
    count: int


class Closed{n}(Event, name="area{n}.closed"):
    job{n}: Tag[str]


class Job{n}(State):
    """A job of this area."""

    job{n}: Tag[str]
    wanted: int = 0
    count: int = 0
    is_open: bool = False

    def apply(self, event: Opened{n} | Filled{n} | Corrected{n} | Closed{n}) -> None:
        match event:
            case Opened{n}():
                self.wanted, self.is_open = event.wanted, True
            case Filled{n}():
                self.count += event.count
            case Corrected{n}():
                self.count = event.count
            case Closed{n}():
                self.is_open = False


jobs{n} = Materialized(Job{n}, index=["count"])


@command
def open{n}(job{n}: Job{n}, wanted: int) -> Opened{n}:
    """Open a job."""
    if job{n}.is_open:
        raise Refused("it is open", code="open")
    return Opened{n}(job{n}.job{n}, wanted)


@command
def fill{n}(job{n}: Job{n}, count: int) -> Iterator[Filled{n} | Closed{n}]:
    """Fill a job, and close it when it is full."""
    if not job{n}.is_open:
        raise Refused("it is not open", code="closed")
    yield Filled{n}(job{n}.job{n}, count)
    if job{n}.count + count >= job{n}.wanted:
        yield Closed{n}(job{n}.job{n})


@command
def correct{n}(job{n}: Job{n}, count: int) -> Corrected{n}:
    if count < 0:
        raise Refused("less than nothing", code="negative")
    return Corrected{n}(job{n}.job{n}, count)


@command
def close{n}(job{n}: Job{n}) -> Closed{n} | None:
    return Closed{n}(job{n}.job{n}) if job{n}.is_open else None
'''


def written(folder: Path) -> Application:
    """The application, written into a folder as a package and loaded from there."""
    package = folder / APP
    if not package.exists():
        package.mkdir(parents=True)
        names = [f"area{number:02}" for number in range(AREAS)]
        for number, name in enumerate(names):
            (package / f"{name}.py").write_text(AREA.replace("{n}", f"{number:02}"), encoding="utf-8")
        imports = "".join(f"from {APP}.{name} import *  # noqa: F403\n" for name in names)
        (package / "__init__.py").write_text(imports, encoding="utf-8")
        settings = f'[tool.backstory]\napp = "{APP}"\nstore = "large.db"\n'
        (folder / "pyproject.toml").write_text(settings, encoding="utf-8")
    return load(APP, folder)


def filled(folder: Path, events: int, jobs: int) -> Path:
    """The path of a store of the application, made if it is not there: a commit of its own for each event."""
    path = folder / "large.db"
    if not path.exists():
        app = written(folder)
        with bank.main_log(path) as log:
            for group in bank.batched(range(events), 2_000):
                log.append([list(_drafts(app, group, jobs))])
    return path


def _drafts(app: Application, numbers: Iterable[int], jobs: int) -> Iterator[Draft]:
    """Decisions as the commands record them: of each job one after the other."""
    for number in numbers:
        turn, job = divmod(number, jobs)
        area = f"{job % AREAS:02}"
        id = f"j-{job}"
        verb, word, given = _turn(turn)
        event = app.event(f"area{area}.{word}").cls(id, *given.values())
        types = sorted(f"area{area}.{each}" for each in ("opened", "filled", "corrected", "closed"))
        yield draft(
            [PLAIN.encode(event)],
            id=str(uuid.uuid4()),
            time=datetime.now(UTC),
            condition=Condition(Query.of(types, [f"job{area}:{id}"]), number),
            author=f"person {number % 20}",
            command=json.dumps(
                {
                    "name": f"{verb}{area}",
                    "arguments": {f"job{area}": {f"job{area}": id}, **given},
                    "states": [f"job{area}"],
                },
                separators=(",", ":"),
            ).encode(),
        )


def _turn(turn: int) -> tuple[str, str, dict[str, int]]:
    """The command, the event and the arguments of a turn of a job."""
    if turn == 0:
        return "open", "opened", {"wanted": 10**9}
    if turn % 7 == 0:
        return "correct", "corrected", {"count": turn}
    return "fill", "filled", {"count": 1 + turn % 3}
