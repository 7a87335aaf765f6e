"""Runs the rules over a model, and takes away what is silenced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from backstory.application import Application
from backstory.errors import ModelError
from backstory.model.check.findings import RULES, Finding, Silence
from backstory.model.check.lints import LINTS
from backstory.model.elements import Model
from backstory.schema.check import check as check_schema
from backstory.schema.lock import Lock
from backstory.schema.patterns import unmatched

OF_SCENARIOS, OF_STORE, OF_LOCK = ("BM005", "BM006"), ("BM011", "BM012", "BM013", "BM014"), "BM015"
UNGIVEN = "BM002"
"""Is no finding where the store has such events."""


class Checked(NamedTuple):
    """The findings of a check, and the findings that are silenced, each with its reason."""

    findings: list[Finding]
    silenced: list[tuple[Finding, str]]


def check(
    model: Model, app: Application, *, lock: Lock | None = None, silences: Sequence[Silence] = ()
) -> Checked:
    """Everything that is the matter with a model, by file and line. `lock` is the schema lock, if there is one."""
    silences = [each for each in silences if each.app in (None, app.name)]
    found = [finding for lint in LINTS for finding in lint(model)]
    retired = set() if lock is None else set(lock.retired)
    found = [one for one in found if one.code != "BM011" or one.element.partition(":")[2] not in retired]
    found += _schema(model, app, lock)
    silenced: list[tuple[Finding, str]] = []
    left: list[Finding] = []
    used: set[Silence] = set()
    for finding in found:
        silence = next((each for each in silences if each.covers(finding)), None)
        if silence is None:
            left.append(finding)
        else:
            used.add(silence)
            silenced.append((finding, silence.reason))
    asked = [each for each in silences if each not in used and _is_asked(each, model, lock)]
    left += _in_vain(asked)
    left.sort(
        key=lambda one: (
            one.place is None,
            msgspec.structs.astuple(one.place) if one.place else (),
            one.code,
            one.element,
        )
    )
    return Checked(left, silenced)


def silences_of(settings: object, where: str) -> list[Silence]:
    """The silences in `[tool.backstory.check]`, as TOML gives it. Raises `ModelError` if they are not understood."""
    try:
        found = msgspec.convert(settings, Settings).silence
    except msgspec.ValidationError as wrong:
        raise ModelError(f"{where}: [tool.backstory.check]: {wrong}") from None
    for each in found:
        if each.code not in RULES:
            raise ModelError(
                f"{where}: [tool.backstory.check] silences {each.code}, which is no code; there are"
                f" {min(RULES)} to {max(RULES)}"
            )
        if not each.reason.strip():
            raise ModelError(
                f"{where}: [tool.backstory.check] silences {each.code} {each.element} without a reason;"
                " say in `reason` why it is accepted"
            )
    return found


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings of a check."""

    silence: list[Silence] = []


def _is_asked(silence: Silence, model: Model, lock: Lock | None) -> bool:
    """Whether its rule had what it asks: without scenarios, a store or a lock nobody knows what it would find."""
    if silence.code in OF_SCENARIOS:
        return model.scenarios is not None
    if silence.code in OF_STORE:
        return model.observed is not None
    if silence.code == UNGIVEN:
        stored = model.observed.types if model.observed is not None else []
        return silence.element.partition(":")[2] not in {each.type for each in stored}
    return silence.code != OF_LOCK or lock is not None


def _in_vain(silences: Iterable[Silence]) -> Iterator[Finding]:
    for each in silences:
        yield Finding(
            "BM017", each.element, None, f"{each.code} of {each.element} is silenced, and not found"
        )


def _schema(model: Model, app: Application, lock: Lock | None) -> Iterator[Finding]:
    """The breaks of the schema lock, and patterns that no event matches."""
    places = {event.name: (event.id, event.place) for event in model.events}
    for finding in [*(() if lock is None else check_schema(lock, app.events)), *unmatched(app.states)]:
        if finding.level == "broken":
            id, place = places.get(finding.event, (f"event:{finding.event}", None))
            fields = "; ".join(f"{each.place} {each.why}" for each in finding.differences)
            yield Finding("BM015", id, place, f"{finding.event} {finding.what}{fields and f': {fields}'}")
