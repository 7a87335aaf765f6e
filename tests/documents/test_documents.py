"""Results as data for JSON, without a command line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from backstory.database import Database, connect
from backstory.decide.call import Command
from backstory.decide.latest import Latest
from backstory.decide.loading import replayed
from backstory.documents import SCHEMA, document
from backstory.documents.application import command_type_document, state_class_document
from backstory.documents.bisect import first_document, state_turn_document, suspects_document, turns_document
from backstory.documents.blame import blame_document
from backstory.documents.branches import mark_document, standing_document
from backstory.documents.commits import commit_document, event_document
from backstory.documents.decisions import preview_document, refusal_document
from backstory.documents.differences import changes_document, difference_document, ends_document
from backstory.documents.errors import error_document
from backstory.documents.merges import merge_document
from backstory.documents.states import latest_document, name_of, reference_document, state_document
from backstory.documents.verification import verification_document
from backstory.errors import Refused, UnknownRevision
from backstory.history.ask.bisect import StateTurn
from backstory.history.check.verify import verify
from backstory.history.merge.merge import Options
from backstory.history.refs.revision import resolve_range
from backstory.history.refs.standing import Standings
from backstory.lookup import commit_at
from backstory.subject import Subjects
from backstory.values.codec import PLAIN
from backstory.values.event_data import encoded
from tests.history.ledger import Book, clock, draw, enter, ids


@pytest.fixture
def db() -> Iterator[Database]:
    with connect(clock=clock(), ids=ids()) as db:
        db.execute(enter(Book("a"), 10), author="Ann", message="a start")
        db.execute(enter(Book("a"), 5), author="Bob")
        yield db


def read(fields: dict[str, Any]) -> Any:
    """What a reader of the JSON gets."""
    return msgspec.json.decode(msgspec.json.encode(fields))


def test_a_whole_document_begins_with_its_version_and_its_kind() -> None:
    assert list(document("mark", name="q3")) == ["schema", "kind", "name"]
    assert document("mark")["schema"] == SCHEMA


def test_a_commit_has_its_stored_message_its_subject_and_the_events_that_are_given(db: Database) -> None:
    commit = list(db.commits())[1]
    events = db.log.read(after=1, upto=2)
    found = read(commit_document(commit, Subjects(db.log).of(commit), events))
    assert (found["message"], found["subject"]) == ("", "ledger.enter(a, …)")
    assert found["command"]["arguments"]["number"] == 5
    assert found["condition"]["query"]
    assert [event["position"] for event in found["events"]] == [2]
    assert "events" not in commit_document(commit, "")


def test_an_event_that_is_in_no_log_has_no_position() -> None:
    found = read(event_document(encoded("Noted", b'{"text":"x"}', ("book:a",))))
    assert found == {"type": "Noted", "version": 1, "tags": ["book:a"], "data": {"text": "x"}}


def test_a_state_says_which_one_it_is_and_since_when(db: Database) -> None:
    last = next(db.read(Book("a"), backwards=True, limit=1))
    found = read(state_document(db.load(Book("a")), last))
    assert (found["state"], found["identity"], found["position"]) == ("Book", {"book": "a"}, 2)
    assert found["fields"]["total"] == 15
    assert name_of(Book("a")) == "Book a"
    assert reference_document(Latest("book:a")) == {"tag": "book:a"}


def test_what_is_known_about_a_tag_names_who_gave_each_field(db: Database) -> None:
    latest = replayed(db.log, Latest("book:a"))
    givers = {field.position: commit_at(db.log, field.position) for field in latest.fields.values()}
    found = read(latest_document(latest, givers))
    assert (found["tag"], found["events"]) == ("book:a", 2)
    number = found["fields"]["number"]
    assert (number["value"], number["author"]) == (5, "Bob")


def test_a_difference_has_both_sides_and_its_changes(db: Database) -> None:
    difference = db.diff(1, 2, Book("a"))
    found = read(difference_document(difference))
    assert (found["before"]["total"], found["after"]["total"]) == (10, 15)
    assert {"kind": "changed", "path": "/total", "before": 10, "after": 15} in read(
        {"changes": changes_document(difference)}
    )["changes"]
    span = resolve_range(db.branches, "main~1..main")
    assert span is not None
    assert [end["position"] for end in read(ends_document(span)).values()] == [1, 2]


def test_blame_names_the_commit_of_each_part(db: Database) -> None:
    found = read(blame_document(Book("a"), db.blame(Book("a")), 2, Subjects(db.log)))
    [total] = [part for part in found["parts"] if part["path"] == "/total"]
    assert (total["value"], total["position"], total["author"]) == (15, 2, "Bob")
    assert total["command"]["name"] == "ledger.enter"


def test_bisect_has_turns_one_found_or_suspects(db: Database) -> None:
    found = db.bisect(Book("a"), "total > 12")
    turns = read(turns_document(Book("a"), "total > 12", found))
    assert [(turn["holds"], turn["position"]) for turn in turns["turns"]] == [(True, 2)]
    assert first_document("total > 99", None) == {"where": "total > 99", "found": None}
    record = next(db.read(after=1, at=2))
    one = read(first_document("total > 12", StateTurn(record, True, Book("a"), db.load(Book("a")))))
    assert (one["found"]["position"], one["found"]["fields"]["total"]) == (2, 15)
    turn = read(state_turn_document(next(db.turns(Book, "total > 12"))))
    assert {
        "state": "Book",
        "identity": {"book": "a"},
        "holds": True,
        "since": None,
        "position": 2,
    }.items() <= (turn.items())
    bad = read(suspects_document(3, list(db.commits())[:1], Subjects(db.log)))
    assert (bad["asked"], [each["id"] for each in bad["commits"]]) == (3, ["c1"])


def test_a_branch_stands_somewhere_and_one_of_them_is_where_one_is(db: Database) -> None:
    db.branch("side").execute(enter(Book("b"), 1))
    standing = Standings(db.branches).of(db.branches.get("side"))
    found = read(standing_document(standing, "side"))
    assert (found["name"], found["current"], found["ahead"]) == ("side", True, 1)
    assert not standing_document(standing)["current"]
    assert read(mark_document(db.mark("q3", message="books")))["message"] == "books"


def test_a_merge_says_what_became_of_each_commit_and_what_is_in_the_way(db: Database) -> None:
    side = db.branch("side")
    side.execute(draw(Book("a"), 3))
    db.execute(enter(Book("a"), 1))
    report = db.merge("side", Options(dry_run=True))
    found = read(merge_document(report, Subjects(side.log), Subjects(db.log)))
    assert (found["done"], found["clean"]) == (False, False)
    [step] = found["steps"]
    assert (step["outcome"], [event["position"] for event in step["in_the_way"]]) == ("conflict", [3])
    assert (step["before"]["book"]["total"], step["after"]["book"]["total"]) == (15, 16)


def test_a_command_says_what_it_would_do_or_why_not(db: Database) -> None:
    command: Command = enter(Book("a"), 1)
    preview = db.preview(command)
    found = read(preview_document(command, preview, [PLAIN.encode(event) for event in preview.events]))
    assert [event["data"]["number"] for event in found["events"]] == [1]
    assert (found["states"][0]["parameter"], found["states"][0]["after"]["total"]) == ("book", 16)
    refusal = read(refusal_document(command, Refused("not that much", code="limit", limit=3)))
    assert (refusal["reason"], refusal["code"], refusal["details"]) == (
        "not that much",
        "limit",
        {"limit": 3},
    )


def test_an_application_is_described_by_its_states_and_commands() -> None:
    book = read(state_class_document(Book))
    assert (book["identity"], book["fields"]["total"]) == ({"book": "TEXT"}, "int")
    command = read(command_type_document(enter, "enter BOOK --number INT"))
    assert command["parameters"][0] == {"name": "book", "type": "Book", "state": True, "required": True}
    assert command["reads"][0]["events"] == ["ledger.entered"]


def test_a_verification_says_whether_all_is_sound_and_where_it_ends(db: Database) -> None:
    found = read(verification_document(verify(db.store), "main"))
    assert (found["sound"], found["position"], found["snapshots"]) == (True, 2, None)


def test_an_error_has_a_kind_a_message_and_hints_apart_from_it() -> None:
    error = UnknownRevision("zz", "there is none").hinted("Try: main", "Or: HEAD")
    assert read(error_document(error)) == {
        "error": "unknown-revision",
        "message": "unknown revision 'zz': there is none",
        "hints": ["Try: main", "Or: HEAD"],
    }
    assert error_document(Refused("no"))["hints"] == []
