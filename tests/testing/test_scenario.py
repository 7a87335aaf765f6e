"""given, when, then: what passes, what fails, and how the failure reads."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from datetime import datetime

import pytest

from backstory import Refused, State, Tag, command
from backstory.store import Record
from backstory.testing import Broken, committed, given
from tests.testing.warehouse import SHELF, Counted, Shelf, Stored, Taken, count, lose, store, take

THREE = given(Stored("s-1", 3, ["red"]))


def failure(scenario: Callable[[], object]) -> str:
    with pytest.raises(AssertionError) as caught:
        scenario()
    return str(caught.value)


def text(lines: str) -> str:
    return textwrap.dedent(lines).strip("\n")


def test_a_scenario_says_what_happened_what_was_asked_and_what_came_of_it() -> None:
    THREE.when(take(SHELF, 2)).then(Taken("s-1", 2)).then_state(Shelf("s-1", 1, ["red"]))


def test_nothing_may_have_happened() -> None:
    given().when(store(SHELF, 3)).then(Stored("s-1", 3))


def test_a_command_may_refuse_with_a_code_and_details() -> None:
    THREE.when(take(SHELF, 4)).then_refused("too few").then_refused("too few", left=3)


def test_a_refusal_leaves_things_as_they_were() -> None:
    THREE.when(take(SHELF, 4)).then_refused("too few").then_state(Shelf("s-1", 3, ["red"]))


def test_a_command_may_decide_that_there_is_nothing_to_do() -> None:
    THREE.when(count(SHELF, 3)).then_nothing()


def test_a_scenario_may_go_on() -> None:
    went_on = THREE.when(take(SHELF, 2)).then(Taken("s-1", 2)).when(take(SHELF, 1)).then(Taken("s-1", 1))
    went_on.when(take(SHELF, 1)).then_refused("too few", left=0)


def test_several_scenarios_may_begin_with_the_same_past() -> None:
    for _ in range(2):
        THREE.when(take(SHELF, 3)).then(Taken("s-1", 3))


def test_a_state_may_be_asked_for_without_a_command() -> None:
    given(Stored("s-1", 3), Taken("s-1", 1)).then_state(Shelf("s-1", 2))


def test_a_given_event_outside_of_the_boundary_fails_because_it_could_not_have_mattered() -> None:
    assert failure(lambda: given(Stored("s-2", 3)).when(take(SHELF, 2))) == text("""
        Stored(s-2, amount=3, colours=[]) could not have mattered: take(s-1, amount=2) does not read it, \
