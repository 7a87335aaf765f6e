"""`make demo`: this project's own Git history as a Backstory store, and what can be asked of it.

    python scripts/demo.py [--example]

Everything that is shown comes from the real `backstory` command; this script only says what you are looking at.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[1]
COMMAND = Path(sys.executable).with_name("backstory")
EXAMPLE = ROOT / "src" / "backstory" / "sync" / "example.jsonl"
WIDTH = 100
LINES = 16
"""How much of a long output is shown."""


class Demo:
    """Runs commands on one store, and prints what they are and what they say."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self.color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._step = 0

    def paint(self, text: str, code: str) -> str:
        """Text in a colour, on a terminal."""
        return f"\x1b[{code}m{text}\x1b[m" if self.color else text

    def ask(self, *words: str) -> str:
        """What a command says, for this script to read."""
        return subprocess.run(
            [COMMAND, *words], env=self._environment(), check=True, capture_output=True, text=True
        ).stdout

    def show(self, sentence: str, *words: str) -> None:
        """Say what comes, then the command line, then what it prints, up to `LINES`."""
        self._step += 1
        print(f"\n{self.paint(f'{self._step}. {sentence}', '1')}\n")
        print(f"   {self.paint('$ backstory ' + shlex.join(words), '36')}")
        color = ("--color", "always") if self.color else ()
        started = time.monotonic()
        ran = subprocess.run(
            [COMMAND, *words, *color],
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        took = time.monotonic() - started
        lines = ran.stdout.rstrip("\n").split("\n")
        for line in lines[:LINES]:
            print(f"   {line if self.color else line[:WIDTH]}".rstrip())
        if len(lines) > LINES:
            print(self.paint(f"   ... and {len(lines) - LINES} more lines", "2"))
        print(self.paint(f"   ({took:.2f} s)", "2"))
        if ran.returncode:
            sys.exit(ran.returncode)

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "BACKSTORY_STORE": str(self.store), "COLUMNS": str(WIDTH)}


def has_history() -> bool:
    """Whether this checkout is a Git repository with commits, and Git is here to read it."""
    try:
        found = subprocess.run(
            ["git", "-C", str(ROOT), "rev-parse", "--verify", "--quiet", "HEAD"],
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        return False
    return found.returncode == 0


def tour(demo: Demo, *, from_git: bool) -> None:
    """The demo itself."""
    if from_git:
        demo.show(
            "Import the Git history of this project: each commit becomes a commit, each file that it touched an event.",
            *("import", "git", str(ROOT)),
        )
        demo.show(
            "Once more. Nothing new: a commit that is known is never added twice.", "import", "git", str(ROOT)
        )
    else:
        print(
            "There is no Git history here (a download, or no git), so this is a small bank that ships instead."
        )
        demo.show(
            "Import a small history: a few accounts, and what happened to them.",
            "import",
            "jsonl",
            str(EXAMPLE),
        )
        demo.show(
            "Once more. Nothing new: a commit that is known is never added twice.",
            "import",
            "jsonl",
            str(EXAMPLE),
        )
    newest = msgspec.json.decode(demo.ask("log", "-n", "1", "--json"))["commits"][0]
    key = "file" if from_git else "account"
    tag = msgspec.json.decode(demo.ask("tags", "--key", key, "-n", "1", "--json"))["tags"][0]["tag"]
    demo.show(
        "The newest commits first, a line for each. It reads like Git's log.", "log", "--oneline", "-n", "10"
    )
    demo.show(
        "One commit with its events. Each is a fact with a type, tags that say what it is about, and data.",
        "show",
        newest["hash"][:10],
    )
    demo.show(
        f"The state of {tag}: nobody stored it. It is what its events add up to, and each field names its event.",
        "state",
        tag,
    )
    demo.show("The kinds of facts in this store.", "types")
    demo.show("How much there is, since when, and by whom.", "stats")
    demo.show("Is this still the history that was written? Every hash is computed again.", "verify")
    demo.show(
        "It is yours to take along: the last commit, with every byte that its hash covers.",
        "export",
        "--after",
        str(newest["first"] - 1),
    )


def main() -> None:
    """Make the store, give the tour, say where the store is."""
    parser = argparse.ArgumentParser(description="Show Backstory on this project's own history.")
    parser.add_argument("--example", action="store_true", help="show the small example, not the Git history")
    arguments = parser.parse_args()
    store = Path(tempfile.mkdtemp(prefix="backstory-demo-")) / "demo.db"
    demo = Demo(store)
    from_git = not arguments.example and has_history()
    if not from_git and not arguments.example:
        print("There is no Git history here: a download, or no git. So you see the example instead.")
    tour(demo, from_git=from_git)
    print(f"\nThe store is {store}, an ordinary SQLite file. Go on with:\n")
    print(f"   export BACKSTORY_STORE={shlex.quote(str(store))}")
    print(f"   {shlex.quote(os.path.relpath(COMMAND))} log\n")


if __name__ == "__main__":
    main()
