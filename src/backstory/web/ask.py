"""One question of a reader: what is asked, as of when, and by whom."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from backstory.errors import BackstoryError
from backstory.history.refs.branches import MAIN
from backstory.history.refs.revision import Point
from backstory.rows.written import rows_of
from backstory.values.commit import Head
from backstory.web.kept import kept

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams

    from backstory.database import Database
    from backstory.decide.state import State
    from backstory.rows.kinds import Row
    from backstory.web.reader import Reader, Right
    from backstory.web.site import Site

SHORT = 10
"""Hex digits of a hash in a link: enough to be one commit's alone."""


DIGITS = 20
"""Digits of a number in an address at most."""

LONGEST = 8_000
"""Characters of an address that we give: servers and browsers take no much longer ones."""

TOO_LONG = "too-long"
"""The page that a longer address leads to."""

NAME_ENDS = re.compile("[#~^@]")
"""The signs that may follow the name of a branch in a revision, and are in no name."""

DOTS = re.compile(r"~*\.\.?")
"""A part of an address that a browser would take for a step in it, and what stands for one: `~..` for `..`."""


class BadParameter(BackstoryError):
    """A part of the address is not one that the page has."""


class NotFound(BackstoryError):
    """There is no such page. `ways` are words and addresses of pages that may be meant."""

    ways: Sequence[tuple[str, str]] = ()


class Busy(BackstoryError):
    """As many wait to change something as can be served."""


