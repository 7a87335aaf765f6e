"""A Django project that its makers wrote without thought of Backstory, run by Django's own test runner."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.postgres.schemas import hasty
from tests.postgres.server import ROOT

VENDORS = ["sqlite", "postgresql"]

Manage = Callable[..., str]


@pytest.fixture(params=VENDORS)
def manage(request: pytest.FixtureRequest, tmp_path: Path) -> Manage:
    """`manage.py` of the project, on a database of its own; it gives what was printed."""
    environment = {**os.environ, "LIBRARY_FOLDER": str(tmp_path), "PYTHONPATH": str(ROOT)}
    name = f"library_{os.getpid()}"
    if request.param == "postgresql":
        server = hasty(None)
        environment |= {
            "LIBRARY_HOST": str(server.socket),
            "LIBRARY_PORT": str(server.port),
            "LIBRARY_NAME": name,
        }
        with server.admin() as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
            admin.execute(f"CREATE DATABASE {name}".encode())

    def run(*words: str, settings: str = "recorded", code: int = 0, input: str | None = None) -> str:
        command = [sys.executable, "-W", "error", "-m", "tests.contrib.django.project.manage", *words]
        command += ["--settings", f"tests.contrib.django.project.{settings}"]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, input=input
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_its_tests_pass_with_a_history(manage: Manage) -> None:
    folder = Path(__file__).parent / "project" / "cases"
    cases = [
        f"tests.contrib.django.project.cases.{file.stem}"
        for file in sorted(folder.glob("*.py"))
        if file.stem != "__init__"
    ]
    said = manage("test", *cases, "--noinput", "--timing")
    assert "FAILED" not in said
    print(said)
