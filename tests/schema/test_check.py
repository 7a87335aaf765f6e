"""What the check finds, beyond what makes a change compatible: versions, upcasters, samples, stubs, other libraries."""

from __future__ import annotations

import ast
import dataclasses
import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pydantic
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from backstory.errors import LockError
from backstory.schema import lock as locks
from backstory.schema.check import Finding, check
from backstory.schema.compatibility import differences
from backstory.schema.lock import Lock, Published, published, updated
from backstory.schema.samples import samples
from backstory.schema.stub import stub, tagged
from backstory.values.event_types import EventType, event_type, register
from backstory.values.fields import Tagged
from tests.schema.test_compatibility import KINDS, changes, kind, names

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


def versions(*fields: list[Any], upcasters: dict[int, Upcaster] | None = None) -> tuple[Lock, EventType]:
    """An event that was locked in every version but its last, and its class now."""
    name, lock = f"Versioned{next(names)}", Lock({})
    compiled: list[EventType] = []
    for version, each in enumerate(fields, 1):
        lock = updated(lock, compiled)
        steps = {old: (upcasters or {}).get(old, dict) for old in range(1, version)}
        cls = msgspec.defstruct(
            "Versioned", each, frozen=True, namespace={"__qualname__": "<locals>.Versioned"}
        )
        compiled = [event_type(register(cls, name=name, version=version, upcasters=steps))]
    return lock, compiled[0]


def found(lock: Lock, kind: EventType) -> list[tuple[str, str]]:
    return [(finding.level, finding.what) for finding in check(lock, [kind])]


def test_a_chain_of_upcasters_that_reads_every_sample_is_only_news() -> None:
    lock, now = versions(
        [("a", int)],
        [("b", int)],
        [("b", str)],
        upcasters={1: lambda data: {"b": data["a"]}, 2: lambda data: {"b": str(data["b"])}},
    )
    assert found(lock, now) == [("news", "has a new version 3")]
    assert sorted(updated(lock, [now]).events[now.name]) == [1, 2, 3]


def test_an_upcaster_that_leaves_a_field_out_is_a_break() -> None:
    lock, now = versions([("a", int)], [("b", int)])
    [_, (level, what)] = found(lock, now)
    assert level == "broken"
    assert '{"a":1} cannot be read: ValidationError: Object missing required field `b`' in what


def test_an_upcaster_that_fails_on_what_was_made_up_is_a_warning() -> None:
    lock, now = versions(
        [("a", str)], [("a", str)], upcasters={1: lambda data: {"a": data["a"].split("@")[1]}}
    )
    [_, (level, what)] = found(lock, now)
    assert level == "warning"
    assert "IndexError" in what


def test_an_upcaster_that_changes_tags_is_a_warning() -> None:
    tag = Annotated[str, Tagged()]
    lock, now = versions([("a", tag)], [("a", tag)], upcasters={1: lambda data: {"a": data["a"].upper()}})
    [_, (level, what)] = found(lock, now)
    assert (level, what) == ("warning", '{"a":"text"} was stored with a:text, and would have a:TEXT today')


TAG, RENAMED = Annotated[str, Tagged()], {1: lambda data: {"customer_id": data["customer"]}}


def test_a_tagged_field_that_is_renamed_without_its_key_is_a_break_that_says_how_to_keep_it() -> None:
    lock, now = versions([("customer", TAG)], [("customer_id", TAG)], upcasters=RENAMED)
    [_, finding] = check(lock, [now])
    assert (finding.level, finding.version) == ("broken", 1)
    assert "have the tag customer:..., and customer_id:... would be asked for in its place" in finding.what
    assert 'customer_id: Annotated[str, Tagged("customer")]' in finding.remedy


@pytest.mark.parametrize(
    "fields",
    [
        [("customer_id", Annotated[str, Tagged("customer")])],
        [
            ("customer_id", Annotated[str, Tagged("customer")]),
            ("shop", Annotated[str | None, Tagged()], None),
        ],
    ],
)
def test_a_field_that_keeps_its_key_may_have_another_name(fields: list[Any]) -> None:
    lock, now = versions([("customer", TAG)], fields, upcasters=RENAMED)
    assert found(lock, now) == [("news", "has a new version 2")]


def test_the_stub_of_a_renamed_field_keeps_the_key_of_its_tag() -> None:
    old, new = kind([("customer", TAG), ("n", int)]), kind([("customer_id", TAG), ("n", int)])
    [finding] = check(Lock({new.name: {1: published(old)}}), [new])
    assert finding.level == "broken"
    assert 'customer_id: Annotated[str, Tagged("customer")]\n' in finding.stub
    assert 'data["customer_id"] = data.pop("customer")' in finding.stub
    many = kind([("labels", Annotated[list[str], Tagged("label")])])
    assert tagged(many, "labels", "mark") == 'labels: Annotated[list[str], Tagged("mark")]'
    assert tagged(kind([("n", int)]), "n", "n") == 'n: Annotated[int, Tagged("n")]'


def test_a_version_never_goes_back() -> None:
    lock, now = versions([("a", int)], [("a", int)])
    lock = updated(lock, [now])
    old = kind([("a", int)])
    lock = Lock({old.name: lock.events[now.name]})
    [finding] = check(lock, [old])
    assert (finding.level, finding.what) == ("broken", "is locked as version 2, and the code has version 1")


def test_the_class_of_a_removed_event_is_found_where_only_its_name_changed() -> None:
    cls = msgspec.defstruct(
        "Renamed", [("a", int)], frozen=True, namespace={"__qualname__": "<locals>.Renamed"}
    )
    now = event_type(register(cls))
    lock = Lock({"Before": {1: published(now)}})
    gone, new = check(lock, [now])
    assert (gone.level, new.level) == ("broken", "news")
    assert 'If it is Renamed now: class Renamed(Event, name="Before").' in gone.remedy


