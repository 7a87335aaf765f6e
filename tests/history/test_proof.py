"""A proof of one event holds for the head that was kept and no other, and tells nothing else. Checked by hand, too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstory import Database, Event, Tag, check_proof
from backstory.conformance.sample import fact
from backstory.errors import InvalidEvent, ProofError, UnknownRevision
from backstory.history.check.heads import written
from backstory.history.check.proof import Proof, prove
from backstory.history.forget.withholding import withhold
from backstory.store import Store, append
from backstory.stores.memory import MemoryStore
from backstory.values.commit import draft
from backstory.values.hashes import audit_path, merkle_root, root_above
from backstory.values.query import Condition, Query


class Paid(Event, name="proof.paid"):
    account: Tag[str]
    cents: int


class Noted(Event, name="proof.noted"):
    text: str


@pytest.fixture
def db(store: Store) -> Database:
    """Three commits, the second of which has three events and every part."""
    db = Database(store)
    db.append(Noted("before"), id="before")
    db.append(
        Paid("é", 900),
        Noted("CANARY-event"),
        Paid("b", 1),
        id="middle",
        author="CANARY-author",
        message="a message",
        metadata={"ip": "CANARY-metadata"},
        condition=Condition(Query.of(tags=["CANARY:query"]), 1),
    )
    db.append(Noted("CANARY-after"), id="after", message="CANARY-later")
    return db


def by_hand(proof: dict[str, Any]) -> str:
    """The hash of the head that a proof leads to, by docs/design/format.md alone."""

    def sized(text: str) -> bytes:
        return len(text.encode()).to_bytes(8, "big") + text.encode()

    def digest(part: dict[str, str]) -> bytes:
        return sha256(b"\2" + bytes.fromhex(part["salt"]) + part["text"].encode()).digest()

    event, commit = proof["event"], proof["commit"]
    data = bytes.fromhex(event["digest"])
    assert event["data"] is None or digest(event["data"]) == data
    leaf = b"\0" + sized(event["type"]) + event["version"].to_bytes(8, "big")
    leaf += len(event["tags"]).to_bytes(8, "big") + b"".join(map(sized, event["tags"])) + data
    node = sha256(leaf).digest()
    for side, beside in proof["path"]:
        other = bytes.fromhex(beside)
        node = sha256(b"\1" + (other + node if side == "left" else node + other)).digest()
    for name, part in commit["shown"].items():
        assert digest(part).hex() == commit[name]
    content = (
        b"backstory content 1\n" + sized(commit["id"]) + commit["authored"].to_bytes(8, "big", signed=True)
    )
    for name in ("author", "message", "command", "metadata"):
        content += bytes.fromhex(commit[name])
    content += b"\0" if commit["query"] is None else b"\1" + bytes.fromhex(commit["query"])
    links = [(sha256(content + node).hexdigest(), commit["after"]), *proof["chain"]]
    found = bytes.fromhex(proof["parent"])
    for hash, after in links:
        place = b"\0" if after is None else b"\1" + after.to_bytes(8, "big")
        found = sha256(b"backstory commit 1\n" + found + bytes.fromhex(hash) + place).digest()
    return found.hex()


def test_an_event_is_proven_to_somebody_who_has_only_the_head(db: Database) -> None:
    head = db.head()
    proof = db.prove("middle", 1, show=["message"])
    for kept in (written(head), head.hash.hex()):
        found = check_proof(proof.json(), kept)
        assert (found.type, found.version, found.tags) == ("proof.paid", 1, ("account:é",))
        assert json.loads(found.data or b"") == {"account": "é", "cents": 900}
        assert (found.id, found.parts, found.head) == ("middle", {"message": "a message"}, head.hash)
        assert found.authored == db.point("middle").commit.authored  # type: ignore[union-attr]
    assert by_hand(json.loads(proof.json())) == head.hash.hex()


@pytest.mark.parametrize("place", [1, 3])
def test_a_proof_tells_nothing_of_other_events_and_parts(db: Database, place: int) -> None:
    text = db.prove("middle", place).json().decode()
    assert "CANARY" not in text
    for commit in db.commits():
        assert commit.secret.hex() not in text
    whole = json.loads(text)
    salts = [whole["event"]["data"]["salt"]]
    assert text.count("salt") == len(salts) == 1


def test_a_proof_leads_to_any_later_head_and_to_no_other(db: Database) -> None:
    middle, after = db.point("middle").commit, db.point("after").commit
    assert middle is not None
    assert after is not None
    near, far = db.prove(2, head="middle"), db.prove(2)
    assert (len(near.chain), len(far.chain)) == (0, 1)
    assert near.check(middle.hash.hex()).id == far.check(after.hash.hex()).id == "middle"
    for proof, head in ((near, after), (far, middle)):
        with pytest.raises(ProofError, match="leads to the head"):
            proof.check(head.hash.hex())
    with pytest.raises(ProofError, match="does not have the commit"):
        db.prove("after", head="middle")
    with pytest.raises(ProofError, match="does not have the commit"):
        db.prove("after", head=0)
    with pytest.raises(UnknownRevision, match="64 hex digits"):
        far.check(after.hash.hex()[:10])


def test_a_proof_of_a_branch_leads_to_its_head_and_across_its_start(db: Database) -> None:
    trial = db.branch("trial", at="middle")
    trial.append(Paid("x", 1), id="tried")
    head = trial.head().hash.hex()
    assert db.prove("tried").check(head).id == trial.prove("tried").check(head).id == "tried"
    assert trial.prove("before").check(head).id == "before"
    assert db.prove("before", head="trial").check(head).id == "before"
    with pytest.raises(ProofError, match="does not have the commit"):
        db.prove("after", head="trial")
    assert db.prove("trial~1", 1).check(head).id == "middle"


def test_the_event_is_named_where_a_commit_has_several(db: Database) -> None:
    assert [db.prove(position).event.tags for position in (2, 4)] == [("account:é",), ("account:b",)]
    for event in (None, 0, 4, -1):
        with pytest.raises(UnknownRevision, match=r"3 events|1 to 3"):
            db.prove("middle", event)
    with pytest.raises(UnknownRevision):
        db.prove(0)


def test_what_is_withheld_is_proven_by_its_digest(db: Database) -> None:
    commit = db.point("middle").commit
    assert commit is not None
    withhold(db.branches, commit, ["author", "data:1"])
    head = db.head().hash.hex()
    assert db.prove("middle", 3, show=["message"]).check(head).parts == {"message": "a message"}
    hidden = db.prove("middle", 1, data=False)
    assert hidden.check(head).data is None
    assert by_hand(json.loads(hidden.json())) == head
    with pytest.raises(ProofError, match="withheld"):
        db.prove("middle", 1)
    with pytest.raises(ProofError, match=r"author: .* withheld"):
        db.prove("middle", 3, show=["author"])
    with pytest.raises(InvalidEvent, match="no part 'data'"):
        db.prove("middle", 3, show=["data"])


def sample() -> tuple[dict[str, Any], str]:
    db = Database(MemoryStore())
    db.append(Noted("before"))
    db.append(Paid("a", 1), Noted("b"), Paid("c", 3), author="ann", condition=Condition(Query.all(), 1))
    db.append(Noted("after"))
    proof = db.prove("main~1", 2, show=["author"])
    return json.loads(proof.json()), db.head().hash.hex()


def leaves(part: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value of a JSON document."""
    items = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, value in items:
        yield from leaves(value, (*path, key))
    if not isinstance(part, dict | list):
        yield path


