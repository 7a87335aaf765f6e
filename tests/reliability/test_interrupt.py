"""Ctrl-C ends an operation, and nothing else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.processes import ROOT, finish, running

LOOPS = (ast.For, ast.While, ast.ListComp, ast.SetComp, ast.DictComp)
FUNCTIONS = (ast.FunctionDef, ast.Lambda, ast.GeneratorExp)


@pytest.mark.parametrize("address", ["memory:", "history.db"])
def test_ctrl_c_leaves_the_store_usable(tmp_path: Path, address: str, long: bool) -> None:
    where = address if address == "memory:" else tmp_path / address
    with running("interrupting", where, 2_000 if long else 5) as process:
        finish(process)


def inside(node: ast.AST) -> Iterator[ast.AST]:
    """What is in a block, without the functions that are defined there."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, FUNCTIONS):
            yield child
            yield from inside(child)


def loops_under_a_lock(path: Path) -> Iterator[str]:
    """Where a file has a loop in the very block that a lock is taken for."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    locks = {
        ast.unparse(target)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and "Lock(" in ast.unparse(node.value)
        for target in node.targets
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.With) and locks & {ast.unparse(item.context_expr) for item in node.items}:
            yield from (f"{path.name}:{loop.lineno}" for loop in inside(node) if isinstance(loop, LOOPS))


def test_no_lock_is_taken_for_a_block_with_a_loop() -> None:
    """From Python 3.12 on, Ctrl-C may come in the jump to a loop's next turn, which no `with` around it covers."""
    paths = [
        path for path in (ROOT / "src").rglob("*.py") if "aio" not in path.parts
    ]  # event loops see to Ctrl-C
    assert [place for path in paths for place in loops_under_a_lock(path)] == []
