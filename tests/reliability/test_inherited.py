"""No lock, queue or thread of a parent is used in its child: what has one begins anew there."""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.processes import ROOT, finish, running

NOT_ANEW = {
    "backstory.atomic.Atomic": "is of one block, whose other threads a child does not have",
    "backstory.projections.elsewhere.databases.DuckDB": "has a connection that a child cannot use",
    "backstory.reactions.calls.Call": "belongs to one event, and a child forgets it with its thread",
    "backstory.reactions.loop.Loop": "its thread runs a loop, and a child forgets the loop",
    "backstory.forks": "is held by the very thread that forks",
    "backstory.stores.group_commit._Call": "belongs to one append, and a group has none in a child",
    "backstory.stores.postgres.server.Connection": "stays the parent's, and is kept so that nobody closes it",
    "backstory.outbox.webhook": "a request that was being made when the process forked goes on in the parent alone",
    "backstory.mcp.serving": "the thread that serves, and the wait for it, go on in the parent alone",
    "backstory.outbox.nats.Nats": "its thread runs a loop, and a child forgets the loop",
    "backstory.stores.sqlite.notices.Inotify": "is closed in a child, whose Watch makes another one",
    "backstory.stores.sqlite.notices.Notices": "is closed in a child, whose Watch makes another one",
    "backstory.stores.watchers.Watchers": "makes only the arguments of a hook",
    "backstory.stores.postgres.prefetch.Prefetch": "does its work again in a child, where its thread has ended",
}
"""What makes primitives and need not begin anew in a child, each with the reason."""

MODULES = {"threading", "queue", "concurrent.futures"}


def makers() -> Iterator[str]:
    """The classes and modules of the library whose code makes a lock, a queue or a thread."""
    source = ROOT / "src"
    for path in sorted(source.rglob("*.py")):
        module = ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")
        if not module.startswith(("backstory.conformance", "backstory.cli")):  # tests, and one thread
            yield from _makers(module, ast.parse(path.read_text(encoding="utf-8")), set())


def _makers(owner: str, tree: ast.AST, names: set[str]) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ImportFrom) and node.module in MODULES:
            names |= {alias.name for alias in node.names if alias.name[0].isupper() and alias.name != "Empty"}
        match node:
            case ast.Call(func=ast.Name(id=made)) if made in names:
                yield owner
            case ast.Call(func=ast.Attribute(ast.Name("threading"), attr=made)) if made[0].isupper():
                yield owner
        inner = f"{owner}.{node.name}" if isinstance(node, ast.ClassDef) else owner
        yield from _makers(inner, node, names)


def check(*addresses: object, postgres: bool = False) -> None:
    """Use these stores, fork, and compare what was found with what the source makes."""
    with running("inherited", *addresses) as process:
        answer = json.loads(finish(process))
    made = {one for one in makers() if postgres or ".postgres." not in one} - NOT_ANEW.keys()
    assert made <= set(answer["owners"]), (
        "use these in tests/reliability/inherited.py, so that a fork is tried"
    )
    assert set(answer["kept"]) <= NOT_ANEW.keys(), "let these begin anew with on_fork(child=...)"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="NOT TESTED: this system does not fork")
def test_what_has_a_lock_or_a_thread_begins_anew_in_a_child(tmp_path: Path) -> None:
    check("memory:", tmp_path / "history.db")