class Ask:
    """A question: its path without prefix, its parameters, and the database as this reader may see it.

    `at` is the revision that the reader looks at: a branch, a mark, a hash or a position, as on the command line. All
    verbs of a page take `revision`, so that a page is of one moment, whatever is appended while it is made.
    """

    def __init__(
        self,
        site: Site,
        reader: Reader,
        prefix: str,
        path: Sequence[str],
        params: QueryParams,
        token: str = "",
    ) -> None:
        self.site = site
        self.reader = reader
        self.prefix = prefix
        self.path = path
        self.params = params
        self.token = token

    @kept
    def whole(self) -> Database:
        """The database as it is, for what the reader does; never for what the reader is shown."""
        return self.site.db

    @kept
    def db(self) -> Database:
        """The database as the reader may see it, on the branch of the revision that is looked at."""
        db = self.site.seen_by(self.reader)
        branch = self.branch
        return db if branch == db.name else db.switch(branch)

    @kept
    def at(self) -> str:
        """The revision as it was asked for; empty for the end of main."""
        return self.one("at")

    @kept
    def branch(self) -> str:
        """The name of the branch that is looked at: the one that `at` begins with, if it names one."""
        name = NAME_ENDS.split(self.at, maxsplit=1)[0]
        return name if name and name in self.branch_names else MAIN

    @kept
    def branch_names(self) -> Sequence[str]:
        """The names of all branches."""
        return [branch.name for branch in self.site.seen_by(self.reader).branches.all()]

    @kept
    def point(self) -> Point:
        """The point that is looked at. Raises `RevisionError`."""
        return self.db.point(self.revision)

    @property
    def revision(self) -> str:
        """The revision that is looked at, as the verbs of `db` take it."""
        return self.meant(self.at) or "HEAD"

    def meant(self, text: str) -> str:
        """A revision of an address: a few digits are a position, also where the hash of a commit begins with them."""
        is_position = text.isascii() and text.isdecimal() and len(text) < SHORT
        return f"#{text}" if is_position and text not in self.branch_names else text

    @kept
    def head(self) -> Head:
        """The end of the branch that is looked at."""
        return self.db.head()

    @property
    def position(self) -> int:
        """The position that is looked at."""
        return self.point.position

    @property
    def is_past(self) -> bool:
        """Whether the reader looks at another point than the end of a branch."""
        return bool(self.at) and self.at not in self.branch_names and self.point.position < self.head.position

    @kept
    def goes_on(self) -> bool:
        """Whether the reader looks at the end of a branch, so that more may come."""
        return self.place and (not self.at or self.at in self.branch_names)

    @kept
    def place(self) -> bool:
        """Whether what is looked at is there; a page about a wrong revision has no place to show."""
        try:
            return self.point.position >= 0
        except BackstoryError:
            return False

    def give_up(self) -> None:
        """Ask the store nothing more for the frame of the page: it does not answer, and each question waits for it."""
        vars(self)["place"] = False

    @kept
    def names(self) -> Mapping[bytes, tuple[list[str], list[str]]]:
        """The branches and the marks of each commit that has any, by its hash."""
        found: dict[bytes, tuple[list[str], list[str]]] = {}
        branches = self.db.branches
        for branch in branches.all():
            found.setdefault(branches.view(branch.chain).head().hash, ([], []))[0].append(branch.name)
        for mark in branches.marks():
            found.setdefault(bytes.fromhex(mark.hash), ([], []))[1].append(mark.name)
        return found

    @property
    def section(self) -> str:
        """The part of the navigation that the page belongs to."""
        return "blame" if self.path[-1:] == ["blame"] else self.path[0] if self.path else "log"

    @property
    def states(self) -> Sequence[type[State]]:
        """The states of the application; none without one."""
        return () if self.site.application is None else self.site.application.states

    def state(self, name: str) -> type[State]:
        """The state of the application that has this name, or the rows of a table.

        Raises `ApplicationError`, and `NotFound` without an application.
        """
        found = self.rows(name)
        if found is not None:
            return found
        if self.site.application is None:
            raise NotFound(
                f"{name} is no tag, which has a colon, and no table; states need their application:"
                " backstory ui --app NAME"
            )
        return self.site.application.state(name)

    def rows(self, name: str) -> type[Row] | None:
        """The rows of the table that has this name; None if there is none."""
        return rows_of(self.db.handle.line(self.point.chain).log, name, self.states)

    def may(self, right: Right) -> bool:
        """Whether the reader may do this."""
        return right in self.reader.may

    # ---- parameters

    def one(self, name: str, default: str = "") -> str:
        """A parameter that is given once; the last one counts."""
        return self.params.get(name, default)

    def many(self, name: str) -> list[str]:
        """A parameter that may be repeated, without empty values, which a form sends."""
        return [value for value in self.params.getlist(name) if value]

    def flag(self, name: str) -> bool:
        """A parameter that is on with any value but 0."""
        return self.params.get(name, "") not in ("", "0")

    def number(self, name: str, default: int | None = None, most: int = 2**63 - 1) -> int | None:
        """A parameter that is a whole number from 0. Raises `BadParameter`."""
        text = self.params.get(name, "").removeprefix("#")
        if not text:
            return default
        if not (text.isascii() and text.isdigit() and len(text) <= DIGITS) or int(text) > most:
            raise BadParameter(f"{name} is a whole number from 0 to {most:,}, not {text[:60]!r}")
        return int(text)

    # ---- addresses

    def url(self, *path: object, **params: object) -> str:
        """The address of a page, which keeps the revision that is looked at unless `at` says another.

        Each part of the path is encoded, so an identity may hold any text. Parameters that are None, empty or False are
        left out; a list repeats its parameter. One that would be too long leads to a page that says so.
        """
        if self.at:
            params = {"at": self.at} | params
        return self._address(path, params)

    def here(self, **changes: object) -> str:
        """This page's address with other parameters."""
        kept: dict[str, object] = {name: self.params.getlist(name) for name in self.params}
        return self._address(self.path, kept | changes)

    def _address(self, path: Sequence[object], params: Mapping[str, object]) -> str:
        texts = (each for each in (*path, *params.values()) if isinstance(each, str))
        if sum(map(len, texts)) <= LONGEST:
            address = self.prefix + self._path(path) + self._query(params)
            if len(address) <= LONGEST:
                return address
        return f"{self.prefix}/{TOO_LONG}"

    @property
    def permalink(self) -> str:
        """This page's address as of the commit that is looked at now, by its hash: the same for everybody, for ever."""
        commit = self.point.commit
        return self.here(at=None if commit is None else commit.hash.hex()[:SHORT])

    @property
    def as_json(self) -> str:
        """This page's address as JSON."""
        path, question, query = self.here().partition("?")
        return f"{path}.json{question}{query}"

    # ---- times

    @kept
    def now(self) -> datetime:
        """The time at which the page is made."""
        return self.site.clock()

    def local(self, time: datetime) -> str:
        """A time in the zone of the site, to the second: `2026-11-03 14:02:11 +0100`."""
        return f"{self._in_zone(time):%Y-%m-%d %H:%M:%S %z}"

    def short(self, time: datetime) -> str:
        """A time in the zone of the site, as short as the day allows: `14:02`, or `3 November 14:02`."""
        moment, now = self._in_zone(time), self._in_zone(self.now)
        if moment.date() == now.date():
            return f"{moment:%H:%M}"
        year = f" {moment.year}" if moment.year != now.year else ""
        return f"{moment.day} {moment:%B}{year} {moment:%H:%M}"

    def day(self, time: datetime) -> str:
        """The day of a time: `Tuesday 3 November 2026`, after `Today, ` if it is."""
        moment = self._in_zone(time)
        today = "Today, " if moment.date() == self._in_zone(self.now).date() else ""
        return f"{today}{moment:%A} {moment.day} {moment:%B %Y}"

    @property
    def zone_name(self) -> str:
        """The zone of all times on the page."""
        return str(self.site.zone or self._in_zone(self.now).tzname())

    def _in_zone(self, time: datetime) -> datetime:
        try:
            return time.astimezone(self.site.zone)
        except (OverflowError, ValueError, OSError):
            return time.astimezone(UTC)

    @staticmethod
    def _path(parts: Sequence[object]) -> str:
        encoded = [quote(f"~{part}" if DOTS.fullmatch(str(part)) else str(part), safe="") for part in parts]
        if encoded and encoded[-1].endswith(".json"):
            encoded[-1] = encoded[-1][: -len(".json")] + "%2Ejson"
        return "".join(f"/{part}" for part in encoded) or "/"

    @staticmethod
    def _query(params: Mapping[str, object]) -> str:
        pairs: list[tuple[str, str]] = []
        for name, value in params.items():
            values = value if isinstance(value, (list, tuple)) else [value]
            pairs += [(name, _written(each)) for each in values if each not in (None, "", False)]
        return f"?{urlencode(pairs)}" if pairs else ""


def _written(value: object) -> str:
    return "1" if value is True else value if isinstance(value, str) else json.dumps(value)