def test_a_lock_is_the_same_after_it_was_written_and_read_and_the_same_bytes_each_time(
    tmp_path: Path,
) -> None:
    lock, now = versions([("a", int), ("t", Annotated[str, Tagged("key")])], [("a", int)])
    lock = updated(lock, [now])
    locks.write(lock, tmp_path / "events.lock")
    first = (tmp_path / "events.lock").read_bytes()
    assert locks.read(tmp_path / "events.lock") == lock
    locks.write(locks.read(tmp_path / "events.lock"), tmp_path / "events.lock")
    assert (tmp_path / "events.lock").read_bytes() == first
    assert json.loads(first)["events"][now.name]["1"]["tags"] == {"t": "key"}
    assert [path.name for path in tmp_path.iterdir()] == ["events.lock"]


def test_a_lock_that_is_missing_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(LockError, match="make one with: backstory schema lock"):
        locks.read(tmp_path / "events.lock")


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(changes())
def test_a_stub_is_python_and_names_every_field(
    change: tuple[list[Any], list[Any], dict[str, Any], set[str]],
) -> None:
    before, after, _, _ = change
    try:
        old, new = kind(before), kind(after)
    except Exception:  # no class at all
        assume(False)
        raise
    changed = differences(published(old).schema, published(new).schema)
    assume(changed)
    text = stub(new, changed, published(old), published(new))
    ast.parse(text)
    assert all(f'"{difference.path[0]}"' in text for difference in changed)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(st.lists(KINDS, min_size=1, max_size=3))
def test_samples_are_data_that_the_class_reads(kinds: list[Any]) -> None:
    try:
        made = kind([(name, each.annotation) for name, each in zip("abc", kinds, strict=False)])
    except Exception:  # no class at all
        assume(False)
        raise
    for sample in samples(published(made).schema):
        made.load(msgspec.json.encode(sample))


class Inner(pydantic.BaseModel, frozen=True):
    city: str


class Before(pydantic.BaseModel, frozen=True):
    account: Annotated[str, Tagged()]
    cents: int
    to: Inner
    inner: list[Inner] = []


class After(pydantic.BaseModel, frozen=True):
    account: Annotated[str, Tagged()]
    cents: float
    to: Inner | None = None
    inner: list[Inner] = []
    memo: str | None = None


class Wrong(pydantic.BaseModel, frozen=True):
    account: Annotated[str, Tagged()]
    cents: Annotated[int, pydantic.Field(ge=1)]
    inner: list[Inner] = []


def of(cls: type[Any]) -> Published:
    return published(event_type(register(cls, name=f"{cls.__name__}{next(names)}")))


def test_pydantic_models_are_compared_by_their_own_schemas() -> None:
    assert differences(of(Before).schema, of(After).schema) == []
    assert of(Before).tags == {"account": "account"}
    wrong = {(one.place, one.kind) for one in differences(of(Before).schema, of(Wrong).schema)}
    assert wrong == {("cents", "type"), ("to", "removed")}
    assert differences(of(After).schema, of(Before).schema) != []


def test_a_registered_class_gets_a_stub_that_registers() -> None:
    @dataclasses.dataclass(frozen=True)
    class Paid:
        cents: int

    @dataclasses.dataclass(frozen=True)
    class PaidNow:
        cents: int
        by: str

    name = f"paid{next(names)}"
    lock = updated(Lock({}), [event_type(register(Paid, name=name))])
    [finding] = check(lock, [event_type(register(PaidNow, name=name))])
    assert isinstance(finding, Finding)
    assert f'register(PaidNow, name="{name}", version=2, upcasters={{1: from_1}})' in finding.stub
    ast.parse(finding.stub)


def test_the_stub_mends_data_without_a_field_that_had_a_default() -> None:
    old = kind([("ticket", str), ("reason", str, "none"), ("count", int, 2)])
    new = kind([("ticket", str), ("resolution", str), ("count", str)])
    [finding] = check(Lock({new.name: {1: published(old)}}), [new])
    mended: dict[str, Any] = {}
    function = textwrap.dedent(finding.stub.rpartition("@staticmethod\n")[2]).split("\n\nregister")[0]
    exec(function, {"Any": Any}, mended)
    from_1 = mended["from_1"]
    assert from_1({"ticket": "t"}) == {"ticket": "t", "resolution": "none", "count": "2"}
    assert from_1({"ticket": "t", "reason": "x", "count": 3}) == {
        "ticket": "t",
        "resolution": "x",
        "count": "3",
    }


def test_the_first_remedy_for_a_new_field_is_a_default() -> None:
    old = kind([("ticket", TAG)])
    new = kind([("ticket", TAG), ("subject", str), ("urgent", bool)])
    [finding] = check(Lock({new.name: {1: published(old)}}), [new])
    assert finding.remedy.startswith(
        "Give subject and urgent a default, which stored events take, and no new"
    )
    tagged_too = kind([("ticket", TAG), ("agent", TAG)])
    [finding] = check(Lock({tagged_too.name: {1: published(old)}}), [tagged_too])
    assert finding.remedy.startswith("Events of version 1 stay")


def test_a_field_that_was_renamed_is_guessed_in_the_stub() -> None:
    old, new = kind([("a", int)]), kind([("b", int)])
    before, after = published(old).schema, published(new).schema
    assert 'data["b"] = data.pop("a")' in stub(
        new, differences(before, after), published(old), published(new)
    )
