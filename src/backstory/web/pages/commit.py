"""One commit: why it was decided, on what, by whom; what it changed and caused; whether it can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from backstory.documents import document
from backstory.documents.show import show_document
from backstory.errors import BackstoryError
from backstory.history.ask.changes import LARGE, Changes, changes
from backstory.history.ask.unread import told_unread
from backstory.history.check.proof import is_marked, prove
from backstory.history.check.verify import commit_problems
from backstory.history.compare.jsonable import words_of
from backstory.history.forget.withholding import names_of
from backstory.history.refs.revision import SHORTEST, Point, commits_named, resolve
from backstory.lookup import event_at
from backstory.subject import Subjects
from backstory.values.commit import DATA, MESSAGE, METADATA, ORIGIN, Commit
from backstory.values.masking import masked_data
from backstory.web import why
from backstory.web.ask import SHORT, Ask, BadParameter, NotFound
from backstory.web.page import Answer, Attached, Elsewhere, Page, Slow
from backstory.web.shown import CUT, LINE
from backstory.web.wrong import told

if TYPE_CHECKING:
    from backstory.decide.state import State
    from backstory.line import Line
    from backstory.store import Log
    from backstory.values.event_data import RecordedEvent

EVENTS = 50
"""Events of a commit on a page."""

FIELDS, TEXT = 100, 20_000
"""Fields of an event that are listed, and characters of its JSON."""

CHANGED = 100
"""Fields that a commit changed, on a page."""

HOLDERS = 100
"""Branches that are asked whether they have the commit."""

FOLDED = 100_000
"""Events of a log in which a state may have so many that its fold is waited for: the frame is sent before."""

PROVEN = 1_000_000
"""Positions between an event and the head of its proof, which has 75 bytes for each commit there."""


Window: TypeAlias = "tuple[int, list[RecordedEvent]]"
"""Events of a commit, and the number of the first of them."""


def page(ask: Ask) -> Answer:
    """The page of a commit, or the commits that a hash may mean."""
    if len(ask.path) == 3 and ask.path[1] == "h":
        found = _by_hash(ask, ask.path[2])
        if not isinstance(found, Point):
            return found
        point = found
    elif len(ask.path) == 2:
        point = _at(ask, ask.path[1])
    else:
        raise NotFound("a commit is at /c/ and a position, or at /c/h/ and the beginning of its hash")
    commit = point.commit
    assert commit is not None
    line = ask.db.handle.line(point.chain)
    if ask.one("proof"):
        return _proof(ask, line, commit)
    if whole := ask.one("whole"):
        return _whole(commit, line.log, whole)
    window = _window(ask, point, commit, line.log)
    wanted = commit.size > LARGE and ask.flag("changes")
    if ask.head.position <= FOLDED and not wanted:
        return _shown(ask, point, commit, line, window)
    steps = (_shown(ask, point, commit, line, each) for each in [window])
    return Slow(f"#{commit.position} {Subjects(line.log).of(commit)}", steps)


def _at(ask: Ask, text: str) -> Point:
    """The point at a position of the branch that is looked at. Raises `NotFound`."""
    number = text.removeprefix("#")
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise NotFound(f"{text[:60]!r} is not a position; a hash is looked up at /c/h/{text[:60]}")
    point = resolve(ask.db.branches, int(number), ask.point.chain)
    if point.commit is None:
        raise NotFound(f"no commit that you may see stands at #{number}")
    return point


def _by_hash(ask: Ask, text: str) -> Point | Answer:
    """The commit whose hash begins so, or a page of those that it may mean. Raises `NotFound`."""
    digits = text.lower()
    if len(digits) < SHORTEST or len(digits) > 64 or set(digits) - set("0123456789abcdef"):
        raise NotFound(f"{text[:70]!r} is not the beginning of a hash, which has {SHORTEST} to 64 hex digits")
    db, here = ask.db, ask.point.chain
    named = commits_named(db.branches, digits, here)
    found = {
        commit: chain
        for commit, chain in named.items()
        if commit.hash.hex().startswith(digits) or (len(named) == 1 and len(digits) >= 40)
    }
    if not found:
        raise NotFound(f"no commit has a hash that begins with {digits}")
    if len(found) > 1:
        subjects = [Subjects(db.handle.line(chain).log).of(commit) for commit, chain in found.items()]
        shown = [
            {"commit": commit, "hash": commit.hash.hex(), "subject": subject}
            for commit, subject in zip(found, subjects, strict=True)
        ]
        return Page(
            "hashes.html",
            f"{digits} may mean {len(found)} commits",
            document(
                "error", error="ambiguous-revision", message=digits, hints=[each["hash"] for each in shown]
            ),
            (),
            {"found": shown, "digits": digits},
            300,
        )
    [(commit, chain)] = found.items()
    if chain != here:
        named_so = next((branch.name for branch in db.branches.all() if branch.chain == chain), None)
        return Elsewhere(ask.url("c", commit.position, at=named_so or commit.hash.hex()[:SHORT]))
    return Point(chain, commit.position, commit)


def _shown(ask: Ask, point: Point, commit: Commit, line: Line, window: Window) -> Page:
    log, subjects = line.log, Subjects(line.log)
    states = None if ask.site.application is None else ask.site.application.states
    unread = told_unread(log, commit, states)
    start, events = window
    subject = subjects.of(commit)
    before = next(log.commits(upto=commit.first - 1, backwards=True, limit=1), None)
    after = next(log.commits(after=commit.position, limit=1), None)
    changed, wrong = _changes(ask, commit, log, states or ())
    values: dict[str, Any] = {
        "commit": commit,
        "subject": subject,
        "message": commit.message.strip("\n").partition("\n")[2].strip("\n"),
        "hash": commit.hash.hex()[:SHORT],
        "file": ask.url("c", commit.position, whole="message") if len(commit.message) > LINE else "",
        "withheld": names_of(commit),
        "late": commit.time != commit.authored,
        "branches": _holders(ask, commit),
        "marks": ask.names.get(commit.hash, ((), ()))[1],
        "before": before,
        "after": after,
        "changed": changed,
        "wrong": wrong,
        "large": LARGE,
        "may_append": ask.may("append") and ask.reader.scope.is_whole,
        "may_prove": ask.reader.scope.is_whole,
        "call": why.call(ask, commit),
        "decided_on": why.decided_on(commit, log),
        "unread": [
            {
                "words": words_of(each.reference), "events": each.events, "more": each.more,
                "fields": [field.removeprefix("/") for field in each.fields],
            }
            for each in unread or ()
        ],
        "undone": why.undone(ask, point, commit, log, subjects),
        "tree": why.tree(ask, point, commit, log),
        "events": [_event(ask, commit, event) for event in events],
        "start": start,
        "window": EVENTS,
        "as_json": ask.flag("json"),
        "metadata": _metadata(commit),
        "sound": _sound(ask, line, commit, before),
        "hashes": {"Commit": _grouped(commit.hash), "Content": _grouped(commit.content)},
    }  # fmt: skip
    every = events if commit.size > LARGE else log.read(after=commit.first - 1, upto=commit.position)
    name = (
        f"#{commit.position}"
        if commit.size == 1 and point.chain == ask.db.chain
        else commit.hash.hex()[:SHORT]
    )
    return Page(
        "commit.html",
        f"#{commit.position} {subject}",
        document("commit", **show_document(log, commit, every, unread)),
        ("show", name, *(["--app"] if states is not None else [])),
        values,
    )


def _window(ask: Ask, point: Point, commit: Commit, log: Log) -> Window:
    """The events that are shown, and the number of the first one: those that are asked for, or around the position."""
    asked = ask.number("events")
    if asked is None:
        inside = point.position - commit.first if point.exact else 0
        asked = inside // EVENTS * EVENTS + 1
    if not 1 <= asked <= commit.size:
        raise BadParameter(f"events is the number of an event, from 1 to {commit.size:,}, not {asked}")
    begin = commit.first + asked - 2
    return asked, list(log.read(after=begin, upto=min(commit.position, begin + EVENTS)))


def _changes(ask: Ask, commit: Commit, log: Log, states: Sequence[type[State]]) -> tuple[Changes | None, str]:
    """The fields that it changed; None where they are many and nobody asked. Else the words of what went wrong."""
    if commit.size > LARGE and not ask.flag("changes"):
        return None, ""
    try:
        return changes(log, commit, states, limit=CHANGED), ""
    except BackstoryError as wrong:
        return None, str(told(ask, wrong))


def _event(ask: Ask, commit: Commit, event: RecordedEvent) -> Mapping[str, Any]:
    """An event as its fields, or as JSON."""
    number = event.position - commit.first + 1
    shown: dict[str, Any] = {
        "event": event, "proof": ask.url("c", commit.position, proof=number),
        "file": ask.url("c", commit.position, whole=number) if len(event.data) > CUT else "",
        "fields": (), "left": 0, "json": "", "gone": False,
    }  # fmt: skip
    if DATA + number - 1 in commit.withheld or not event.data:
        return shown | {"gone": True}
    data = masked_data(event)
    decoded = msgspec.json.decode(data)
    if ask.flag("json") or not isinstance(decoded, dict):
        text = msgspec.json.format(data, indent=2).decode()
        return shown | {"json": text[:TEXT], "left": max(0, len(text) - TEXT)}
    return shown | {"fields": list(decoded.items())[:FIELDS], "left": max(0, len(decoded) - FIELDS)}


def _whole(commit: Commit, log: Log, part: str) -> Attached:
    """The whole message, or the whole data of the event of this number, as a file. Raises `NotFound`."""
    name = f"commit-{commit.position}-{part}"
    if part == "message" and MESSAGE not in commit.withheld:
        return Attached(f"{name}.txt", commit.message)
    number = int(part) if part.isascii() and part.isdecimal() and len(part) < 10 else 0
    if 1 <= number <= commit.size and DATA + number - 1 not in commit.withheld:
        event = event_at(log, commit.first + number - 1)
        if event is not None:
            return Attached(f"{name}.json.txt", msgspec.json.format(masked_data(event), indent=2).decode())
    raise NotFound(f"there is no {part[:60]!r} that you may see: whole is message, or the number of an event")


def _metadata(commit: Commit) -> Any:
    """Its metadata; None if it has none, or if they are withheld."""
    if METADATA in commit.withheld or commit.metadata_json == b"{}":
        return None
    return msgspec.json.decode(commit.metadata_json)


def _holders(ask: Ask, commit: Commit) -> list[str]:
    """The branches that have it."""
    branches = ask.db.branches
    return [
        branch.name
        for branch in islice(branches.all(), HOLDERS)
        if any(each.hash == commit.hash for each in branches.view(branch.chain).commits_at([commit.position]))
    ]


def _sound(ask: Ask, line: Line, commit: Commit, before: Commit | None) -> bool | None:
    """Whether its hashes are those of what it says; None if that was not looked at."""
    if not ask.reader.scope.is_whole or commit.size > LARGE:
        return None
    events = list(line.stored.read(after=commit.first - 1, upto=commit.position))
    return next(commit_problems(commit, events, ORIGIN if before is None else before.point), None) is None


def _proof(ask: Ask, line: Line, commit: Commit) -> Answer:
    """The proof of an event, for the history that is looked at. Raises `NotFound`, `BadParameter`, `ProofError`."""
    if not ask.reader.scope.is_whole:
        raise NotFound("a proof tells of parts that you do not see")
    place = ask.number("proof")
    if place is None or not 1 <= place <= commit.size:
        raise BadParameter(f"proof is the number of an event, from 1 to {commit.size:,}")
    log = line.stored
    is_here = ask.point.chain == line.chain and ask.position >= commit.position
    head = ask.point.commit.point if is_here and ask.point.commit is not None else log.head()
    if head.position - commit.position > PROVEN:
        raise BadParameter(
            f"the proof would lead over {head.position - commit.position:,} events to #{head.position};"
            " name an earlier head with at=, such as a mark"
        )
    hides = is_marked(log, commit, place)
    made = prove(log, commit, place, head, data=not hides)
    return Page(
        "proof.html",
        f"Proof of #{commit.first + place - 1}",
        msgspec.to_builtins(made),
        (
            "prove",
            f"#{commit.first + place - 1}",
        ),
        {
            "text": made.json().decode()[:TEXT],
            "number": commit.first + place - 1,
            "head": f"{head.position}-{head.hash.hex()}",
            "hides": hides,
        },
    )


def _grouped(hash: bytes) -> str:
    """A hash in groups of 8 digits, which can be read out."""
    digits = hash.hex()
    return " ".join(digits[index : index + 8] for index in range(0, len(digits), 8))
