"""The verbs of branches on a server: what they are on any store, and a decision on a branch once."""

from __future__ import annotations

from pathlib import Path

from backstory.history.check.verify import verify
from tests.history.test_decisions_property import STORY, told
from tests.postgres.schemas import schemas


def test_a_branch_on_a_server_has_each_decision_once(tmp_path: Path) -> None:
    with told(STORY, schemas().open(tmp_path)) as db:
        assert verify(db.store).problems == []
