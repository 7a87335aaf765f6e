"""`manage.py backstory VERB ...`: the verbs of the command line, on the store and the application of this project.

Two more are of this project: `drain` brings what was captured to the log, once or until it is stopped, and `adopt` says
that a copied or restored database is the one that the history goes on with.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections

from backstory.contrib.django.conf import configured
from backstory.contrib.django.databases import address, close
from backstory.contrib.django.draining import adopt, drain
from backstory.errors import BackstoryError

OF_DJANGO = ("--settings", "--pythonpath")
"""Options of `manage.py`, which has read them already."""

PAUSE = 1.0
"""Seconds between two looks at the outbox."""

DRAIN_HELP = """usage: manage.py backstory drain [--follow]

Bring the rows that were captured to the log, and say how many.

  --follow    go on until it is stopped, and look every second
"""


ADOPT_HELP = """\
manage.py backstory adopt

Say that this database, a copy or a restored one, is the one that the history goes on with.
"""

HELP_OF_PROJECT = """
of this project:
  drain        bring the rows that were captured to the log, once or with --follow
  adopt        say that this database, a copy or a restored one, is the one that the history goes on with
"""


class Command(BaseCommand):
    """Hands its words to the command line of Backstory, which describes its verbs by `manage.py backstory help`."""

    help = "Asks the history of this project, or changes it: the verbs of the backstory command, such as log and blame."
    requires_system_checks = []  # noqa: RUF012 - as Django has it

    def run_from_argv(self, argv: list[str]) -> None:
        """Take the words as they are: their options are not Django's."""
        code = self.passed_on(_without_options_of_django(argv[2:]))
        if code:
            sys.exit(code)

    def add_arguments(self, parser: CommandParser) -> None:
        """The words, for `call_command`."""
        parser.add_argument("words", nargs=argparse.REMAINDER)

    def handle(self, *args: Any, words: list[str], **options: Any) -> None:  # noqa: ARG002 - as Django calls it
        """Do it for `call_command`, which gets `SystemExit` where a terminal gets an exit code."""
        code = self.passed_on(words)
        if code:
            sys.exit(code)

    def passed_on(self, words: list[str]) -> int:
        """The exit code of the command line for these words."""
        from backstory.cli import main
        from backstory.cli.exits import INTERRUPTED, code_of

        asks_for_help = not words or words[0] == "help" or not {"-h", "--help"}.isdisjoint(words)
        try:
            settings = configured()
            if words[:1] == ["drain"]:
                return self.drained(words[1:])
            if words[:1] == ["adopt"]:
                return self.adopted(words[1:])
            if settings.drain != "worker" and not asks_for_help:
                drain(settings)
                close()  # the command line opens the store by itself
        except BackstoryError as error:
            self.stderr.write(f"backstory: {error}")
            return code_of(error)
        except KeyboardInterrupt:
            return INTERRUPTED
        # By the environment and not by -s: what is typed goes first, and no hint repeats an address with a password.
        os.environ["BACKSTORY_STORE"] = address(settings)
        if settings.app:
            os.environ["BACKSTORY_APP"] = settings.app
        code = main(words)
        if asks_for_help and len(words) < 2:
            self.stdout.write(HELP_OF_PROJECT)
        return code

    def adopted(self, options: list[str]) -> int:
        """Go on with this database."""
        if options:
            self.stdout.write(ADOPT_HELP)
            return 0 if options in (["--help"], ["-h"]) else 2
        adopt()
        return 0

    def drained(self, options: list[str]) -> int:
        """Bring what was captured to the log."""
        if options not in ([], ["--follow"]):
            self.stdout.write(DRAIN_HELP)
            return 0 if options in (["--help"], ["-h"]) else 2
        while True:
            done = drain()
            if done.rows or not options:
                self.stdout.write(
                    f"{done.rows} rows in {done.commits} commits; the log ends at #{done.position}"
                )
            if not options:
                return 0
            close_old_connections()
            time.sleep(PAUSE)


def _without_options_of_django(words: list[str]) -> list[str]:
    left: list[str] = []
    rest = iter(words)
    for word in rest:
        if word in OF_DJANGO:
            next(rest, None)
        elif not word.startswith(tuple(f"{option}=" for option in OF_DJANGO)):
            left.append(word)
    return left
