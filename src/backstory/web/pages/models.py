"""Read models: what is behind, whether it gets worse, what is parked and why, and what can be done about it.

Where each stands is read from the database as it is: a scope has no tables. Names, positions and times are no secret,
as everywhere; errors and keys hold values of events, and are withheld from a reader who does not see everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from backstory import operating
from backstory.documents import document
from backstory.documents.projections import parked_document, projections_document
from backstory.lookup import event_at
from backstory.operating import Chosen, NotOperated
from backstory.projections.catalog import DIVERGED, KEPT_BACK, LEFT_OUT, PAUSED, STOPPED, Parked
from backstory.projections.operate import NEVER, Standing
from backstory.web.ask import Ask, NotFound
from backstory.web.page import Answer, Page

BEHIND = 5.0
"""Seconds of lag from which on a read model is said to be behind."""

SHOWN = 50
"""Parked events on a page at most."""

WITHHELD = "withheld"

BAD = (STOPPED, DIVERGED)


def page(ask: Ask) -> Answer:
    """All read models, or one."""
    match ask.path[1:]:
        case []:
            return _all(ask)
        case [name]:
            return _one(ask, name)
    raise NotFound(f"there is no page {'/'.join(ask.path)}")


def found_by(ask: Ask, *names: str) -> Chosen:
    """The read models of these names; without names, all. Raises `NotFound`."""
    if ask.site.application is None:
        raise NotFound("no application is known here, so no read models: name one with --app")
    try:
        return operating.chosen(ask.site.application, ask.whole.views, ask.whole.store, names)
    except NotOperated as unknown:
        raise NotFound(str(unknown)) from None


def _standings(ask: Ask) -> list[Standing]:
    """Where all stand, as this reader may see it."""
    whole = ask.whole
    if ask.site.application is None:
        return []
    found = ask.site.trend.seen(lambda: operating.standings(found_by(ask), whole.views, whole.store, ask.now))
    return [_masked(ask, one) for one in found]


def _masked(ask: Ask, one: Standing) -> Standing:
    if ask.reader.scope.is_whole or not one.why:
        return one
    return msgspec.structs.replace(one, why=WITHHELD)


def _all(ask: Ask) -> Page:
    found = _standings(ask)
    rows = sorted((_row(ask, one) for one in found), key=lambda row: row["rank"])
    troubled = [row for row in rows if row["kind"] in ("bad", "warning")]
    only = ask.one("only") == "troubled"
    return Page(
        "models.html",
        "Read models",
        document("projections", **projections_document(found)),
        ("projections", "--app"),
        {
            "rows": troubled if only else rows,
            "seconds": seconds,
            "only": only,
            "number": len(rows),
            "troubled": len(troubled),
            "measures": _measures(ask, rows),
            "known": ask.site.application is not None,
        },
    )


def _row(ask: Ask, one: Standing) -> dict[str, Any]:
    """The values of a row of the table."""
    trend = ask.site.trend
    kind, words, icon = _status(one)
    lags = trend.lags(one)
    rate = one.rate or trend.rate(one)
    return {
        "one": one,
        "key": f"{one.name}.{one.generation}",
        "kind": kind,
        "words": words,
        "icon": icon,
        "lags": lags if len(lags) > 2 else (),
        "rising": lags[-1] > lags[0],
        "rate": rate,
        "percent": 100 * one.position // one.head if one.state == "building" and one.head else None,
        "rank": (("bad", "warning", "quiet", "good").index(kind), -one.seconds, one.name, one.generation),
    }


def _status(one: Standing) -> tuple[str, str, str]:
    """The kind, the words and the icon of a state."""
    kept = f", {one.parked} parked" if one.parked else ""
    if one.state in BAD or one.parked:
        return "bad", f"{one.state}{kept}", "bad"
    if one.state == "building":
        return "warning", "rebuilding" if one.generation > 1 else "being built", "clock"
    if one.state in (PAUSED, NEVER):
        return "quiet", one.state, "pause"
    if one.seconds >= BEHIND:
        return "warning", "behind", "clock"
    return "good", "live", "check"


def _measures(ask: Ask, rows: Sequence[dict[str, Any]]) -> list[tuple[str, str, Any, str]]:
    """The numbers above the table: a key, words, a number, and a class. What is not known is left out."""
    ones: list[Standing] = [row["one"] for row in rows]
    parked = [one.parked for one in ones if one.parked]
    found: list[tuple[str, str, Any, str]] = []
    if parked:
        where = "1 read model" if len(parked) == 1 else f"{len(parked)} read models"
        found.append(("parked", f"parked events, in {where}", f"{sum(parked):,}", "is-bad"))
    behind = max(ones, key=lambda one: one.seconds, default=None)
    if behind is not None and behind.lag:
        found.append(("behind", f"furthest behind: {behind.name}", seconds(behind.seconds), ""))
    rates = [row["rate"] for row in rows if row["rate"] is not None]
    if rates:
        found.append(("rate", "events a second, all together", f"{sum(rates):.1f}", ""))
    if (appended := ask.site.trend.appended()) is not None:
        found.append(("appended", "appended a second", f"{appended:.1f}", ""))
    found += [("left", f"until {one.name} is built", seconds(one.left), "") for one in ones if one.left][:1]
    return found


def seconds(number: float) -> str:
    """A length of time: `0.2 s`, `14 min`."""
    if number < 10:
        return f"{number:.1f} s"
    for size, unit in ((60, "s"), (60, "min"), (24, "h")):
        if number < size:
            return f"{number:.0f} {unit}"
        number /= size
    return f"{number:.0f} d"


def _one(ask: Ask, name: str) -> Page:
    chosen = found_by(ask, name)
    whole = ask.whole
    stand = [_masked(ask, one) for one in operating.standings(chosen, whole.views, whole.store, ask.now)]
    every = operating.parked(chosen, whole.views, whole.store)
    events, hidden = _seen(ask, every)
    rows = [_row(ask, one) for one in stand]
    return Page(
        "read_model.html",
        f"Read model {name}",
        document("parked", **parked_document(name, events)),
        ("parked", name, "--app"),
        {
            "name": name,
            "rows": rows,
            "seconds": seconds,
            "parked": [_event(ask, one) for one in events if one.state != LEFT_OUT][:SHOWN],
            "skipped": [_event(ask, one) for one in events if one.state == LEFT_OUT][:SHOWN],
            "more": max(0, len(events) - SHOWN),
            "hidden": hidden,
            "kept": sum(one.state == KEPT_BACK for one in events),
            "tables": bool(chosen.groups),
            "paused": any(one.state == PAUSED for one in stand),
            "stopped": next((one for one in stand if one.state in BAD), None),
            "begun": any(one.state != NEVER for one in stand),
            "may": ask.may("operate") and ask.reader.scope.is_whole,
            "skip": ask.number("skip"),
            "rebuild": ask.flag("rebuild") and bool(chosen.groups),
        },
    )


def _seen(ask: Ask, events: Sequence[Parked]) -> tuple[list[Parked], int]:
    """The events that the reader may see, and how many others there are."""
    if ask.reader.scope.is_whole:
        return list(events), 0
    seen = [
        msgspec.structs.replace(one, key=WITHHELD, why=WITHHELD)
        for one in events
        if _recorded(ask, one.position) is not None
    ]
    return seen, len(events) - len(seen)


def _recorded(ask: Ask, position: int) -> Any:
    """The event at a position of main, if the reader may see it."""
    return event_at(ask.site.seen_by(ask.reader).log, position)


def _event(ask: Ask, one: Parked) -> dict[str, Any]:
    """The values that the list of parked events shows of one."""
    return {"one": one, "event": _recorded(ask, one.position)}
