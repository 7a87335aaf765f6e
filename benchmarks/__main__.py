"""`python -m benchmarks`: ask all questions, or some."""

from __future__ import annotations

import sys

from benchmarks.cli import main

QUESTIONS = (
    "bulk_append",
    "read_typed",
    "concurrent",
    "single",
    "condition_scale",
    "streaming_memory",
    "import_xes",
    "start_time",
    "postgres_callers",
    "postgres_bulk",
    "postgres_processes",
    "postgres_rebuild",
    "postgres_condition",
    "postgres_raw",
    "execute",
    "backtest",
    "execute_warm",
    "execute_concurrent",
    "execute_processes",
    "asynchronous",
    "endpoint",
    "rebuild",
    "as_of",
    "branching",
    "merging",
    "entity_history",
    "diff_all",
    "project",
    "postgres_project",
    "project_appends",
    "project_find",
    "row_update",
    "row_sync",
    "row_blame",
    "choices",
    "capture",
    "capture_drain",
    "web",
    "web_sizes",
    "web_reader",
    "model",
    "assistant",
    "new_app",
)

if __name__ == "__main__":
    sys.exit(main([f"benchmarks.{name}" for name in QUESTIONS]))
