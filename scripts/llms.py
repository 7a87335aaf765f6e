"""Writes `docs/llms.txt` and `docs/llms-full.txt`: the guide that the package ships, for assistants that read a site.

    python scripts/llms.py            # after a change of the guide, or of the list of pages in docs/README.md
    python scripts/llms.py --check    # fails where a file is not what it would write

`llms.txt` is a list of pages, each with a sentence, in the form of https://llmstxt.org; `llms-full.txt` has the guide
in full.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from backstory import guide

DOCS = Path(__file__).parents[1] / "docs"

TOP = """\
# Backstory

> A database for Python that works like Git: every change is an immutable event, and you can ask its history questions.
> Events live in one SQLite file or in PostgreSQL; state is a fold of events; a command is a pure function, which is
> decided again if something that it read has changed.

`pip install backstory`, Python 3.11 or later. The installed version prints this guide: `backstory guide [TOPIC]`.
"""


def index() -> str:
    """The list of pages: the guide, then every page that docs/README.md lists, under its headings."""
    lines = [TOP, "## Guide", ""]
    lines += [
        f"- [{one.title}](../src/backstory/guide/{one.name}.md): {one.summary}" for one in guide.topics()
    ]
    for row in (DOCS / "README.md").read_text("utf-8").splitlines():
        if heading := re.fullmatch(r"\| ([a-z ]+) \| \|", row):
            lines += ["", f"## {heading[1].capitalize()}", ""]
        elif page := re.fullmatch(r"\| (\[.*\]\(.*\)) \| (.*) \|", row):
            lines += [f"- {page[1]}: {page[2]}"]
    return "\n".join(lines) + "\n"


def whole() -> str:
    """The guide in full, a page after the other."""
    return "\n".join([TOP, *(one.text for one in guide.topics())])


def main() -> int:
    """Write both files, or check them."""
    made = {DOCS / "llms.txt": index(), DOCS / "llms-full.txt": whole()}
    if "--check" not in sys.argv[1:]:
        for path, text in made.items():
            path.write_text(text, "utf-8")
        return 0
    old = [path.name for path, text in made.items() if not path.exists() or path.read_text("utf-8") != text]
    if old:
        print(
            f"docs/{' and docs/'.join(old)} would be written otherwise: python scripts/llms.py",
            file=sys.stderr,
        )
    return len(old)


if __name__ == "__main__":
    sys.exit(main())
