"""What every test may ask for: options of the run, and the real data that some of them need."""

from __future__ import annotations

import gc
import os
import signal
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest

from backstory.decide.register import clashes
from backstory.values.event import definitions

DATA = ("bpic2012.xes.gz", "receipt.csv")
MEMORY = Path("/dev/shm")
ROOM = 4 << 30
"""Bytes that must be free in memory's file system to take the tests' files: a run leaves less than one gigabyte."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--long`, `--pictures` and `--data`."""
    group = parser.getgroup("backstory")
    group.addoption("--long", action="store_true", help="longer reliability runs: more kills, more examples")
    group.addoption("--pictures", action="store_true", help="photograph the pages anew, for the docs")
    group.addoption(
        "--data",
        metavar="DIR",
        type=Path,
        help="folder of the real event logs (default: ../shared/data beside the checkout, if it is there)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Set how hard Hypothesis looks. It has no deadline: how fast the machine is says nothing of the code."""
    hypothesis.settings.register_profile("short", deadline=None)
    hypothesis.settings.register_profile("few", deadline=None, max_examples=25)
    hypothesis.settings.register_profile("long", deadline=None, max_examples=2_000)
    hypothesis.settings.load_profile("long" if config.getoption("--long") else "short")
    if "TMPDIR" not in os.environ and has_room(MEMORY):
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def has_room(folder: Path) -> bool:
    """Whether temporary files, programs among them, can be there.

    Every store waits for the disk at each commit, and no test can ask what a loss of power would leave. So files in
    memory make the tests quicker, most of all where many processes want the disk.
    """
    if not folder.is_mount() or not os.access(folder, os.W_OK):
        return False
    system = os.statvfs(folder)
    return not system.f_flag & os.ST_NOEXEC and system.f_bavail * system.f_frsize >= ROOM


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Let the garbage collector leave out all that is loaded for the tests: it is very much, and some tests call it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def own_root(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let a pytest that a test starts have its temporary folders below those of this run.

    At its start it takes the right to read the root of them from all others, and a server of PostgreSQL in a test
    beside it may be one of these.
    """
    os.environ["PYTEST_DEBUG_TEMPROOT"] = str(tmp_path_factory.getbasetemp())


@pytest.fixture(autouse=True)
def own_definitions() -> Iterator[None]:
    """Give back the names of events that a test's own classes took: another module may have an event of that name.

    Names of commands that clash among the modules of tests say nothing of any one of them.
    """
    before = dict(definitions)
    clashes.clear()
    yield
    definitions.clear()
    definitions.update(before)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let a test and the programs that it starts feel Ctrl-C, also where tests run in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def long(request: pytest.FixtureRequest) -> bool:
    """Whether this is a long run (`--long`)."""
    return bool(request.config.getoption("--long"))


@pytest.fixture
def few(long: bool) -> Iterator[None]:
    """Let Hypothesis look less hard, where other tests look hard at the same code; in a long run nothing changes."""
    if long:
        yield
        return
    hypothesis.settings.load_profile("few")
    yield
    hypothesis.settings.load_profile("short")


@pytest.fixture(scope="session")
def data_dir(request: pytest.FixtureRequest) -> Path:
    """The folder of the real event logs. A test is skipped without them, and fails where `--data` promised them."""
    named: Path | None = request.config.getoption("--data")
    folder = named or request.config.rootpath.parent / "shared" / "data"
    missing = [name for name in DATA if not (folder / name).is_file()]
    if missing and named is not None:
        pytest.fail(f"--data {named}: no {' and no '.join(missing)} there")
    if missing:
        pytest.skip(
            f"NOT TESTED ON REAL DATA: {' and '.join(missing)} not found; name their folder with --data DIR"
        )
    return folder.resolve()
