"""Diff: what is different between two points: the events, one entity, or all entities of a kind."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import translate
from itertools import islice
from time import monotonic
from typing import Any

from backstory.decide.latest import Latest
from backstory.decide.state import State
from backstory.documents import document
from backstory.documents.commits import commit_document
from backstory.documents.differences import events_diff_document, state_diff_document, states_diff_document
from backstory.documents.states import name_of, noun_of
from backstory.failing import theirs
from backstory.history.ask.diff_all import Both, both
from backstory.history.ask.seen import check_name
from backstory.history.compare.diff import Change
from backstory.history.refs.revision import Point, Range, commits_between
from backstory.lookup import events_of
from backstory.store import Log
from backstory.subject import Subjects
from backstory.values.commit import Commit
from backstory.web import shown
from backstory.web.ask import SHORT, Ask, BadParameter, NotFound
from backstory.web.entities import Entity, entity, is_whole, kind_of, name_in, parts_of, path_of
from backstory.web.page import Answer, Elsewhere, Page, Progress, Slow

ENTITIES, CHANGES, OPEN = 200, 100, 5
"""Entities that are shown, changes of each, and up to how many changes one stands open."""

COMMITS, EVENTS = 200, 12
"""Commits of a side that are shown and told, and the events of each whose types are shown."""

TOLD, STATES = 2_000, 10_000
"""Events of each side, and states, that the document has at most."""

PATIENCE = 0.3
"""Seconds after which the page says how far it is."""

KINDS = {"added": "added", "removed": "gone", "changed": "changed", "moved": "changed"}
"""The sign of a kind of change."""

ONLY = {"": "Any change", "added": "new", "changed": "changed", "gone": "gone"}
"""The kinds of changes that may be asked for, in words."""


def page(ask: Ask) -> Answer:
    """The form; or the difference between two points."""
    if ask.params.get("a") or ask.params.get("b"):
        return Elsewhere(ask.url("diff", ask.one("a") or "HEAD", ask.one("b") or "HEAD", **_kept(ask)))
    if len(ask.path) > 3:
        raise NotFound("a difference lies between two points: /diff/A/B")
    if len(ask.path) == 1:
        values = _common(ask, "", "HEAD", None) | {"groups": [], "lead": "", "counts": {}}
        return Page("diff.html", "Diff", document("diff"), ("diff", "--help"), values)
    a, b = map(ask.meant, (ask.path[1], ask.path[2] if len(ask.path) > 2 else "HEAD"))
    if ask.one("only") not in ONLY:
        raise BadParameter(f"only is one of {', '.join(filter(None, ONLY))}, not {ask.one('only')!r}")
    for name in ask.one("field").split("."):
        check_name(name)
    span = Range(ask.db.point(a), ask.db.point(b), both=False)
    if text := ask.one("of"):
        parts = parts_of(text)
        if not parts or not is_whole(ask, parts):
            raise NotFound(f"{text} names a kind, or nothing; name one entity, such as Order/o-1")
        found = entity(ask, parts)
        return Slow(found.name, _one(ask, span, (a, b), found))
    if kind := ask.one("kind"):
        cls = Latest if kind == "tags" else kind_of(ask, kind)
        return Slow("What changed between two points", _all(ask, span, (a, b), kind, cls))
    return _events(ask, span, (a, b))


def _kept(ask: Ask) -> dict[str, object]:
    return {name: ask.one(name) for name in ("of", "kind", "only", "field") if ask.one(name)}


def _common(ask: Ask, a: str, b: str, span: Range | None) -> dict[str, Any]:
    """The values that the page has, whatever is compared."""
    there = ask.path[1:] if span else []
    kinds = [name_in(ask, cls) for cls in ask.states]

    def chosen(**params: object) -> str:
        kept = {"only": ask.one("only"), "field": ask.one("field")}
        return ask.url("diff", *there, **(kept | params))

    return {
        "a": a,
        "b": b,
        "between": span is not None,
        "swapped": ask.url("diff", b, a, **_kept(ask)),
        "kept": sorted(_kept(ask).items()),
        "of": ask.one("of"),
        "choices": [
            ("Events", chosen(), not ask.one("of") and not ask.one("kind")),
            *((name, chosen(kind=name), ask.one("kind") == name) for name in kinds),
            ("tags", chosen(kind="tags"), ask.one("kind") == "tags"),
        ],
        "only": [(name, words, ask.here(only=name), ask.one("only") == name) for name, words in ONLY.items()],
        "field": ask.one("field"),
        "sides": [],
        "left": 0,
    }


def _view(ask: Ask, point: Point) -> Log:
    return ask.db.handle.line(point.chain).log


def _one(ask: Ask, span: Range, names: tuple[str, str], found: Entity) -> Iterator[Page]:
    """The difference of one entity."""
    with theirs(found.reference):
        difference = ask.db.diff(*names, found.reference)
    changes = _wanted(ask, difference.masked().changes)
    values = _common(ask, *names, span) | {
        "lead": f"{found.name}: {difference.summary}.",
        "groups": [_group(found.name, [_card(ask, span, found.reference, "changed", changes)])]
        if changes
        else [],
        "counts": _counted(difference.masked().changes),
        "entity": found,
    }
    words = ("diff", *names, *found.path, *(() if isinstance(found.reference, Latest) else ("--app",)))
    told = state_diff_document(span, found.reference, difference)
    yield Page("diff.html", f"{found.name}, {names[0]} to {names[1]}", told, words, values)


def _all(
    ask: Ask, span: Range, names: tuple[str, str], kind: str, cls: type[State]
) -> Iterator[Progress | Page]:
    """The differences of all entities of a kind: one pass over the events between."""
    with theirs(cls):
        pair = both(ask.db.branches, lambda chain: ask.db.handle.line(chain).log, span.start, span.end, cls)
        yield from _read(pair)
        found = list(pair.changed())
    only = {"added": "new"}.get(ask.one("only"), ask.one("only"))
    wanted = [
        (each, changes)
        for each in found
        if only in ("", each.kind)
        and (changes := _wanted(ask, each.difference.masked().changes, of_kind=False))
    ]
    cards = [_card(ask, span, each.reference, each.kind, changes) for each, changes in wanted[:ENTITIES]]
    name = "tag" if cls is Latest else cls.__name__
    number = len(found)
    values = _common(ask, *names, span) | {
        "lead": f"{shown.count(number, noun_of(cls))} {'differs' if number == 1 else 'differ'}.",
        "groups": [_group(name, cards)] if cards else [],
        "counts": Counter({"new": "added"}.get(each.kind, each.kind) for each in found),
        "left": len(wanted) - len(cards),
    }
    words = ("diff", *names, "--all", kind, *(() if cls is Latest else ("--app",)))
    yield Page(
        "diff.html", f"{names[0]} to {names[1]}", states_diff_document(span, found[:STATES]), words, values
    )


def _read(pair: Both) -> Iterator[Progress]:
    said = monotonic()
    for done in pair.read():
        if monotonic() - said > PATIENCE:
            said = monotonic()
            yield Progress(done, pair.events)


def _events(ask: Ask, span: Range, names: tuple[str, str]) -> Page:
    """The commits that only one of the points has."""
    branches = ask.db.branches
    pairs = [(span.end, span.start, "gone"), (span.start, span.end, "added")]
    told, sides = [], []
    for start, end, sign in pairs:
        log = _view(ask, end)
        commits = list(islice(commits_between(branches, start, end), COMMITS + 1))
        told.append(list(_documents(log, commits[:COMMITS])))
        if commits and ask.one("only") in ("", sign):
            sides.append(_side(ask, log, commits, sign))
    numbers = [len(each) for each in told]
    words = ("more than " if side["more"] else "" for side in sides)
    lead = "; ".join(
        f"only in {names[side['sign'] == 'added']}: {more}{side['count']}"
        for side, more in zip(sides, words, strict=True)
    )
    values = _common(ask, *names, span) | {
        "lead": f"{lead[:1].upper()}{lead[1:]}." if lead else "No commit is in one of them alone.",
        "groups": [],
        "sides": sides,
        "counts": {"gone": numbers[0], "added": numbers[1]},
    }
    told_all = events_diff_document(span, *told)
    return Page("diff.html", f"{names[0]} to {names[1]}", told_all, ("diff", *names), values)


def _documents(log: Log, commits: Iterable[Commit]) -> Iterator[dict[str, Any]]:
    subjects, left = Subjects(log), TOLD
    for commit in commits:
        events = events_of(log, commit, left) if left else ()
        yield commit_document(commit, subjects.of(commit), events)
        left -= min(left, commit.size)


def _side(ask: Ask, log: Log, commits: Sequence[Commit], sign: str) -> dict[str, Any]:
    """The commits of one side, with the types of their events."""
    subjects = Subjects(log)
    listed = commits[:COMMITS]
    rows = [
        {
            "commit": commit,
            "link": ask.url("c", "h", commit.hash.hex()[:SHORT]),
            "subject": subjects.of(commit),
            "types": list(Counter(event.type for event in events_of(log, commit, EVENTS)).items()),
            "more": commit.size > EVENTS,
        }
        for commit in listed
    ]
    authors = {commit.author for commit in listed}
    number = sum(commit.size for commit in listed)
    words = f"{shown.count(len(listed), 'commit')} with {shown.count(number, 'event')}"
    by = f" by {len(authors)} authors" if len(authors) > 1 else ""
    return {"sign": sign, "rows": rows, "count": words + by, "more": len(commits) > COMMITS}


def _wanted(ask: Ask, changes: Sequence[Change], *, of_kind: bool = True) -> Sequence[Change]:
    """The changes of the fields, and of the kind, that are asked for."""
    only = ask.one("only") if of_kind else ""
    pattern = re.compile(translate(ask.one("field"))) if ask.one("field") else None
    return [
        change
        for change in changes
        if only in ("", KINDS[change.kind]) and (pattern is None or pattern.match(change.field))
    ]


def _counted(changes: Sequence[Change]) -> Mapping[str, int]:
    return Counter(KINDS[change.kind] for change in changes)


def _group(name: str, cards: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    total: Counter[str] = Counter()
    for card in cards:
        total.update([card["sign"]] if len(cards) > 1 else card["counts"])
    return {"name": name, "cards": cards, "counts": total}


def _card(ask: Ask, span: Range, reference: State, kind: str, changes: Sequence[Change]) -> dict[str, Any]:
    """The part of the page about an entity: its changes, and the last event that concerns it."""
    log = _view(ask, span.end)
    last = next(iter(log.read(reference.query(), upto=span.end.position, backwards=True, limit=1)), None)
    commit, end = None, ask.path[2] if ask.path[2:] not in ([], ["HEAD"]) else ask.at
    if last is not None and last.position > min(span.start.position, span.end.position):
        [commit] = log.commits_at([last.commit])
    return {
        "name": name_of(reference),
        "url": ask.url("e", *path_of(ask, reference), at=end),
        "sign": {"new": "added"}.get(kind, kind),
        "counts": _counted(changes),
        "changes": changes[:CHANGES],
        "left": len(changes) - CHANGES,
        "open": len(changes) <= OPEN,
        "last": "" if last is None or commit is None else f"last #{last.position}",
        "by": "" if commit is None else commit.author,
    }
