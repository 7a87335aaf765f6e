"""The promise of a tag: it matches itself, to the last code point, and nothing else, for every text."""

from __future__ import annotations

import pytest

from backstory.conformance.sample import FAR, decided, fact, fill, one, positions
from backstory.errors import Conflict
from backstory.store import Log, append
from backstory.values.query import Query

LONG = "x:" + "long " * 2_000

TAGS = {
    "case": [
        "a:b",
        "A:b",
        "a:B",
        "A:B",
        "i:b",
        "I:b",
        "\u0131:b",
        "\u0130:b",
        "ß:b",
        "ss:b",
        "k:b",
        "K:b",
        "\u212a:b",
    ],
    "spaces": [
        "a:b c",
        "a:b",
        "a:c",
        "a:b  c",
        "a: b c",
        "a:b c ",
        "a b:c",
        "a:b\tc",
        "a:b\nc",
        "a:b\u00a0c",
        "a: ",
    ],
    "quotes": [
        "a:'b'",
        "a:b",
        'a:"b"',
        "a:`b`",
        'a:"',
        "a:'",
        "a:''",
        'a:""',
        "a:\\",
        'a:\\"',
        "a:\\\\",
        "a:b'--",
    ],
    "colons": ["a:b:c", "a:b", "a::b", "a:b:", "a:::", "b:c", "a:b::c", "ab:c", "a:bc"],
    "commas": ["a:b,c", "a:b", "a:c", "a:b,a:c", "a:,", "a:b,", "a:b, c", "a:b;c"],
    "prefixes": [
        "a-1:x",
        "a-11:x",
        "a:1",
        "a:11",
        "a:111",
        "a:1 ",
        "a:1-1",
        "a:1_1",
        "a:1.1",
        "aa:1",
        "a:01",
        "a:1e0",
    ],
    "whole_tags": [
        "a:b",
        'a:"a:b',
        'a:"a:b"',
        'c:"a:b',
        'c:"a:b"',
        'c:,"a:b"',
        'c:["a:b"]',
        'c:","a:b',
        'c:","a:b","',
        'c:"],["a:b',
        'c:\\"a:b',
        'c:\\\\"a:b\\\\',
        'c:\n"a:b',
        "c:a:b",
        "c:'a:b'",
    ],
    "ends_of_tags": [
        "a:b",
        'a:b"',
        'a:b",',
        "a:b\\",
        'a:b\\"',
        'a:b"]',
        "a:b,",
        "a:b]",
        "a:b:",
        "a:b\n",
        "a:b ",
    ],
    "folding": [
        "a:ß",
        "a:ss",
        "a:SS",
        "a:\u1e9e",
        "a:i",
        "a:I",
        "a:\u0131",
        "a:\u0130",
        "a:i\u0307",
        "a:k",
        "a:K",
        "a:\u212a",
        "a:s",
        "a:\u017f",
        "a:\u03a9",
        "a:\u2126",
    ],
    "json": [
        'a:["b"]',
        'a:b","a:c',
        'a:{"b":1}',
        "a:null",
        "a:\\u0062",
        "a:b",
        'a:b"]',
        "a:[",
        "a:]",
        "a:\\n",
        "a:\\/",
    ],
    "sql": [
        "a:b%",
        "a:b_",
        "a:bc",
        "a:%",
        "a:_",
        "a:b'; DROP TABLE events; --",
        "a:?",
        "a:?1",
        "a:*",
        "a:b*",
        "a:NULL",
    ],
    "search_syntax": [
        "a:b OR c",
        "a:b AND c",
        "a:NOT b",
        "a:NEAR(b c)",
        "a:^b",
        "a:b + c",
        "a:-b",
        "a:(b)",
        "a:b",
        "a:c",
    ],
    "emoji": ["a:👍", "a:👍🏽", "a:👨‍👩‍👧", "a:👨", "a:👩", "a:❤", "a:❤️", "👍:a", "a:🏳️‍🌈", "a:🏳️"],
    "combining_marks": [
        "a:\u00e9",
        "a:e\u0301",
        "a:e",
        "a:\u00c5",
        "a:A\u030a",
        "a:\u212b",
        "a:\ufb01",
        "a:fi",
        "a:\u2460",
        "a:1",
    ],
    "other_scripts": [
        "a:日本",
        "a:日",
        "a:本",
        "a:عربي",
        "a:\u200eعربي",
        "a:\u0430",
        "a:a",
        "a:ς",
        "a:\u03c3",
        "a:Σ",
    ],
    "control_characters": [
        "a:b",
        "a:b\x01",
        "a:b\x1f",
        "a:b\x7f",
        "a:b\x85",
        "a:b\u200b",
        "a:b\ufeff",
        "a:b\uffff",
    ],
    "length": [LONG, LONG + "x", LONG[:-1], LONG.upper(), "x:long"],
    "numbers": [
        "a:1",
        "a:1.0",
        "a:+1",
        "a:-1",
        "a:0",
        "a:00",
        "a:0x1",
        "a:1e5",
        "a:9223372036854775808",
        "a:\u0663",
        "a:3",
    ],
    "paths": ["a:/b", "a:b/", "a:b", "a:../b", "a:b/../b", "a:b\\b", "a:https://x.org/?a=b&c=d#e", "a:b?c"],
}
"""Groups of tags that a careless index mixes up."""

