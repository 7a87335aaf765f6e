"""Why a part of a state has its value: which event gave it, which command decided that, on what, and what caused that.

    found = db.why(Account("a-7"), "balance")
    found.record, found.commit            # the event that gave it, and its commit; None: it has its default
    found.read                            # the states that the command had read, and where their values came from
    found.causes                          # the commit that caused it, the cause of that one, back to the first

Everything is looked up in the log by indexes, but for the states that are folded: the one that is asked about, and each
that the command had read, as they were when it decided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import msgspec
from msgspec.structs import replace

from backstory.decide.latest import Latest
from backstory.decide.loading import Loader, Reads
from backstory.decide.state import State, identity
from backstory.errors import BackstoryError, InputError
from backstory.history.ask.causes import causes, undone_by
from backstory.history.ask.decided_on import DecidedOn, decided_on
from backstory.history.ask.recall import Known, Stuck, recalled, references_of
from backstory.history.ask.ways import Way, ways
from backstory.history.blame.blame import Blamed, blame
from backstory.history.compare.jsonable import names_of
from backstory.store import Held, Log, Record
from backstory.values.codec import Codec
from backstory.values.commit import Commit
from backstory.values.event_data import RecordedEvent

CAUSES, UNDONE = 50, 20
"""The causes that are followed, the nearest first, and the commits that undo it which are given."""

STATES, PARTS = 10, 20
"""The states that a decision had read which are given, and the parts of each, the latest first."""


class Source(msgspec.Struct, frozen=True):
    """A part of a state that a decision had read, and the event that had given it its value."""

    part: Blamed
    event: RecordedEvent


class Had(msgspec.Struct, frozen=True):
    """A state that a decision had read, as it was then: its parts with their sources, and how many are left out.

    `unknown` says why they are not known, such as an event whose data were withheld since.
    """

    reference: State
    sources: tuple[Source, ...] = ()
    left: int = 0
    unknown: str = ""


class Because(msgspec.Struct, frozen=True):
    """A commit that led to it, and how that one came into the log. `commit` is None where the history lacks it."""

    id: str
    commit: Commit | None
    ways: tuple[Way, ...]


class Why(msgspec.Struct, frozen=True):
    """The answer. `record` and `commit` are None for a value that no event gave: a default, or an identity.

    `ways` say how the commit came into the log. `decided_on` is its condition, None if it has none or it is withheld;
    `read` are the states that its command had read, `left` how many more there are, and `unknown` says why they are not
    known. `causes` are followed back to the first, unless `earlier`.
    """

    reference: State
    part: Blamed
    record: Record | None = None
    commit: Commit | None = None
    ways: tuple[Way, ...] = ()
    decided_on: DecidedOn | None = None
    read: tuple[Had, ...] = ()
    left: int = 0
    unknown: str = ""
    causes: tuple[Because, ...] = ()
    earlier: bool = False
    undone: tuple[Commit, ...] = ()

    def coming(self, over: Callable[[Commit], Iterable[Way]]) -> Why:
        """The same, with the ways in which commits came over from other branches."""

        def also(commit: Commit | None, ways: tuple[Way, ...]) -> tuple[Way, ...]:
            return ways if commit is None else (*ways, *over(commit))

        causes = tuple(Because(each.id, each.commit, also(each.commit, each.ways)) for each in self.causes)
        return replace(self, ways=also(self.commit, self.ways), causes=causes)

    def __repr__(self) -> str:
        """In a line, without values: `<Why Account /balance: #2 Deposited, 1 cause>`."""
        event = "no event" if self.record is None else f"#{self.record.position} {self.record.type}"
        many = f"{len(self.causes)}{'+' if self.earlier else ''}"
        causes = f"{many} cause{'' if many == '1' else 's'}"
        return f"<Why {type(self.reference).__name__} {self.part.pointer}: {event}, {causes}>"


def why(
    log: Log,
    reference: State,
    field: str,
    upto: int | None = None,
    *,
    codec: Codec,
    commands: Known,
) -> Why:
    """Why a part of a state has its value, up to a position. Raises `InputError` if there is no such part."""
    blamed = blame(log, reference, upto)
    try:
        part = blamed[field]
    except KeyError as wrong:
        raise InputError(str(wrong.args[0])) from None
    if not part.path:
        raise InputError("of which field? A state as a whole has no event of its own")
    if not part.position:
        return Why(reference, part)
    [stored] = log.read(after=part.position - 1, upto=part.position)
    commit = part.find(part.position)
    found = list(islice(causes(log, commit), CAUSES + 1))
    references, unknown = _references(log, commit, commands)
    if len(references) > STATES:
        references.sort(
            key=lambda each: each != reference
        )  # of many, the one that is asked about comes first
    return Why(
        reference,
        part,
        Record(codec.decode(stored), stored, Held(commit)),
        commit,
        tuple(ways(commit)),
        decided_on(commit, log),
        tuple(_had(log, each, commit.first - 1) for each in references[:STATES]),
        max(0, len(references) - STATES),
        unknown,
        tuple(
            Because(each.id, each.commit, () if each.commit is None else tuple(ways(each.commit)))
            for each in found[:CAUSES]
        ),
        len(found) > CAUSES,
        tuple(islice(undone_by(log, commit, upto), UNDONE)),
    )


def _references(log: Log, commit: Commit, commands: Known) -> tuple[list[State], str]:
    """The states that the command of a commit had read, as references; or none, and why they are not known."""
    if (given := references_of(commit, commands)) is not None:
        return given, ""
    command = recalled(commit, commands)
    if isinstance(command, Stuck):
        return [], command.words
    loader, references = Loader(log), list[State]()

    def load(stage: list[State]) -> list[State]:
        references.extend(stage)
        return loader.load_more(Reads(stage), commit.first - 1)

    try:
        command.gathered(load)
    except Exception:  # noqa: BLE001 - the code at hand is not the code that decided then
        return [], "the code at hand cannot find the states that its command had read"
    return references, ""


def _had(log: Log, reference: State, upto: int) -> Had:
    own = () if isinstance(reference, Latest) else identity(reference)
    names = {names_of(type(reference))[name] for name in own}
    try:
        blamed = blame(log, reference, upto)
    except BackstoryError as wrong:
        return Had(reference, unknown=str(wrong))
    leaves = [leaf for leaf in blamed.leaves if leaf.position and leaf.path[0] not in names]
    latest = sorted(leaves, key=lambda leaf: -leaf.position)[:PARTS]
    events = {event.position: event for event in _events(log, {leaf.position for leaf in latest})}
    return Had(
        reference,
        tuple(Source(leaf, events[leaf.position]) for leaf in latest),
        len(leaves) - len(latest),
    )


def _events(log: Log, positions: set[int]) -> Iterator[RecordedEvent]:
    for position in sorted(positions):
        yield from log.read(after=position - 1, upto=position)
