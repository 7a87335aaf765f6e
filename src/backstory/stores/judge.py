"""The rule that decides whether a unit is done: pure, and the same for every store and every node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from backstory.errors import (
    AheadOfLog,
    AppendError,
    Conflict,
    HeadMoved,
    HistoryMoved,
    IdReused,
    MainFixed,
    NeverBoth,
    NotThere,
    RefMoved,
    StillNeeded,
)
from backstory.refs import MAIN_MOVES, MAIN_REF, NEVER_BOTH
from backstory.unit import (
    Append,
    Batch,
    DropLog,
    Holds,
    LogName,
    NewLog,
    SetRef,
    Unit,
    Withhold,
    is_guard,
)
from backstory.values.commit import DATA, Commit, Draft, Head, chained, content_hash
from backstory.values.event_data import RecordedEvent
from backstory.values.query import Condition

SHOWN = 10
"""The number of events in the way that a conflict names at most."""


class LogView(Protocol):
    """The rule's view of a log: its state just before the unit."""

    @property
    def head(self) -> Head:
        """The end of the log."""
        ...

    def known(self, id: str) -> Commit | None:
        """The commit with this id."""
        ...

    def matching(self, condition: Condition, limit: int) -> Sequence[RecordedEvent]:
        """The first events that the condition forbids."""
        ...

    def hash_at(self, position: int) -> bytes | None:
        """The hash of the commit whose last event is at this position, or of the origin there."""
        ...


class StoreView(Protocol):
    """The rule's view of a store: its state just before the unit."""

    def log(self, number: int) -> LogView | None:
        """A log; None if no log has this number."""
        ...

    def ref(self, name: str) -> str | None:
        """The value of a ref."""
        ...

    def mark(self) -> str | None:
        """The mark of the store; see `Head.withheld`."""
        ...

    def made(self, new: NewLog) -> int | None:
        """The number of the log that was made under this id."""
        ...

    def needs(self, number: int) -> str | None:
        """The reason why this log is still needed; see `stores.needed`."""
        ...


class Plan(msgspec.Struct):
    """The work of a unit that was judged: only the steps that do not hold already.

    `commits` are those of each `Append`, known or new; `logs` are the numbers of each `NewLog`, None if the log is to
    be made. A step that names a log by the step which makes it keeps that name.
    """

    commits: list[tuple[Commit, ...]] = []
    logs: list[tuple[NewLog, int | None]] = []
    appends: list[tuple[LogName, Batch, tuple[Commit, ...]]] = []
    refs: list[SetRef] = []
    withheld: list[tuple[int, Commit, tuple[int, ...]]] = []
    dropped: list[int] = []

    @property
    def writes(self) -> bool:
        """Whether there is anything to do."""
        return bool(
            self.appends
            or self.refs
            or self.withheld
            or self.dropped
            or any(number is None for _, number in self.logs)
        )


class _NewView:
    """A log that the unit makes: empty, and nothing is known in it."""

    def __init__(self, origin: Head) -> None:
        self.head = origin

    def known(self, id: str) -> Commit | None:  # noqa: ARG002 - nothing is known
        return None

    def matching(self, condition: Condition, limit: int) -> Sequence[RecordedEvent]:  # noqa: ARG002 - nothing matches
        return ()

    def hash_at(self, position: int) -> bytes | None:
        return self.head.hash if position == self.head.position else None


def judge(unit: Unit, store: StoreView) -> Plan | AppendError:
    """The work to do for a unit, or the error that says why it cannot be done.

    If each step that writes holds already, the unit was written before, and it is done, whatever its guards say.
    Otherwise the first step that cannot be done gives the verdict.
    """
    plan = Plan([], [], [], [], [], [])
    refused: AppendError | None = None
    held = False
    for step in unit.steps:
        verdict: AppendError | None = None
        if isinstance(step, Append):
            verdict = _append(step, unit, store, plan)
            held = held or bool(step.batch)
        elif isinstance(step, SetRef):
            verdict = _set_ref(step, unit, store, plan)
            held = held or not step.is_guard
        elif isinstance(step, Holds):
            verdict = _holds(step, store)
        else:
            held = True
            if isinstance(step, NewLog):
                _make(step, store, plan)
            elif isinstance(step, Withhold):
                verdict = _withhold(step, store, plan)
            else:
                verdict = _drop(step, unit, store, plan)
        if verdict is not None:
            refused = refused or verdict
            if not is_guard(step):
                return refused
    return refused if refused is not None and (plan.writes or not held) else plan


def _make(step: NewLog, store: StoreView, plan: Plan) -> None:
    if any(new.id == step.id for new, _ in plan.logs):
        raise ValueError(f"a unit makes one log under an id, and this one makes {step.id!r} twice")
    plan.logs.append((step, store.made(step)))


def _append(step: Append, unit: Unit, store: StoreView, plan: Plan) -> AppendError | None:
    name = _known_by(step.log, unit, store)
    if plan.appends and any(other == name for other, _, _ in plan.appends):
        raise ValueError(f"a unit appends to a log once, and this one appends to {step.log} twice")
    log = store.log(name) if isinstance(name, int) else _NewView(name.origin)
    if log is None:
        return NotThere(f"log {step.log}")
    verdict, new = judge_batch(step.batch, log)
    if not isinstance(verdict, tuple):
        return verdict
    plan.commits.append(verdict)
    if new and verdict:
        plan.appends.append((name, step.batch, verdict))
    return None


