"""What checkers share: faults in words, answers in JSON, and the store of a task."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def check(*checks: Callable[[], str | None]) -> None:
    """Run all checks; each returns its fault in words, or None. An error in one is its fault. Ends the process."""
    faults = []
    for each in checks:
        try:
            fault = each()
        except AssertionError as wrong:
            fault = str(wrong).strip() or each.__name__.replace("_", " ")
        except Exception as wrong:  # noqa: BLE001 - the code of a solution may raise anything
            fault = f"{each.__name__.replace('_', ' ')}: {type(wrong).__name__}: {wrong}"
        if fault:
            faults.append(fault.splitlines()[0])
    print("\n".join(faults))
    sys.exit(1 if faults else 0)


def answer() -> Any:
    """What answer.json of the folder says."""
    path = Path("answer.json")
    assert path.exists(), "there is no answer.json"
    try:
        return json.loads(path.read_text("utf-8"))
    except json.JSONDecodeError as wrong:
        raise AssertionError(f"answer.json is no JSON: {wrong}") from None


def ran(*words: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a module of Python in the folder: `ran("pytest", "-q")`, `ran("backstory", "log")`."""
    return subprocess.run(
        [sys.executable, "-m", *words], capture_output=True, text=True, timeout=seconds, check=False
    )
