"""Ctrl-C ends an operation, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reliability.processes import finish, running


@pytest.mark.parametrize("address", ["memory:", "history.db"])
def test_ctrl_c_leaves_the_store_usable(tmp_path: Path, address: str, long: bool) -> None:
    where = address if address == "memory:" else tmp_path / address
    with running("interrupting", where, 2_000 if long else 5) as process:
        finish(process)
