"""Search by value: the commits after which a field of a state has a value, and had another one before.

Only the state after a whole commit counts. A value is found again if the field had another one in between.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from backstory.decide.latest import Latest
from backstory.decide.loading import replay
from backstory.decide.state import State, state_type
from backstory.errors import ExpressionError
from backstory.history.ask.entities import Entities, Entity
from backstory.history.ask.expression import no_such_field
from backstory.history.ask.seen import check_seen, seen_data, seen_value
from backstory.history.compare.jsonable import key_text, names_of, plain_value, same, within
from backstory.history.compare.pointer import parse, quoted
from backstory.lookup import Commits
from backstory.store import ALL, Log
from backstory.values.event_data import RecordedEvent

MISSING: Any = object()
Wanted = Callable[[Any], bool]


class Hit(msgspec.Struct, frozen=True):
    """A commit, by its position, after which the value is there; `reference` says whose, `again` that it was before."""

    commit: int
    reference: State
    again: bool = False


def wanted(text: str) -> Wanted:
    """A test whether a text means a value: by its JSON, as a number by its value, or as the text itself."""
    try:
        meant = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        meant = text

    def matches(value: Any) -> bool:
        if value is MISSING:
            return False
        if isinstance(meant, (int, float)) and isinstance(value, (int, float)):
            return isinstance(meant, bool) is isinstance(value, bool) and meant == value
        return same(value, meant) or (type(value) is str and value == text)

    return matches


def look(state: Any, steps: tuple[str, ...]) -> Any:
    """The part of a state at a path, as JSON; `MISSING` if it has none."""
    if isinstance(state, Latest) and steps:
        field = state.fields.get(steps[0])
        return MISSING if field is None else look(seen_value(field, steps[0]), steps[1:])
    for number, step in enumerate(steps):
        if isinstance(state, msgspec.Struct):
            names = {encoded: name for name, encoded in names_of(type(state)).items()}  # type: ignore[arg-type]
            state = getattr(state, names[step]) if step in names else MISSING
        elif isinstance(state, Mapping):
            state = (
                state[step]
                if step in state
                else next((state[key] for key in state if key_text(key) == step), MISSING)
            )
        elif isinstance(state, (list, tuple)):
            state = state[int(step)] if step.isdecimal() and int(step) < len(state) else MISSING
        else:
            return look_plain(plain_value(state), steps[number:])
        if state is MISSING:
            return MISSING
    return plain_value(state)


def look_plain(value: Any, steps: tuple[str, ...]) -> Any:
    """The part of a JSON value at a path; `MISSING` if it has none."""
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step, MISSING)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return MISSING
    return value


def commits_with(
    log: Log, reference: State, path: str, value: str | Wanted, after: int = 0, upto: int | None = None
) -> Iterator[Hit]:
    """The commits after which one state's part at `path` (`/lines/0/sku`, `lines.0.sku`) is `value`, oldest first."""
    compiled, query, commits = state_type(type(reference)), reference.query(), Commits(log)
    steps, matches = _steps(type(reference), path), wanted(value) if isinstance(value, str) else value
    state, answers = compiled.copy(reference), _Answers()
    if after and replay(state, log, query, upto=after):
        answers.turned(None, matches(look(state, steps)))
    for commit, records in _by_commit(commits.of(log.read(query, after=after, upto=upto))):
        compiled.fold(state, records, commits)
        again = answers.turned(None, matches(look(state, steps)))
        if again is not None:
            yield Hit(commit, reference, again)
    if isinstance(state, Latest):
        _check(path, steps, state.fields)


def commits_with_any(
    log: Log, cls: type[State], path: str, value: str | Wanted, after: int = 0, upto: int | None = None
) -> Iterator[Hit]:
    """The same for every entity of a class, in one pass. Of `Latest`: for every tag, from the events' data alone."""
    steps, matches = _steps(cls, path), wanted(value) if isinstance(value, str) else value
    if cls is Latest:
        yield from _in_data(log, path, steps, matches, after, upto)
        return
    answers = _Answers()
    concerned: dict[int, Entity] = {}
    commit = 0

    def settled() -> Iterator[Hit]:
        for number, entity in concerned.items():
            if number not in answers and entity.existed:
                answers.turned(number, matches(look(entity.start, steps)))
            again = answers.turned(number, matches(look(entity.state, steps)))
            if again is not None:
                yield Hit(commit, entity.reference, again)
        concerned.clear()

    followed = Entities(log, cls, after)
    for record in followed.read(upto):
        if record.commit != commit:
            yield from settled()
        commit = record.commit
        concerned.update((id(entity), entity) for entity in followed.apply(record))
    yield from settled()


def _in_data(
    log: Log, path: str, steps: tuple[str, ...], matches: Wanted, after: int, upto: int | None
) -> Iterator[Hit]:
    """The answers of `Latest` for each tag, from the events that have the field. Memory holds a flag for each tag."""
    answers = _Answers()
    names: set[str] = set()
    if not steps:
        return
    for commit, records in _by_commit(log.read(ALL, upto=upto)):
        now: dict[str, bool] = {}
        for record in records:
            data = seen_data(record)
            names.update(data)
            if steps[0] in data:
                now.update(dict.fromkeys(record.tags, matches(look_plain(data, steps))))
        for tag, holds in now.items():
            again = answers.turned(tag, holds)
            if again is not None and commit > after:
                yield Hit(commit, Latest(tag), again)
    _check(path, steps, names)


class _Answers:
    """The last answer for each of many states, and whether it ever was true."""

    def __init__(self) -> None:
        self._last: dict[Hashable, bool] = {}
        self._ever: set[Hashable] = set()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._last

    def turned(self, key: Hashable, holds: bool) -> bool | None:
        """Take the next answer. If it is true and the one before was not: whether any was before; else None."""
        before, again = self._last.get(key, False), key in self._ever
        self._last[key] = holds
        if holds:
            self._ever.add(key)
        return again if holds and not before else None


def _steps(cls: type[State], path: str) -> tuple[str, ...]:
    """The steps of a path into a state of this class.

    Raises `ExpressionError` if it has no such field, and `OutOfScope` for one that the reader may not see.
    """
    steps = within(cls, parse(path))
    if cls is not Latest:
        _check(path, steps, names_of(cls).values(), cls.__qualname__)
    check_seen(steps, cls)
    return steps


def _check(path: str, steps: tuple[str, ...], known: Iterable[str], owner: str = "") -> None:
    """Raise `ExpressionError` if the first step is none of the known names, of which there is at least one."""
    names = list(known)
    if steps and names and steps[0] not in names:
        raise ExpressionError(path, 0, no_such_field(owner, steps[0], names, quoted))


def _by_commit(records: Iterator[RecordedEvent]) -> Iterator[tuple[int, list[RecordedEvent]]]:
    group: list[RecordedEvent] = []
    for record in records:
        if group and record.commit != group[0].commit:
            yield group[0].commit, group
            group = []
        group.append(record)
    if group:
        yield group[0].commit, group
