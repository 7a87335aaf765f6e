"""The rule of exit codes."""

from __future__ import annotations

import pytest

from backstory.cli.exits import BUG, DIFFERENT, FINE, USAGE, UsageError, answer, code_of
from backstory.errors import (
    ApplicationError,
    BackstoryError,
    BranchError,
    BranchMoved,
    HeadMoved,
    IdReused,
    Refused,
    RevertError,
    StoreMissing,
    UnknownRevision,
)


@pytest.mark.parametrize("error", [Refused("no"), HeadMoved(3), RevertError("no")])
def test_a_decision_that_was_made_and_says_no_is_a_difference(error: BackstoryError) -> None:
    assert code_of(error) == DIFFERENT


@pytest.mark.parametrize(
    "error",
    [
        UsageError("so not"),
        UnknownRevision("x", "there is none"),
        BranchError("no"),
        StoreMissing("x"),
        ApplicationError("x"),
        OSError(2, "no such file"),
        UserWarning("as an error"),
    ],
)
def test_what_cannot_be_asked_so_is_a_usage_error(error: Exception) -> None:
    assert code_of(error) == USAGE


def test_an_id_that_another_commit_has_is_a_usage_error_and_a_branch_that_was_moved_is_a_difference() -> None:
    assert code_of(IdReused("x", "y")) == USAGE
    assert code_of(BranchMoved("side", "[0,1]", None)) == DIFFERENT


def test_anything_else_is_a_bug() -> None:
    assert code_of(ValueError("oops")) == BUG
    assert code_of(UnicodeEncodeError("ascii", "ü", 0, 1, "not in range")) == BUG


def test_an_answer_is_fine_where_there_is_one() -> None:
    assert (answer(yes=True), answer([])) == (FINE, DIFFERENT)
