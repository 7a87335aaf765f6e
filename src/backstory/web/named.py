"""The commit that an address names: by a position, or by the beginning of its hash."""

from __future__ import annotations

from backstory.documents import document
from backstory.history.refs.revision import SHORTEST, Point, commits_named, resolve
from backstory.subject import Subjects
from backstory.web.ask import SHORT, Ask, NotFound
from backstory.web.page import Answer, Elsewhere, Page


def at_position(ask: Ask, text: str) -> Point:
    """The point at a position of the branch that is looked at. Raises `NotFound`."""
    number = text.removeprefix("#")
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise NotFound(f"{text[:60]!r} is not a position; a hash is looked up at /c/h/{text[:60]}")
    point = resolve(ask.db.branches, int(number), ask.point.chain)
    if point.commit is None:
        raise NotFound(f"no commit that you may see stands at #{number}")
    return point


def by_hash(ask: Ask, text: str) -> Point | Answer:
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
