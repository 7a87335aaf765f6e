"""The promises of `Log.append`: order, atomicity, a verdict for each batch, times and hashes."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from backstory.conformance.sample import START, decided, fact, ids, one, positions
from backstory.errors import Conflict, HeadMoved
from backstory.store import Log, Store, append, create_log
from backstory.values.commit import (
    AUTHOR,
    EARLIEST,
    EPOCH,
    LATEST,
    MICROSECOND,
    NO_HASH,
    ORIGIN,
    QUERY,
    Head,
    chained,
    content_hash,
    draft,
    withheld,
)
from backstory.values.event_data import DEPTH
from backstory.values.hashes import commit_hash
from backstory.values.query import Condition, Query

SECOND = 6
"""The place of the second event among the parts of a commit."""

DATA = [
    b"{}",
    b' {"a" :  1.50, "a":2} ',
    '{"größe":"∑ 𝄞 e\u0301 \u2028"}'.encode(),
    b'{"n":123456789012345678901234567890,"f":1e-7,"nul":"\\u0000","pair":"\\ud834\\udd1e"}',
    b'{"deep":[[[{"x":[null,true,false]}]]]}',
    b'{"deepest":' + b"[" * (DEPTH - 1) + b"]" * (DEPTH - 1) + b"}",
]


class Appending:
    """Sentences about appending."""

    def test_an_empty_log_ends_at_its_origin(self, log: Log) -> None:
        assert log.head() == ORIGIN
        assert list(log.read()) == []
        assert list(log.commits()) == []

    def test_positions_count_from_one_without_gaps(self, log: Log) -> None:
        for size in (1, 3, 2):
            one(log, *[fact()] * size)
        assert positions(log.read()) == [1, 2, 3, 4, 5, 6]

    def test_a_commit_stands_at_the_position_of_its_last_event(self, log: Log) -> None:
        commits = append(log, decided(fact(), fact()), decided(fact(), fact(), fact()))
        assert [(commit.first, commit.position, commit.size) for commit in commits] == [(1, 2, 2), (3, 5, 3)]

    def test_every_event_names_the_position_of_its_commit(self, log: Log) -> None:
        append(log, decided(fact(), fact()), decided(fact()))
        assert [event.commit for event in log.read()] == [2, 2, 3]

    def test_the_head_is_the_last_commit(self, log: Log) -> None:
        append(log, decided(), decided(fact(), fact(), at=5))
        [last] = log.commits(backwards=True, limit=1)
        assert log.head() == Head(last.position, last.hash, last.time)

    def test_what_is_read_is_what_was_returned(self, log: Log) -> None:
        commits = append(log, decided(message="one"), decided(fact(), fact(), query=Query.all()))
        assert tuple(log.commits()) == commits

    def test_events_keep_their_type_version_and_tags(self, log: Log) -> None:
        event = fact("bank.Withdrawn é", "account:a-7", "who:ann")
        event = type(event)(event.type, 7, event.tags, event.data)
        one(log, event)
        [found] = log.read()
        assert (found.type, found.version, found.tags) == (event.type, 7, ("account:a-7", "who:ann"))

    @pytest.mark.parametrize(
        "data", DATA, ids=["empty", "spaced", "unicode", "numbers", "nested", "nested as deeply as may be"]
    )
    def test_data_is_kept_byte_for_byte(self, log: Log, data: bytes) -> None:
        one(log, fact(data=data))
        [found] = log.read()
        assert found.data == data

    def test_a_commit_keeps_everything_that_its_draft_said(self, log: Log) -> None:
        draft = decided(
            author="Ann <ann@example.org>",
            message="first line\n\nthe rest, with 'quotes', \"more\" and 𝄞\t",
            command={"name": "pay", "arguments": {"cents": 5, "to": ["b", None]}},
            metadata={"ip": "::1", "nested": {"a": [1, 2.5, True]}},
            query=Query.of(["B", "A"], ["y:2", "x:1"]) | Query.of(["C"]),
        )
        append(log, draft)
        [commit] = log.commits()
        assert (commit.id, commit.author, commit.message) == (draft.id, draft.author, draft.message)
        assert (commit.command_json, commit.metadata_json) == (draft.command_json, draft.metadata_json)
        assert (commit.command, commit.metadata["ip"]) == (
            {"name": "pay", "arguments": {"cents": 5, "to": ["b", None]}},
            "::1",
        )
        assert commit.condition == draft.condition

    def test_a_commit_without_command_condition_or_metadata_says_so(self, log: Log) -> None:
        commit = one(log)
        assert [commit] == list(log.commits())
        assert (commit.command, commit.condition, commit.metadata) == (None, None, {})

    def test_the_drafts_of_a_batch_become_commits_in_their_order(self, log: Log) -> None:
        drafts = [decided(fact(f"E{number}")) for number in range(20)]
        assert ids(append(log, *drafts)) == [draft.id for draft in drafts] == ids(log.commits())
        assert [event.type for event in log.read()] == [f"E{number}" for number in range(20)]

    def test_a_batch_goes_in_whole_or_not_at_all(self, log: Log) -> None:
        one(log, fact("Taken"))
        before = log.head()
        batch = [decided(), decided(query=Query.of(["Taken"])), decided()]
        [verdict] = log.append([batch])
        assert isinstance(verdict, Conflict)
        assert log.head() == before
        assert positions(log.read()) == [1]
        assert [log.find(draft.id) for draft in batch] == [[], [], []]

    def test_a_batch_that_is_refused_leaves_no_gap(self, log: Log) -> None:
        one(log, fact("Taken"))
        log.append([[decided(fact(), fact(), query=Query.of(["Taken"]))]])
        assert one(log).position == 2

    def test_each_batch_gets_a_verdict_of_its_own(self, log: Log) -> None:
        one(log, fact("Taken"))
        good, bad, last = decided(), decided(query=Query.of(["Taken"])), decided(fact(), fact())
        first, second, third = log.append([[good], [bad], [last]])
        assert isinstance(first, tuple)
        assert isinstance(second, Conflict)
        assert isinstance(third, tuple)
        assert positions(first) + positions(third) == [2, 4]
        assert ids(log.commits(after=1)) == [good.id, last.id]

    def test_no_batches_get_no_verdicts(self, log: Log) -> None:
        assert log.append([]) == []

    def test_a_batch_of_no_drafts_becomes_no_commits(self, log: Log) -> None:
        first, second, third = log.append([[], [decided()], []])
        assert (first, third) == ((), ())
        assert isinstance(second, tuple)
        assert positions(log.read()) == [1]

    def test_a_batch_sees_the_batches_before_it_in_the_same_call(self, log: Log) -> None:
        seats = Query.of(["Booked"], ["seat:1"])
        first, second = log.append([[decided(fact("Booked", "seat:1"), query=seats)] for _ in "ab"])
        assert isinstance(first, tuple)
        assert isinstance(second, Conflict)
        assert positions(second.events) == [1]

    def test_a_condition_is_judged_against_the_log_before_its_batch(self, log: Log) -> None:
        seats = Query.of(["Booked"], ["seat:1"])
        batch = [decided(fact("Booked", "seat:1"), query=seats) for _ in "ab"]
        assert positions(append(log, *batch)) == [1, 2]

    def test_a_batch_that_names_its_parent_goes_in_on_top_of_it_only(self, log: Log) -> None:
        first = one(log)
        good, late = (
            replace(decided(), parent=first.hash),
            replace(decided(fact(), fact()), parent=first.hash),
        )
        accepted, refused = log.append([[good, decided()], [late]])
        assert isinstance(accepted, tuple)
        assert isinstance(refused, HeadMoved)
        assert refused.head == log.head().position == 3
        assert positions(append(log, replace(late, parent=log.head().hash))) == [5]

    def test_the_parent_of_a_logs_first_commit_is_the_hash_of_its_origin(self, log: Log) -> None:
        [refused] = log.append([[replace(decided(), parent=bytes([1] * 32))]])
        assert isinstance(refused, HeadMoved)
        assert positions(append(log, replace(decided(), parent=NO_HASH))) == [1]

    def test_a_retry_that_named_its_parent_is_known_though_the_log_has_gone_on(self, log: Log) -> None:
        draft = replace(decided(), parent=NO_HASH)
        commits = append(log, draft)
        one(log)
        assert append(log, draft) == commits

    def test_commit_time_never_goes_back_and_the_authors_time_is_kept(self, log: Log) -> None:
        append(log, decided(at=10), decided(at=-5), decided(at=10.000001))
        append(log, decided(at=3), decided(at=20))
        commits = list(log.commits())
        assert [(commit.authored - START).total_seconds() for commit in commits] == [10, -5, 10.000001, 3, 20]
        assert [(commit.time - START).total_seconds() for commit in commits] == [
            10,
            10,
            10.000001,
            10.000001,
            20,
        ]

    def test_times_are_kept_to_the_microsecond_from_the_first_year_to_the_last(self, log: Log) -> None:
        times = [EARLIEST, EPOCH - MICROSECOND, START + MICROSECOND, LATEST]
        append(log, *(draft([fact()], id=f"t{number}", time=time) for number, time in enumerate(times)))
        assert [commit.authored for commit in log.commits()] == times

    def test_each_commit_stands_on_the_hash_of_the_one_before(self, log: Log) -> None:
        for number in range(5):
            one(log, fact(f"E{number}"), fact())
        append(log, decided(query=Query.all(), after=10), decided())
        parent = NO_HASH
        for commit in log.commits():
            after = None if commit.condition is None else commit.condition.after
            assert commit.hash == commit_hash(parent, commit.content, after)
            parent = commit.hash

    def test_content_hashes_can_be_recomputed_from_what_is_read(self, log: Log) -> None:
        append(log, decided(fact("A", "x:1", "y:2"), fact("B"), fact("C"), author="ann", message="why", at=1))
        append(log, decided(query=Query.of(["N"], ["x:1"]), after=3, command={"b": 1, "a": 2}))
        for commit in log.commits():
            events = log.read(after=commit.first - 1, upto=commit.position)
            assert commit.content == content_hash(commit, events)

    def test_the_secret_of_a_commit_is_kept(self, log: Log) -> None:
        secrets = [bytes(16), bytes(range(240, 256)), b"'\"\\\r\n\x00\x01\xff      \t "]
        [first] = append(log, decided(secret=secrets[0]))
        append(log, *(decided(secret=secret) for secret in secrets[1:]))
        assert [commit.secret for commit in log.commits()] == secrets
        assert log.find(first.id) == log.find(first.hash.hex()) == [first]

    def test_what_stands_for_withheld_parts_is_kept_and_has_the_same_hashes(self, log: Log) -> None:
        said = decided(fact("A"), fact("B"), author="ann", query=Query.of(["N"]), metadata={"a": 1})
        without = withheld(said, (AUTHOR, QUERY, SECOND))
        [commit] = append(log, without)
        assert (commit.secret, commit.content) == (without.secret, said.content)
        [found] = log.commits()
        assert found == commit == chained(without, ORIGIN)
        assert content_hash(found, log.read()) == said.content
        assert (found.author, found.condition) == ("", Condition(Query.none()))

    def test_commits_are_what_the_pure_rule_makes_of_their_drafts(self, log: Log) -> None:
        drafts = [decided(at=5), decided(fact("A", "x:1"), query=Query.all()), decided(at=1)]
        head = ORIGIN
        for said, commit in zip(drafts, append(log, *drafts), strict=True):
            assert commit == chained(said, head)
            head = Head(commit.position, commit.hash, commit.time)

    def test_an_event_may_have_a_megabyte_of_data(self, log: Log) -> None:
        data = b'{"text":"' + b"x" * 1_000_000 + b'"}'
        one(log, fact("Small"), fact("Large", "size:large", data=data), fact("Small"))
        [found] = log.read(Query.of(tags=["size:large"]))
        assert found.data == data

    def test_a_commit_may_have_five_thousand_events(self, log: Log) -> None:
        one(log, fact("Before"))
        commit = one(
            log, *(fact("Counted", f"n:{number}", f"even:{number % 2 == 0}") for number in range(5000))
        )
        assert (commit.first, commit.position) == (2, 5001)
        assert positions(log.read()) == list(range(1, 5002))
        assert positions(log.read(Query.of(tags=["n:4321"]))) == [4323]
        assert positions(log.read(Query.of(tags=["even:True"]))) == list(range(2, 5002, 2))

    def test_an_event_may_have_many_tags(self, log: Log) -> None:
        tags = [f"group:{number}" for number in range(500)]
        one(log, fact("Joined", *tags), fact("Joined", tags[7]))
        assert positions(log.read(Query.of(tags=[tags[499]]))) == [1]
        assert positions(log.read(Query.of(tags=[tags[7]]))) == [1, 2]
        assert positions(log.read(Query.of(tags=tags))) == [1]

    def test_the_same_drafts_give_the_same_hashes_in_every_log(self, store: Store, log: Log) -> None:
        other = store.log(create_log(store, ORIGIN))
        drafts = [decided(), decided(fact("A", "x:1"), fact("B"), query=Query.all())]
        assert append(log, *drafts) == append(other, *drafts)