but only Counted or Stored or Taken with shelf:s-1

        Given  Stored(s-2, amount=3, colours=[])
    """)
    assert "Shelf does not read it" in failure(lambda: given(Stored("s-2", 3)).then_state(Shelf("s-1")))


def test_other_events_are_shown_side_by_side_field_by_field() -> None:
    expected = Taken("s-1", 3), Stored("s-1", 1)
    assert failure(lambda: THREE.when(take(SHELF, 2)).then(*expected)) == text("""
        take(s-1, amount=2) gave other events than expected

        Given  Stored(s-1, amount=3, colours=['red'])
        When   take(s-1, amount=2)
        Then     Taken(s-1, amount=3)
                     amount  expected 3
                             got      2
               - Stored(s-1, amount=1, colours=[])   expected, and missing
    """)


def test_an_extra_event_is_shown() -> None:
    assert "+ Taken(s-1, amount=2)   not expected" in failure(
        lambda: THREE.when(take(SHELF, 2)).then_nothing()
    )


def test_another_state_is_shown_field_by_field_down_to_the_item() -> None:
    assert failure(lambda: THREE.then_state(Shelf("s-1", 4, ["blue", "red"]))) == text("""
        Shelf came out otherwise

        Given  Stored(s-1, amount=3, colours=['red'])
        Then     Shelf(s-1, amount=4, colours=['blue', 'red'])
                     amount  expected 4
                             got      3
                     colours[0]  expected 'blue'
                                 got      'red'
                     colours[1]  expected 'red'
                                 got      nothing
    """)


def test_a_refusal_where_events_were_expected_is_shown_and_leads_to_where_it_was_raised() -> None:
    with pytest.raises(
        AssertionError, match=r"^take\(s-1, amount=4\) was refused: not enough there\n"
    ) as caught:
        THREE.when(take(SHELF, 4)).then(Taken("s-1", 4))
    assert isinstance(caught.value.__cause__, Refused)
    assert "- Taken(s-1, amount=4)   expected, and missing" in str(caught.value)


def test_events_where_a_refusal_was_expected_are_shown() -> None:
    shown = failure(lambda: THREE.when(take(SHELF, 1)).then_refused("too few"))
    assert shown.startswith("take(s-1, amount=1) was not refused\n")
    assert shown.endswith(
        "- refused: too few   expected, and missing\n       + Taken(s-1, amount=1)   not expected"
    )


def test_a_refusal_for_another_reason_or_with_other_details_is_shown() -> None:
    assert "got      'too few'" in failure(lambda: THREE.when(take(SHELF, 4)).then_refused("closed"))
    shown = failure(lambda: THREE.when(take(SHELF, 4)).then_refused("too few", left=2, shelf="s-1"))
    assert "details['left']  expected 2" in shown
    assert "details['shelf']  expected 's-1'" in shown


def test_an_invariant_that_a_decision_breaks_fails_the_test() -> None:
    assert failure(lambda: THREE.when(lose(SHELF, 4))) == text("""
        Shelf(s-1, amount=-1, colours=['red']) breaks 'Never owes anything' after Taken(s-1, amount=4)

        Given  Stored(s-1, amount=3, colours=['red'])
        When   lose(s-1, amount=4)
    """)


def test_an_invariant_that_the_given_events_break_fails_the_test() -> None:
    assert "after Taken(s-1, amount=1)" in failure(lambda: given(Taken("s-1", 1)).when(take(SHELF, 1)))
    assert "after Taken(s-1, amount=1)" in failure(lambda: given(Taken("s-1", 1)).then_state(SHELF))


def test_an_invariant_may_say_what_is_wrong_by_an_assertion() -> None:
    assert "breaks '2 colours of 1'" in failure(
        lambda: given(Stored("s-1", 1, ["red", "blue"])).then_state(SHELF)
    )


def test_a_broken_invariant_is_a_failed_assertion() -> None:
    assert issubclass(Broken, AssertionError)


def test_what_a_command_raises_besides_goes_on() -> None:
    @command
    def faulty(shelf: Shelf) -> Taken:
        raise ZeroDivisionError(shelf.shelf)

    with pytest.raises(ZeroDivisionError):
        given().when(faulty(SHELF))


class Log(State):
    """Who did what when, as an apply sees it that looks at its record."""

    shelf: Tag[str]
    lines: list[str] = []

    def apply(self, event: Counted | Taken, record: Record) -> None:
        self.lines.append(f"{record.position} {record.author} {record.time:%d %H:%M} {record.message}")
        self.lines += [f"{key}={value}" for key, value in record.metadata.items()]


def test_given_events_may_have_an_author_a_time_a_message_and_metadata() -> None:
    given(
        committed(Counted("s-1", 1), Taken("s-1", 1), author="ann", time="2026-11-01T10:00", message="audit"),
        committed(
            Counted("s-1", 0), time=datetime.fromisoformat("2026-11-02T01:00+02:00"), metadata={"by": "phone"}
        ),
        Counted("s-1", 0),
    ).then_state(
        Log(
            "s-1",
            [
                "1 ann 01 10:00 audit",
                "2 ann 01 10:00 audit",
                "3  01 23:00 ",
                "by=phone",
                "4  01 23:00 ",
            ],
        )
    )


def test_so_may_a_command() -> None:
    (
        given(Stored("s-1", 1))
        .when(take(SHELF, 1), author="ann", time="2026-11-01T10:00")
        .then_state(Log("s-1", ["2 ann 01 10:00 "]))
    )


def test_author_and_time_are_shown() -> None:
    past = given(committed(Stored("s-1", 1), author="ann", time="2026-11-01T10:00"))
    assert "Given  Stored(s-1, amount=1, colours=[]) by ann at 2026-11-01 10:00\n" in failure(
        lambda: past.then_state(SHELF)
    )


def test_an_event_that_no_log_could_hold_fails() -> None:
    with pytest.raises(ValueError, match="Taken"):
        given(Taken("s-1", "three"))  # type: ignore[arg-type]
