"""A Django project that its makers wrote without thought of Backstory, run by Django's own test runner."""

from __future__ import annotations

import os
import shutil
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
def vendor(request: pytest.FixtureRequest) -> str:
    """The kind of the project's database."""
    return str(request.param)


@pytest.fixture
def manage(vendor: str, tmp_path: Path) -> Manage:
    """`manage.py` of the project, on a database of its own; it gives what was printed."""
    environment = {
        **os.environ,
        "LIBRARY_FOLDER": str(tmp_path),
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}",
    }
    name = f"library_{os.getpid()}"
    if vendor == "postgresql":
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
    # In two processes, each with a copy of the test database, as `--parallel` makes them.
    said = manage("test", *cases, "--noinput", "--timing", "--parallel", "2")
    assert "FAILED" not in said
    print(said)


def test_a_project_that_has_rows_gets_a_history_by_one_app(
    manage: Manage, vendor: str, tmp_path: Path
) -> None:
    # The project lived for a while, and nobody thought of Backstory.
    manage("shell", "-c", BEFORE, settings="settings")
    # The app is added, and the next migrations alter tables and write rows.
    told = manage("migrate", "backstory")
    assert "Recording models; 3 rows were there before" in told
    said = manage("shell", "-c", AFTER)
    assert "0 rows in 0 commits; the log ends at #" in said
    assert "No planned migration operations." in said
    assert said.strip().endswith("WELL"), said
    assert "member 1" in manage("backstory", "table", "library_member")
    if vendor == "sqlite":
        (tmp_path / "history.db").rename(tmp_path / "elsewhere.db")
        assert "backstory.W005" in manage("check", "--database", "default")
        (tmp_path / "elsewhere.db").rename(tmp_path / "history.db")
        (tmp_path / "library.sqlite3").rename(tmp_path / "before.sqlite3")
        shutil.copy(tmp_path / "before.sqlite3", tmp_path / "library.sqlite3")
        said = manage("backstory", "table", code=2)
        assert "was copied, restored or moved" in said
        assert said.strip().endswith("run manage.py backstory adopt"), said
        assert "Traceback" not in manage("migrate", code=1)
        manage("backstory", "adopt")
    # And it can be taken away, and come back: the log stays.
    assert "WELL" in manage("shell", "-c", AWAY)


BEFORE = """
from django.core.management import call_command
from django.db import connection
call_command("migrate", "library", "0001", verbosity=0)
call_command("migrate", "auth", verbosity=0)
with connection.cursor() as cursor:
    for number in range(3):
        cursor.execute(
            "INSERT INTO library_member (name, email, active, details, card, changed)"
            " VALUES (%s, %s, %s, %s, %s, '2020-01-01 00:00:00+00:00')",
            [f"member {number}", f"m{number}@example.org", True, '{"phone": "061"}' if number == 1 else "{}", b""],
        )
"""

AFTER = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
from backstory.contrib.django import database, row_of
from tests.contrib.django.project.library.models import Member
member = Member.objects.get(name="member 1")
rows = [database().load(row_of(member), record.commit).row for record in database().read(row_of(member))]
assert rows[0]["name"] == "member 1" and rows[-1]["phone"] == "061", rows
assert any("phone" not in row for row in rows), rows
messages = [commit.message for commit in database().commits() if commit.message]
assert list(dict.fromkeys(messages)) == ["as it was when its history began", "as it was after a migration"], messages
assert database().load(row_of(Member.objects.get(name="member 0"))).row["phone"] == ""
Member.objects.filter(pk=member.pk).update(name="long" * 25)
assert database().load(row_of(member)).row["name"] == "long" * 25
Member.objects.filter(pk=member.pk).update(name="member 1")
database()
call_command("migrate", plan=True)
call_command("check", databases=["default"], fail_level="WARNING")
call_command("backstory", "drain")
print("WELL")
"""

AWAY = """
from django.core.management import call_command
call_command("migrate", "backstory", "zero", verbosity=0)
from backstory.contrib.django import database
from tests.contrib.django.project.library.models import Member
Member.objects.update(name="unseen")
assert len(list(database().read("library_member.RowInserted"))) == 3
call_command("migrate", verbosity=0)
assert {record.author for record in database().read("library_member.RowChanged", backwards=True, limit=3)}
assert database().table("library_member")[str(Member.objects.earliest("pk").pk)]["name"] == "unseen"
print("WELL")
"""
