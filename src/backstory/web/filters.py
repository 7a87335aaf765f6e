"""The filter of the log: parameters of the address, words in the box, and options of the command line."""

from __future__ import annotations

import re
from datetime import datetime

from backstory.history.ask.listing import Filter
from backstory.history.refs.parse_time import parse_time
from backstory.values.query import Query
from backstory.web.ask import Ask

OPTIONS = {
    "type": "--type", "tag": "--tag", "author": "--author", "grep": "--grep", "S": "-S", "since": "--since",
    "until": "--until",
}  # fmt: skip
"""The parameters that filter, and the options of `log` that they are. In the box they stand before a colon."""


def filtered(ask: Ask, after: int, upto: int) -> Filter:
    """The filter that the parameters say, for the commits of a range.

    `grep` is text as it is, in either case: a regular expression could keep the whole process busy for ever.
    """
    words = ask.one("grep")
    pattern = re.compile(re.escape(words), re.IGNORECASE) if words else None
    wanted = Filter(
        Query.of(types=ask.many("type"), tags=ask.many("tag")), ask.one("author").casefold(), pattern
    )
    wanted.after, wanted.upto = after, upto
    wanted.during(ask.db.log, _time(ask, ask.one("since")), _time(ask, ask.one("until")))
    return wanted


def _time(ask: Ask, text: str) -> datetime | None:
    if not text:
        return None
    return parse_time(text, ask.now)


def added(ask: Ask, text: str) -> dict[str, list[str]]:
    """The parameters of a filter that was typed, `tag:order:o-1 author:carl late`; words alone are a message's."""
    found: dict[str, list[str]] = {}
    words = []
    for word in text.split():
        name, colon, value = word.partition(":")
        if colon and value and name in OPTIONS:
            found.setdefault(name, ask.many(name) if name in ("type", "tag") else []).append(value)
        else:
            words.append(word)
    if words:
        found["grep"] = [" ".join(words)]
    return found


def switched_on(ask: Ask) -> list[tuple[str, str, str]]:
    """The filters that are on: name, words, and the address without it."""
    found = []
    for name in OPTIONS:
        values = ask.many(name)
        found += [
            (name, value, ask.here(**{name: [other for other in values if other != value], "before": None}))
            for value in values
        ]
    return found


def command_of(ask: Ask, *, is_graph: bool) -> tuple[str, ...]:
    """The command line that lists the same."""
    words = ["log", *(["--graph", "--oneline"] if is_graph else [])]
    if ask.at:
        words.append(ask.at)
    if ask.flag("patch"):
        words += ["--patch", "--app"]
    for name, option in OPTIONS.items():
        for value in ask.many(name):
            words += [option, f"(?i){re.escape(value)}".replace("\\ ", " ") if name == "grep" else value]
    if ask.one("S") and ask.many("of"):
        words += ["--app", "--of", *ask.many("of")]
    return tuple(words)