each_group = pytest.mark.parametrize("tags", TAGS.values(), ids=TAGS)


class Tags:
    """Sentences about groups of tags that look alike in one way."""

    @each_group
    def test_no_tag_matches_another(self, log: Log, tags: list[str]) -> None:
        one(log, *(fact("A", tag) for tag in tags))
        fill(log)
        for place, tag in enumerate(tags, 1):
            assert positions(log.read(Query.of(tags=[tag]))) == [place], tag
            assert positions(log.read(Query.of(["A"], [tag]), upto=len(tags))) == [place], tag

    @each_group
    def test_events_with_all_of_them_match_each(self, log: Log, tags: list[str]) -> None:
        one(log, fact("A", *tags), fact("A", *tags[1:]), fact("A", *tags[:-1]), fact("A"))
        fill(log)
        assert positions(log.read(Query.of(tags=tags))) == [1]
        assert positions(log.read(Query.of(tags=tags[:1]))) == [1, 3]
        assert positions(log.read(Query.of(tags=tags[-1:]))) == [1, 2]
        assert next(log.read()).tags == tuple(sorted(tags))

    @each_group
    def test_only_its_own_tag_is_in_the_way_of_a_condition(self, log: Log, tags: list[str]) -> None:
        one(log, *(fact("A", tag) for tag in tags))
        fill(log)
        for place, tag in enumerate(tags, 1):
            [verdict] = log.append([[decided(query=Query.of(tags=[tag]))]])
            assert isinstance(verdict, Conflict), tag
            assert positions(verdict.events) == [place], tag
            [verdict] = log.append([[decided(fact("Z"), query=Query.of(tags=[tag]), after=place)]])
            assert isinstance(verdict, tuple), tag

    @each_group
    def test_no_tag_matches_another_at_the_end_of_a_long_log(self, log: Log, tags: list[str]) -> None:
        fill(log)
        one(log, *(fact("A", tag, "mark:1") for tag in tags))
        for place, tag in enumerate(tags, FAR + 1):
            for query in (Query.of(tags=[tag]), Query.of(["A"], [tag]), Query.of(tags=[tag, "mark:1"])):
                assert positions(log.read(query)) == [place], query
                [verdict] = log.append([[decided(query=query)]])
                assert isinstance(verdict, Conflict), query
                assert positions(verdict.events) == [place], query

    @each_group
    def test_an_event_that_one_clause_nearly_matches_does_not_match_by_another(
        self, log: Log, tags: list[str]
    ) -> None:
        one(log, *(fact("A", tag, "mark:1") for tag in tags))
        fill(log)
        for place, tag in enumerate(tags, 1):
            query = Query.of(["A"], [tag]) | Query.of(["B"], ["mark:1"])
            assert positions(log.read(query)) == [place], tag
            assert positions(log.read(query, backwards=True, limit=2)) == [place], tag
            [verdict] = log.append([[decided(query=query)]])
            assert isinstance(verdict, Conflict), tag
            assert positions(verdict.events) == [place], tag


class Types:
    """Sentences about event types, which may hold anything too."""

    def test_types_that_look_alike_are_different_types(self, log: Log) -> None:
        types = sorted(
            {tag for group in ("case", "spaces", "quotes", "commas", "sql") for tag in TAGS[group]}
        )
        one(log, *(fact(type) for type in types))
        fill(log)
        for place, type in enumerate(types, 1):
            assert positions(log.read(Query.of([type]))) == [place], type

    def test_a_type_does_not_match_a_tag_of_the_same_text(self, log: Log) -> None:
        one(log, fact("a:b"), fact("A", "a:b"))
        fill(log)
        assert positions(log.read(Query.of(["a:b"]))) == [1]
        assert positions(log.read(Query.of(tags=["a:b"]))) == [2]

    def test_a_tag_that_most_events_have_is_found_on_each(self, log: Log) -> None:
        one(log, *(fact("A", "hot:1", f"cold:{number}") for number in range(FAR)))
        append(log, *(decided(fact("B", "hot:1")) for _ in range(70)))
        assert positions(log.read(Query.of(tags=["hot:1"]))) == list(range(1, FAR + 71))
        assert positions(log.read(Query.of(["A"], ["hot:1", "cold:199"]))) == [FAR]
