"""Writes docs/model.schema.json, the JSON Schema of `backstory model --json`; `--check` only compares."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from backstory.model.document import json_schema

FILE = Path(__file__).parents[1] / "docs" / "model.schema.json"


def main() -> int:
    """Write it, or compare."""
    text = json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"
    if "--check" not in sys.argv:
        FILE.write_text(text, encoding="utf-8")
        return 0
    if FILE.exists() and FILE.read_text(encoding="utf-8") == text:
        return 0
    print(f"{FILE.name} is out of date: run scripts/model_schema.py")
    return 1


if __name__ == "__main__":
    sys.exit(main())
