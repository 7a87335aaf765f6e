"""The reference page of the command line, docs/cli.md, is made from the parsers and may not fall behind them.

Make it anew after a change, from the root of the checkout:

    .venv/bin/python -m tests.cli.test_reference
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from backstory.cli import VERBS, load
from backstory.cli.parse import parser

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
AGAIN = ".venv/bin/python -m tests.cli.test_reference"

INTRODUCTION = f"""\
# The command line

This page is made from the program: `{AGAIN}`. The same text is shown by `backstory help VERB`.

Data goes to standard output and messages to standard error. Exit codes:

| code | means |
|---|---|
| 0 | fine |
| 1 | a difference: a check failed, nothing was found, or a condition did not hold |
| 2 | a wrong command line, input, revision or store |
| 70 | a bug; `BACKSTORY_DEBUG=1` shows where |
| 130, 141 | ended by Ctrl-C, or by the reader of a pipe who left |

The store is named by `-s STORE`, else by `BACKSTORY_STORE`, else by the nearest `pyproject.toml` that has this; a path
is relative to that file:

```toml
[tool.backstory]
store = "bank.db"
```

The branch is `main`, or the one that `backstory switch` went to: a folder remembers it for each store, in the file
`.backstory`, for itself and the folders below. `-b NAME` names another one for once.

`--json` prints one document, and `--ndjson` one for each line. Both begin with `"schema": 1`, which goes up when a
field goes away or changes its meaning, and with `"kind"`. A commit has its `message` as it is stored,
perhaps empty, and its `subject`, one line for people. On a terminal, long output goes through `BACKSTORY_PAGER`, else
`PAGER`, else `less`; colour is off where `NO_COLOR` is set. `BACKSTORY_AUTHOR` is who appends, unless it is empty.

These options belong to every verb, and may stand before it too:

"""


def rows(built: parser.Parser, *, common: bool) -> Iterator[str]:
    """The options of every verb, or a verb's own, as a table."""
    found = [
        row for title, group in built.sections() if (title == parser.EVERY_VERB) is common for row in group
    ]
    if found:
        yield "| argument | |"
        yield "|---|---|"
        for written, help in found:
            yield f"| `{written.replace('|', ' or ')}` | {help.replace('|', ' or ')} |"
        yield ""


def page() -> str:
    """The whole page."""
    first = next(iter(next(iter(VERBS.values()))))
    lines = [INTRODUCTION + "\n".join(rows(parser.build(first, "", load(first)), common=True))]
    for title, verbs in VERBS.items():
        lines += [f"## To {title}", ""]
        for verb, summary in verbs.items():
            built = parser.build(verb, summary, load(verb))
            lines += [f"### `backstory {verb}`", "", f"{summary[0].upper()}{summary[1:]}.", ""]
            lines += ["```text", *built.usage_lines(), "```", ""]
            lines += [built.text, ""] if built.text else []
            lines += rows(built, common=False)
            lines += ["```text", *built.examples.splitlines(), "```", ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def test_the_page_says_what_the_parsers_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), f"docs/cli.md fell behind; make it anew with: {AGAIN}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