def _known_by(name: LogName, unit: Unit, store: StoreView) -> LogName:
    """The number of a log; the step that makes it, where it is still to be made."""
    if isinstance(name, int):
        return name
    if name not in unit.steps:
        raise ValueError(f"a unit names the log {name.id!r} by a step that it does not have")
    number = store.made(name)
    return name if number is None else number


def _set_ref(step: SetRef, unit: Unit, store: StoreView, plan: Plan) -> AppendError | None:
    found = store.ref(step.name)
    value = step.value
    if isinstance(value, NewLog):
        number = _known_by(value, unit, store)
        value = str(number) if isinstance(number, int) else None
    elif step.is_guard:
        return None if found == value else RefMoved(step.name, found)
    if found == value and not (value is None and step.value is not None):
        return None
    if found != step.old:
        return RefMoved(step.name, found)
    if step.name == MAIN_REF and found is not None and store.ref(MAIN_MOVES) is None:
        return MainFixed()
    other = NEVER_BOTH.get(step.name)
    if other is not None and value is not None and (store.ref(other) is not None or _sets(unit, other)):
        return NeverBoth(step.name, other)
    if any(step.name == other.name for other in plan.refs):
        raise ValueError(f"a unit sets a ref once, and this one sets {step.name} twice")
    plan.refs.append(step)
    return None


def _sets(unit: Unit, name: str) -> bool:
    """Whether a unit gives a ref a value."""
    return any(
        isinstance(step, SetRef) and step.name == name and step.value is not None for step in unit.steps
    )


def _holds(step: Holds, store: StoreView) -> AppendError | None:
    log = store.log(step.log)
    if log is None:
        return NotThere(f"log {step.log}")
    if step.last and log.head.hash != step.hash:
        return HeadMoved(log.head.position)
    if step.withheld is not msgspec.UNSET and store.mark() != step.withheld:
        return HistoryMoved(step.position)
    return None if log.hash_at(step.position) == step.hash else HistoryMoved(step.position)


def _withhold(step: Withhold, store: StoreView, plan: Plan) -> AppendError | None:
    log = store.log(step.log)
    commit = None if log is None else log.known(step.id)
    if commit is None:
        return NotThere(f"commit {step.id!r} in log {step.log}")
    if not all(0 <= place < DATA + commit.size for place in step.places):
        return NotThere(f"a part at one of the places {step.places} of commit {step.id!r}")
    if not commit.withheld.issuperset(step.places):
        plan.withheld.append((step.log, commit, step.places))
    return None


def _drop(step: DropLog, unit: Unit, store: StoreView, plan: Plan) -> AppendError | None:
    for other in unit.steps:
        beside = is_guard(other) or (isinstance(other, Append | Withhold) and other.log != step.log)
        if other is not step and not beside:
            raise ValueError(f"a unit that drops log {step.log} does nothing that may need it: {other!r}")
    if store.log(step.log) is None:
        return None
    needed = store.needs(step.log)
    if needed is not None:
        return StillNeeded(step.log, needed)
    plan.dropped.append(step.log)
    return None


def judge_batch(batch: Batch, view: LogView) -> tuple[tuple[Commit, ...] | AppendError, bool]:
    """The verdict on a batch, and whether its commits are new: to be written on top of `view.head`.

    `Log.append` lists the cases, in this order.
    """
    ids = [draft.id for draft in batch]
    if len(ids) > 1 and len(set(ids)) < len(ids):
        return IdReused(next(id for id in ids if ids.count(id) > 1), "stands twice in one batch"), False
    known = [commit for id in ids if (commit := view.known(id)) is not None]
    if known:
        return recorded_verdict(batch, known), False
    if batch and batch[0].parent not in (None, view.head.hash):
        return HeadMoved(view.head.position), False
    reached = view.head.position
    for index, draft in enumerate(batch):
        condition = draft.condition
        decided_within = reached
        reached += len(draft.events)
        if condition is None:
            continue
        if condition.after > decided_within:
            return AheadOfLog(condition.after, view.head.position), False
        if condition.after < view.head.position and (events := view.matching(condition, SHOWN)):
            return Conflict(index, condition, events), False
    return chain(batch, view.head), True


def chain(batch: Batch, head: Head) -> tuple[Commit, ...]:
    """The commits that these drafts become, one on top of the other."""
    commits = []
    for draft in batch:
        commit = chained(draft, head)
        head = Head(commit.position, commit.hash, commit.time)
        commits.append(commit)
    return tuple(commits)


def recorded_verdict(batch: Batch, known: list[Commit]) -> tuple[Commit, ...] | IdReused:
    """A retry gives the recorded commits; any other batch with a known id is refused.

    A retry may be drafted anew, so its content is compared at the recorded time and with the recorded secret. A part
    that is withheld is not compared, because nobody knows it any more.
    """
    if len(known) < len(batch):
        return IdReused(known[0].id, "was used in another batch")
    for draft, commit in zip(batch, known, strict=True):
        if not _says(draft, commit):
            return IdReused(draft.id, f"was used for other content, at position {commit.position}")
    return tuple(known)


def _says(draft: Draft, commit: Commit) -> bool:
    """Whether a draft has the content of a commit."""
    if draft.content == commit.content:
        return True
    if len(draft.events) != commit.size:
        return False
    then = msgspec.structs.replace(draft, time=commit.authored, secret=commit.secret)
    return content_hash(then, then.events) == commit.content
