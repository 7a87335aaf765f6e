"""`backstory guide`."""

from __future__ import annotations

import pytest

from backstory import guide
from backstory.cli import main


def test_it_prints_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["guide", "evolve"]) == 0
    assert capsys.readouterr().out == guide.topic("evolve").text


def test_it_lists_the_topics(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["guide"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(guide.TOPICS)
