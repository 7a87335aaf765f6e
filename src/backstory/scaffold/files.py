"""Writing what was made: all files, or none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from backstory.errors import ScaffoldError


def write(files: Mapping[str, str], folder: Path) -> list[Path]:
    """Write files below a folder; their paths. Raises `ScaffoldError`, and writes nothing, if one is there already."""
    paths = {folder / name: text for name, text in files.items()}
    there = [path for path in paths if path.exists()]
    if there:
        raise ScaffoldError(f"{there[0]} is there already, and is not replaced; nothing was written")
    made: list[Path] = []
    try:
        for path, text in paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                made.append(path)
                file.write(text)
    except BaseException:
        for path in made:
            path.unlink(missing_ok=True)
        raise
    return made
