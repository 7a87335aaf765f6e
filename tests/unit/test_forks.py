"""The steps around a fork."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref

import pytest

from backstory import forks
from backstory.forks import on_fork

forking = pytest.mark.skipif(not hasattr(os, "fork"), reason="NOT TESTED: this system does not fork")

INTERRUPTED = """
import os
from functools import partial
from backstory.forks import on_fork

class Interrupted:
    def __init__(self, name):
        self.name, self.steps = name, []
        on_fork(**{step: partial(self.take, step) for step in ("before", "parent", "child")})

    def take(self, step):
        self.steps.append(step)
        if self.name == "one" and self.steps.count(step) == 1:
            raise KeyboardInterrupt

one, other = Interrupted("one"), Interrupted("other")
if os.fork() == 0:
    assert set(one.steps) == set(other.steps) == {"before", "child"}, (one.steps, other.steps)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
assert one.steps == ["before"] * 2 + ["parent"] * 2
assert other.steps == ["before", "parent"]
"""

LOADING = """
import os, signal, sys, threading, time
from importlib.machinery import PathFinder
from backstory.stores.sqlite.notices import notices
from backstory.values import digest

name, load = sys.argv[1], dict(hashlib=lambda: digest.sha256, ctypes=lambda: notices("any.db-wal").close())[sys.argv[1]]

class Slow:
    def find_spec(self, wanted, path=None, target=None):
        if wanted == name:
            spec = PathFinder.find_spec(name)
            self.load, spec.loader.exec_module = spec.loader.exec_module, self.slowly
            return spec

    def slowly(self, module):
        begun.set()
        time.sleep(0.3)
        self.load(module)

begun = threading.Event()
assert name not in sys.modules
sys.meta_path.insert(0, Slow())
threading.Thread(target=load).start()
begun.wait()
if os.fork() == 0:
    signal.alarm(120)
    load()
    os._exit(0)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
"""


class Owner:
    """Something that begins anew in a child."""

    def __init__(self) -> None:
        on_fork(child=self.begin)

    def begin(self) -> None:
        """Begin."""


def test_the_registry_keeps_nobody_alive_and_forgets_who_is_gone() -> None:
    gc.collect()
    before = len(forks._known)
    owners = [Owner() for _ in range(10)]
    assert len(forks._known) == before + 10
    gone = [weakref.ref(owner) for owner in owners]
    owners.clear()
    gc.collect()
    assert [one() for one in gone] == [None] * 10
    assert len(forks._known) <= before


def run(code: str, *arguments: str) -> None:
    """Run a script in a process of its own, where forks and Ctrl-C concern nobody else."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@forking
def test_a_step_that_ctrl_c_breaks_off_is_done_again_and_keeps_no_other_from_its_turn() -> None:
    run(INTERRUPTED)


@forking
@pytest.mark.parametrize("module", ["hashlib", "ctypes"])
def test_a_child_does_not_wait_for_what_another_thread_was_importing(module: str) -> None:
    run(LOADING, module)
