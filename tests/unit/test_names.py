"""The range of names that begin with a prefix."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backstory.stores.names import beyond

TEXTS = st.text(
    st.sampled_from("a/\x7f\u0100\ud7ff\ue000\uffff\U0010ffff") | st.characters(exclude_categories=["Cs"]),
    max_size=4,
)


@given(TEXTS, TEXTS)
def test_a_text_is_in_the_range_of_a_prefix_exactly_if_it_begins_with_it(prefix: str, text: str) -> None:
    end = beyond(prefix)
    for each in (text, prefix + text):
        assert (prefix <= each and (end is None or each < end)) is each.startswith(prefix)
        in_bytes = prefix.encode() <= each.encode() and (end is None or each.encode() < end.encode())
        assert in_bytes is each.startswith(prefix)
