"""What runs in a contestant's own process: `python -m benchmarks.worker JOB`, with the answer on the last line."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.frame import Question, Run, Skip


def work(job: dict[str, Any]) -> dict[str, Any]:
    """Do one step of one contestant."""
    question: Question = importlib.import_module(job["module"]).QUESTION
    who = question.contestant(job["contestant"])
    run = Run(Path(job["folder"]), Path(job["kept"]), job["sizes"], Path(job["data"]))
    try:
        if job["step"] == "measure":
            return {"figure": who.measure(run)}
        if who.prepare is not None:
            who.prepare(run)
        return {}
    except Skip as skip:
        return {"skipped": str(skip)}


if __name__ == "__main__":
    print("\n" + json.dumps(work(json.loads(sys.argv[1]))))
