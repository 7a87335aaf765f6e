"""The vectors of docs/design/format.md, recomputed by code that knows that page and nothing of Backstory."""

from __future__ import annotations

import json
import struct
from hashlib import sha256, shake_256
from pathlib import Path
from typing import Any

import pytest

PATH = Path(__file__).parents[2] / "docs" / "design" / "format-vectors.json"
VECTORS: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))

ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def u64(number: int) -> bytes:
    return struct.pack(">Q", number)


def sized(part: str | bytes) -> bytes:
    raw = part.encode() if isinstance(part, str) else part
    return u64(len(raw)) + raw


def digest(salt: bytes, part: str) -> bytes:
    return sha256(b"\2" + salt + part.encode()).digest() if part else sha256(b"\2").digest()


def openings(secret: bytes, count: int) -> list[dict[str, str]]:
    if len(secret) == 16:
        salts = shake_256(b"backstory salts 1\n" + secret).digest(16 * count)
        return [{"salt": salts[16 * n :][:16].hex()} for n in range(count)]
    found = []
    while secret:
        kind, size = ("salt", 16) if secret[0] == 0 else ("digest", 32)
        found.append({kind: secret[1:][:size].hex()})
        secret = secret[1 + size :]
    assert len(found) == count
    return found


def digests(commit: dict[str, Any]) -> list[bytes]:
    metadata = "" if commit["metadata"] == "{}" else commit["metadata"]
    parts = [commit["author"], commit["message"], commit["command"], metadata, commit["query"] or ""]
    parts += [event["data"] for event in commit["events"]]
    known = openings(bytes.fromhex(commit["secret"]), len(parts))
    return [
        bytes.fromhex(one["digest"]) if "digest" in one else digest(bytes.fromhex(one["salt"]), part)
        for one, part in zip(known, parts, strict=True)
    ]


def leaf(event: dict[str, Any], data: bytes) -> bytes:
    tags = b"".join(sized(tag) for tag in event["tags"])
    head = b"\0" + sized(event["type"]) + u64(event["version"]) + u64(len(event["tags"])) + tags
    return sha256(head + data).digest()


def root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return sha256(b"\1" + root(leaves[:half]) + root(leaves[half:])).digest()


def commit_root(commit: dict[str, Any]) -> bytes:
    return root(list(map(leaf, commit["events"], digests(commit)[5:])))


def content(commit: dict[str, Any]) -> bytes:
    author, message, command, metadata, query, *_ = digests(commit)
    said = b"backstory content 1\n" + sized(commit["id"]) + struct.pack(">q", commit["authored"])
    said += author + message + command + metadata
    said += b"\0" if commit["after"] is None else b"\1" + query
    return sha256(said + commit_root(commit)).digest()


def commit_hash(commit: dict[str, Any]) -> bytes:
    decided = b"\0" if commit["after"] is None else b"\1" + u64(commit["after"])
    parts = b"backstory commit 1\n" + bytes.fromhex(commit["parent"]) + content(commit) + decided
    return sha256(parts).digest()


def quoted(text: str) -> str:
    return '"' + "".join(ESCAPES.get(c) or (f"\\u{ord(c):04x}" if c < " " else c) for c in text) + '"'


def query_text(clauses: list[dict[str, list[str]]]) -> str:
    def array(texts: list[str]) -> str:
        return "[" + ",".join(map(quoted, texts)) + "]"

    return "[" + ",".join(f'{{"types":{array(c["types"])},"tags":{array(c["tags"])}}}' for c in clauses) + "]"


@pytest.mark.parametrize("vector", VECTORS["leaves"], ids=lambda vector: vector["what"])
def test_a_leaf_is_what_the_page_says(vector: dict[str, Any]) -> None:
    data = digest(bytes.fromhex(vector["salt"]), vector["data"])
    assert data.hex() == vector["digest"]
    assert leaf(vector, data).hex() == vector["leaf"]
    assert vector["tags"] == sorted(set(vector["tags"]))


@pytest.mark.parametrize("vector", VECTORS["roots"], ids=lambda vector: str(vector["leaves"]))
def test_a_root_is_what_the_page_says(vector: dict[str, Any]) -> None:
    events: list[dict[str, Any]] = [
        {"type": "Numbered", "version": 1, "tags": [], "data": f'{{"n":{number}}}'}
        for number in range(vector["leaves"])
    ]
    leaves = [leaf(event, sha256(event["data"].encode()).digest()) for event in events]
    assert root(leaves).hex() == vector["root"]


@pytest.mark.parametrize("vector", VECTORS["queries"], ids=lambda vector: vector["what"])
def test_a_query_is_written_as_the_page_says(vector: dict[str, Any]) -> None:
    assert query_text(vector["clauses"]) == vector["text"]
    for clause in vector["clauses"]:
        assert list(clause) == ["types", "tags"]
        assert all(texts == sorted(set(texts)) for texts in clause.values())


@pytest.mark.parametrize("vector", VECTORS["commits"], ids=lambda vector: vector["id"])
def test_a_commit_is_hashed_as_the_page_says(vector: dict[str, Any]) -> None:
    assert openings(bytes.fromhex(vector["secret"]), len(vector["digests"])) == vector["openings"]
    assert [found.hex() for found in digests(vector)] == vector["digests"]
    assert commit_root(vector).hex() == vector["root"]
    assert content(vector).hex() == vector["content"]
    assert commit_hash(vector).hex() == vector["hash"]


def test_the_commits_of_the_vectors_are_a_chain() -> None:
    parent, position, time = "00" * 32, 0, 0
    for commit in VECTORS["commits"]:
        assert commit["parent"] == parent
        position += len(commit["events"])
        time = max(time, commit["authored"])
        assert (commit["position"], commit["time"]) == (position, time)
        parent = commit["hash"]


def test_the_vectors_have_commits_with_parts_withheld() -> None:
    withheld = [sum("digest" in one for one in commit["openings"]) for commit in VECTORS["commits"]]
    assert {0, 1, 4, 6} <= set(withheld)
    for commit in VECTORS["commits"]:
        parts = [commit[name] for name in ("author", "message", "command", "metadata", "query")]
        parts += [event["data"] for event in commit["events"]]
        known = ["salt" in one or part is None for part, one in zip(parts, commit["openings"], strict=True)]
        assert all(known)