WHOLE, HEAD = sample()


@pytest.mark.parametrize("path", list(leaves(WHOLE)), ids=lambda path: "/".join(map(str, path)))
def test_no_value_of_a_proof_can_be_another_one(path: tuple[Any, ...]) -> None:
    if path == ("head",):
        return  # it says to which head it leads, and is not believed
    forged = json.loads(json.dumps(WHOLE))
    *way, last = path
    part = forged
    for step in way:
        part = part[step]
    old = part[last]
    assert check_proof(json.dumps(forged), HEAD).type == "proof.noted"
    if isinstance(old, int):
        others: list[Any] = [old + 1, -1, 1 << 64, None]
    elif old is None:
        others = [0, "00" * 32]
    elif old in ("left", "right"):
        others = ["right" if old == "left" else "left", "middle"]
    else:
        others = [old[:-1] + ("0" if old[-1] != "0" else "1"), old + "0", "", None]
    for other in others:
        part[last] = other
        with pytest.raises(ProofError):
            check_proof(json.dumps(forged), HEAD)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", b"\xff", "[" * 100_000, json.dumps({**WHOLE, "more": 1})]
)
def test_what_is_no_proof_is_told(text: str | bytes) -> None:
    with pytest.raises(ProofError, match="this is no proof"):
        check_proof(text, HEAD)


@given(st.integers(1, 70), st.data())
def test_the_path_of_each_leaf_leads_to_the_root(size: int, data: st.DataObject) -> None:
    hashes = [sha256(bytes([number])).digest() for number in range(size)]
    place = data.draw(st.integers(0, size - 1))
    path = audit_path(hashes, place)
    assert root_above(hashes[place], path) == merkle_root(hashes)
    assert len(path) <= (size - 1).bit_length()


@given(st.integers(1, 40), st.integers(0, 3), st.integers(0, 3))
def test_any_event_of_any_commit_is_proven(size: int, before: int, after: int) -> None:
    log = MemoryStore().log()
    time = Database(MemoryStore()).append(Noted("now")).time

    def add(number: int, count: int) -> None:
        append(
            log, draft([fact("A", f"n:{place}") for place in range(count)], id=f"{number}-{count}", time=time)
        )

    for number in range(before):
        add(number, 1)
    add(9, size)
    for number in range(after):
        add(20 + number, 2)
    [commit] = [one for one in log.commits() if one.id.startswith("9-")]
    for place in range(1, size + 1):
        proof = prove(log, commit, place, log.head())
        assert isinstance(proof, Proof)
        assert proof.check(log.head().hash.hex()).tags == (f"n:{place - 1}",)
