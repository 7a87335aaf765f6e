"""New commit ids."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import uuid

import pytest

from backstory.values.ids import new_id

FORKED = """
import os, time
from backstory.values.ids import new_id

now = time.time_ns()
new_id()
time.time_ns = lambda: now - 3_600_000_000_000
if os.fork() == 0:
    print(new_id(), flush=True)
    os._exit(0)
os.wait()
print(new_id())
"""


def test_it_is_a_version_7_uuid_of_now() -> None:
    before = time.time_ns() // 1_000_000
    id = new_id()
    after = time.time_ns() // 1_000_000
    parsed = uuid.UUID(id)
    assert str(parsed) == id
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert before <= parsed.int >> 80 <= after + 1


def test_each_sorts_after_the_one_before_also_across_threads() -> None:
    ids: list[list[str]] = [[] for _ in range(4)]
    threads = [
        threading.Thread(target=lambda own=own: own.extend(new_id() for _ in range(5_000))) for own in ids
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for own in ids:
        assert own == sorted(own)
    assert len({id for own in ids for id in own}) == 20_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="NOT TESTED: this system does not fork")
def test_parent_and_child_do_not_count_on_from_the_same_id_where_the_clock_was_put_back() -> None:
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, check=True)
    child, parent = done.stdout.split()
    assert child != parent
