"""Names that somebody may have meant."""

from __future__ import annotations

from backstory.likeness import did_you_mean, near


def test_the_nearest_name_comes_first_and_what_is_not_like_it_does_not_come_at_all() -> None:
    assert near("stat", ["status", "stats", "state", "log"]) == ["stats", "state", "status"]
    assert near("wibble", ["status", "log"]) == []
    assert near("anything", []) == []


def test_case_and_dashes_do_not_matter_and_the_name_is_told_as_it_is_written() -> None:
    assert near("cherry_pick", ["cherry-pick", "merge"]) == ["cherry-pick"]
    assert near("ACCOUNT", ["Account"]) == ["Account"]
    assert set(near("account", ["Account", "ACCOUNT"])) == {"Account", "ACCOUNT"}


def test_without_a_likeness_something_else_is_said() -> None:
    assert did_you_mean("lgo", ["log", "show"], "see the help") == "did you mean log?"
    assert did_you_mean("wibble", ["log", "show"], "see the help") == "see the help"
