"""The examples on PostgreSQL: the same programs, and nothing but the address is another."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

import backstory
from backstory.history.check.verify import verify
from tests.postgres.server import ROOT, running, schema_of


@pytest.mark.parametrize("example", ["bank", "cart", "courses", "recipes"])
def test_an_example_prints_the_same_on_postgresql(
    example: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = running().address(schema_of(tmp_path))
    connect = backstory.connect

    def there(*arguments: Any, **options: Any) -> Any:
        assert not arguments
        return connect(address, **options)

    with monkeypatch.context() as patched:
        patched.setattr(backstory, "connect", there)
        runpy.run_module(f"examples.{example}", run_name="__main__")
    said = capsys.readouterr().out.strip()
    assert said
    assert said in (ROOT / "examples" / example / "README.md").read_text(encoding="utf-8")
    with connect(address, create=False) as db:
        assert db.head().position > 0
        assert verify(db.store).problems == []
