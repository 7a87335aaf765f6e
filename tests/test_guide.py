"""The guide of the package, and the files that are made from it for assistants. `tests/test_docs.py` runs its code."""

from __future__ import annotations

from pathlib import Path

import pytest

from backstory import guide
from backstory.errors import UnknownTopic
from scripts import llms

PAGES = Path(guide.__file__).parent


def test_each_page_is_a_topic() -> None:
    assert sorted(path.stem for path in PAGES.glob("*.md")) == sorted(guide.TOPICS)


@pytest.mark.parametrize("one", guide.topics(), ids=lambda one: one.name)
def test_a_page_has_a_title_a_summary_and_is_short_enough_for_a_prompt(one: guide.Topic) -> None:
    assert one.text.startswith(f"# {one.title}\n\n{one.summary[:20]}")
    assert len(one.summary) < 200
    assert len(one.text.encode()) < 6_000


def test_an_unknown_topic_names_the_likely_one() -> None:
    with pytest.raises(UnknownTopic, match="did you mean decide"):
        guide.topic("decied")


@pytest.mark.parametrize(("name", "made"), [("llms.txt", llms.index), ("llms-full.txt", llms.whole)])
def test_the_files_for_assistants_are_those_of_this_guide(name: str, made: object) -> None:
    assert callable(made)
    assert (llms.DOCS / name).read_text("utf-8") == made(), "python scripts/llms.py writes it anew"
