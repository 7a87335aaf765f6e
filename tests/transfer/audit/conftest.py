"""Databases with history, made once by the libraries themselves: in programs, whose settings disturb no other test."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.postgres.schemas import hasty
from tests.postgres.server import PostgresServer

ROOT = Path(__file__).parents[3]
PACKAGE = "tests.transfer.audit"

Made = Callable[..., str]


def run(program: str, *words: str) -> None:
    """Run a program that makes a database; a warning is an error there, too."""
    command = [sys.executable, "-W", "error", "-m", f"{PACKAGE}.{program}", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def postgres() -> PostgresServer:
    """The server that stores are tested on."""
    return hasty(None)


@pytest.fixture(scope="session")
def database(postgres: PostgresServer) -> Callable[[str], str]:
    """Makes an empty database on the server, and gives its URL."""

    def made(name: str) -> str:
        with postgres.admin() as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {name}".encode())
            admin.execute(f"CREATE DATABASE {name}".encode())
        return postgres.address(database=name).partition("&schema")[0]

    return made


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A SQLite file with the tables of django-simple-history."""
    path = tmp_path_factory.mktemp("shop") / "shop.db"
    run("django_project", "shop", json.dumps({"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}))
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def stock(postgres: PostgresServer, database: Callable[[str], str]) -> str:
    """A database of PostgreSQL with the tables of django-pghistory."""
    url = database("stock")
    there = {"NAME": "stock", "HOST": str(postgres.socket), "PORT": postgres.port, "USER": "postgres"}
    run("django_project", "stock", json.dumps({"ENGINE": "django.db.backends.postgresql", **there}))
    return url


@pytest.fixture(scope="session")
def articles(tmp_path_factory: pytest.TempPathFactory, database: Callable[[str], str]) -> Made:
    """Makes a database with the tables of SQLAlchemy-Continuum, with one of its strategies; once for each."""
    made: dict[tuple[str, str], str] = {}

    def url(strategy: str, kind: str = "sqlite") -> str:
        if (strategy, kind) not in made:
            path = tmp_path_factory.mktemp("articles") / "articles.db"
            found = database(f"articles_{strategy}") if kind == "postgres" else f"sqlite:///{path}"
            run("articles", strategy, found.replace("postgresql:", "postgresql+psycopg:"))
            made[strategy, kind] = found
        return made[strategy, kind]

    return url
