"""The promises of links: a commit is found by the ids that its metadata names."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from backstory.conformance.sample import decided, fact, fill, ids
from backstory.errors import InvalidEvent
from backstory.store import Log, append
from backstory.values.commit import Commit

ALIKE = ("pay-1", "PAY-1", "pay-11", "pay-1 ", '"pay-1"', "pay-1\\", "é", "e\u0301", "a:b", "causation:a", "")
"""Ids that look alike, and are different ids."""


def named(log: Log, *events: Any, **metadata: Any) -> Commit:
    """Append a commit with this metadata."""
    [commit] = append(log, decided(*events, metadata=metadata))
    return commit


class Linking:
    """Sentences about `linked`."""

    def test_commits_are_found_by_the_ids_that_they_name_near_and_far(self, log: Log) -> None:
        first = named(log, fact("A", "n:1"), fact("B"), causation="order-1", correlation="req-1")
        second = named(log, fact("A", "n:1"), causation="order-1", other="order-2")
        undo = named(log, reverts=["order-1", "order-2", "order-1"], correlation="req-1")
        for _ in range(2):
            assert list(log.linked("causation", "order-1")) == [first, second]
            assert list(log.linked("correlation", "req-1")) == [first, undo]
            assert list(log.linked("reverts", "order-1")) == list(log.linked("reverts", "order-2")) == [undo]
            assert list(log.linked("causation", "order-2")) == list(log.linked("reverts", "req-1")) == []
            fill(log)

    def test_links_that_look_alike_are_different_links(self, log: Log) -> None:
        commits = {id: named(log, causation=id) for id in ALIKE}
        for _ in range(2):
            for id, commit in commits.items():
                assert list(log.linked("causation", id)) == [commit]
            fill(log)

    @pytest.mark.parametrize(
        "metadata",
        [
            {"causation": 1, "correlation": ["x"], "reverts": "x"},
            {"causation": {"causation": "x"}, "reverts": [1, ["x"], {"reverts": ["x"]}]},
            {"note": '"causation":"x"', "about": {"causation": "x", "reverts": ["x"]}},
        ],
    )
    def test_metadata_of_another_form_names_nothing(self, log: Log, metadata: dict[str, Any]) -> None:
        named(log, **metadata)
        for _ in range(2):
            assert not any(any(log.linked(key, "x")) for key in ("causation", "correlation", "reverts"))
            fill(log)

    @pytest.mark.parametrize("id", ["\ud800", 5, None])
    def test_an_id_that_no_metadata_can_have_is_refused(self, log: Log, id: Any) -> None:
        with pytest.raises(InvalidEvent, match=r"^the id of a causation is text"):
            list(log.linked("causation", id))

    def test_a_tag_is_no_link(self, log: Log) -> None:
        append(log, decided(fact("A", "causation:x")))
        fill(log)
        assert list(log.linked("causation", "x")) == []

    def test_links_are_bounded_as_commits_are(self, log: Log) -> None:
        for number in range(150):
            named(
                log,
                *[fact()] * (1 + number % 3),
                **({"causation": "x"} if number % 2 else {"causation": "y"}),
            )
        expected = [commit for commit in log.commits() if commit.metadata["causation"] == "x"]
        for after, upto, limit in product((0, 1, 3, 240, 290, 999), (None, 0, 3, 100, 999), (None, 0, 1, 70)):
            end = 999 if upto is None else upto
            found = [commit for commit in expected if after < commit.position <= end][:limit]
            assert list(log.linked("causation", "x", after=after, upto=upto, limit=limit)) == found

    def test_a_commit_may_name_many(self, log: Log) -> None:
        commit = named(log, reverts=[f"c-{number}" for number in range(3000)])
        fill(log)
        assert list(log.linked("reverts", "c-2999")) == [commit]
        assert ids(log.linked("reverts", "c-3000")) == []
