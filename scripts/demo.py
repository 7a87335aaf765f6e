"""`make demo`: this project's own Git history as a Backstory store, what can be asked of it, a branch of a cart, and an
order that was paid back twice, which the history browser shows.

    python scripts/demo.py [--example]

Everything that is shown comes from the real `backstory` command; this script only says what you are looking at.
"""

from __future__ import annotations

import argparse
import contextlib
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
EXAMPLE = ROOT / "src" / "backstory" / "transfer" / "example.jsonl"
WIDTH = 100
LINES = 16
"""How much of a long output is shown."""


class Demo:
    """Runs commands on one store, and prints what they are and what they say."""

    def __init__(self, store: Path, app: str = "") -> None:
        self.store = store
        self.app = app
        self.color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self.step = 0

    def paint(self, text: str, code: str) -> str:
        """Text in a colour, on a terminal."""
        return f"\x1b[{code}m{text}\x1b[m" if self.color else text

    def ask(self, *words: str) -> str:
        """What a command says, for this script to read."""
        return subprocess.run(
            [COMMAND, *words],
            cwd=self.store.parent,
            env=self._environment(),
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def show(self, sentence: str, *words: str, code: int = 0, lines: int = LINES) -> None:
        """Say what comes, then the command line, then what it prints, so many lines of it."""
        self.step += 1
        print(f"\n{self.paint(f'{self.step}. {sentence}', '1')}\n")
        print(f"   {self.paint('$ backstory ' + shlex.join(words), '36')}")
        color = ("--color", "always") if self.color else ()
        started = time.monotonic()
        ran = subprocess.run(
            [COMMAND, *words, *color],
            cwd=self.store.parent,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        took = time.monotonic() - started
        shown = ran.stdout.rstrip("\n").split("\n")
        for line in shown[:lines]:
            print(f"   {line if self.color else line[:WIDTH]}".rstrip())
        if len(shown) > lines:
            print(self.paint(f"   ... and {len(shown) - lines} more lines", "2"))
        print(self.paint(f"   ({took:.2f} s)", "2"))
        if ran.returncode != code:
            sys.exit(ran.returncode or 1)

    def _environment(self) -> dict[str, str]:
        own = {"BACKSTORY_STORE": str(self.store), "COLUMNS": str(WIDTH)}
        if self.app:
            own |= {"BACKSTORY_APP": self.app, "PYTHONPATH": str(ROOT)}
        return {**os.environ, **own}


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
    key = "file" if from_git else "account"
    tag = msgspec.json.decode(demo.ask("tags", "--key", key, "-n", "1", "--json"))["tags"][0]["tag"]
    known = msgspec.json.decode(demo.ask("state", tag, "--json"))
    before, last = f"#{known['position'] - 1}", f"#{known['position']}"
    demo.show(
        "The newest commits first, a line for each. It reads like Git's log.", "log", "--oneline", "-n", "10"
    )
    demo.show(
        f"The state of {tag}: nobody stored it. It is what its events add up to, and each field names its event.",
        "state",
        tag,
    )
    demo.show(
        "The last commit that was about it, and what that changed.", "log", "-p", "-n", "1", "--tag", tag
    )
    demo.show("Who is to blame for each field of it, and why.", "blame", tag)
    demo.show(
        "What differs between two points of history. Exit code 1, as for any diff.",
        *("diff", before, last, tag),
        code=1,
    )
    if from_git:
        lines = known["fields"]["added"]["value"] + known["fields"]["deleted"]["value"]
        demo.show(
            f"The first commit that changed {lines} lines of it, or more: exact, as every event is looked at.",
            *("bisect", tag, "--where", f"added + deleted >= {lines}"),
        )
    else:
        demo.show(
            "The first time that somebody had more than 1,000: an exact answer, over all accounts, in one pass.",
            *("bisect", "tags", "--all", "--where", "balance_cents > 100000"),
        )
    demo.show("How much there is, since when, and by whom.", "stats")


def story(demo: Demo) -> None:
    """A cart, and a branch that asks what if."""
    print(
        f"\n{demo.paint('Now code: a shopping cart, with states and commands (examples/cart).', '1')}"
        " Ann puts in a book and a lamp."
    )
    demo.ask("init")
    demo.ask("do", "add", "ann", "--item", "book", "--author", "ann")
    demo.ask("do", "add", "ann", "--item", "lamp", "--author", "ann")
    demo.show("What if she checked out without the lamp? A branch costs nothing.", "switch", "-c", "no-lamp")
    demo.show(
        "A command reads a state, and decides. On this branch alone.", "do", "remove", "ann", "--item", "lamp"
    )
    demo.ask("do", "check-out", "ann", "--author", "ann")
    demo.show(
        "She checks out. Here is what that makes of her cart.", "diff", "main", "HEAD", "Cart", "ann", code=1
    )
    demo.ask("switch", "main")
    demo.ask("do", "add", "ann", "--item", "pen", "--author", "ann")
    demo.show("Meanwhile, on main, she puts in a pen.", "log", "--graph", "--oneline")
    demo.show(
        "Now merge. What she decided on the branch did not know of the pen, so nothing is appended; it asks.",
        *("merge", "no-lamp"),
        code=1,
        lines=24,
    )
    demo.show(
        "Decide again, on the cart of now: the lamp goes as before, and the check-out has the pen in it.",
        *("merge", "--redecide"),
    )
    demo.show("Who put what into the cart, item by item?", "blame", "Cart", "ann")
    demo.show("When was it checked out?", "bisect", "Cart", "ann", "--where", "checked_out")
    demo.show("Is this still the history that was written? Every hash is computed again.", "verify")


def refunds(demo: Demo) -> None:
    """An order that was paid back twice: the store that the page is opened on."""
    print(
        f"\n{demo.paint('Last, a shop (examples/refunds) in which an order was paid back more than was paid.', '1')}"
        " Ten days, some 180 commits."
    )
    filling = [sys.executable, "-m", "examples.refunds", str(demo.store)]
    subprocess.run(filling, cwd=ROOT, check=True)
    wrong = "refunded_cents > paid_cents"
    demo.show("Since when? By whom, and why?", "bisect", "Order", "o-1042", "--where", wrong)
    found = msgspec.json.decode(demo.ask("bisect", "Order", "o-1042", "--where", wrong, "--json"))
    demo.show(
        "How could that be? The program had read the request and the payment, and not the order.",
        *("show", f"#{found['turns'][0]['position']}"),
    )


def invite(demo: Demo) -> None:
    """Say how the page is opened, and on a terminal offer to open it."""
    words = (os.path.relpath(COMMAND, ROOT), "ui", "-s", str(demo.store), "--app", demo.app)
    folder = "" if Path.cwd() == ROOT else f"cd {shlex.quote(str(ROOT))} && "
    print("Or see it all in a page, with a slider over the life of the order:\n")
    print(f"   {folder}{shlex.join(words)}\n")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return
    if input("Open it now? [y/N] ").strip().lower() in ("y", "yes"):
        with contextlib.suppress(KeyboardInterrupt):
            subprocess.run(words, cwd=ROOT, check=False)


def main() -> None:
    """Make the stores, give the tour, say where they are, and how to open the page."""
    parser = argparse.ArgumentParser(description="Show Backstory on this project's own history.")
    parser.add_argument("--example", action="store_true", help="show the small example, not the Git history")
    arguments = parser.parse_args()
    store = Path(tempfile.mkdtemp(prefix="backstory-demo-")) / "demo.db"
    demo = Demo(store)
    from_git = not arguments.example and has_history()
    if not from_git and not arguments.example:
        print("There is no Git history here: a download, or no git. So you see the example instead.")
    tour(demo, from_git=from_git)
    cart = Demo(store.with_name("cart.db"), "examples.cart")
    cart.step = demo.step
    story(cart)
    shop = Demo(store.with_name("refunds.db"), "examples.refunds")
    shop.step = cart.step
    refunds(shop)
    print(f"\nThe store is {store}, an ordinary SQLite file. Go on with:\n")
    print(f"   export BACKSTORY_STORE={shlex.quote(str(store))}")
    print(f"   {shlex.quote(os.path.relpath(COMMAND))} log\n")
    invite(shop)


if __name__ == "__main__":
    main()
