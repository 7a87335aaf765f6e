"""A project that exists gets a history by one call, and loses nothing."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from backstory import Database
from backstory.contrib.sqlalchemy import Recording, acting, record
from backstory.errors import RevertError, StoreRefused
from tests.capture.databases import history_of
from tests.contrib.sqlalchemy.project import services
from tests.contrib.sqlalchemy.project.models import Base, Customer, Engineer, Order, OrderLine, Status, Tag


def test_the_history_says_who_changed_a_field_and_what_it_was(
    session: Session, db: Database, recording: Recording
) -> None:
    with acting(session, author="ann", message="signed up"):
        ann = services.sign_up(session, "Ann", "Basel")
    with acting(session, author="bea", message="moved"):
        ann.city = "Bern"
    session.commit()
    session.execute(text("UPDATE customers SET name = 'Anna'"))
    session.commit()
    recording.drain()

    row = recording.row(ann)
    blamed = db.blame(row)
    said = {
        field: (commit.author, commit.message)
        for field in ("row.city", "row.email", "row.name")
        if (commit := blamed[field].commit) is not None
    }
    assert said == {"row.city": ("bea", "moved"), "row.email": ("ann", "signed up"), "row.name": ("", "")}
    assert (db.load(row, at=1).row or {})["city"] == "Basel"
    assert [commit.author for commit in db.commits()] == ["ann", "bea", ""]
    now = db.load(row).row
    assert now is not None
    assert now["name"] == "Anna"
    assert now["is_active"] is True
    assert now["settings"] is None
    assert "password" not in now
    assert all(b"secret" not in event.data for event in db.log.read())


def test_bulk_writes_core_and_raw_sql_are_seen(session: Session, db: Database, recording: Recording) -> None:
    ann = services.sign_up(session, "Ann")
    tags = [Tag(label="new"), Tag(label="urgent")]
    order = services.place_order(session, ann, ["a", "b", "c"], tags)
    services.import_customers(session, [f"c{n}" for n in range(50)])
    services.close_all(session)
    services.forget_lines(session)
    services.tidy(session)
    recording.drain()

    customers = history_of(db, "customers")
    assert len(customers) == 51
    assert {row["city"] for row in customers.values()} == {"unknown"}
    assert sum(row["settings"] == {"news": True} for row in customers.values()) == 50
    there = recording.table(Order)[str(order.id)]
    assert there == {"customer_id": ann.id, "status": "PAID", "total": "30.30", "due": None}
    assert set(history_of(db, "order_lines")) == {f"{order.id}/0"}
    assert recording.table(Base.metadata.tables["order_lines"])[f"{order.id}/0"]["weight"] == 0.1
    assert set(history_of(db, "order_tags")) == {f"{order.id}/{tag.id}" for tag in tags}
    assert [commit.size for commit in db.commits()][2] == 50


def test_what_is_rolled_back_is_no_history_and_one_transaction_is_one_commit(
    session: Session, db: Database, recording: Recording
) -> None:
    ann = services.sign_up(session, "Ann", "Basel")
    with db.context(author="ann"):
        services.try_and_fail(session, ann)
    recording.drain()
    first, second = db.commits()
    assert (first.size, second.author) == (1, "ann")
    row = recording.table(Customer)[str(ann.id)]
    assert (row["city"], row["name"]) == ("kept", "kept, too")
    assert not any(b"never" in event.data or b"gone" in event.data for event in db.log.read())


def test_objects_of_subclasses_are_one_row_with_all_of_their_fields(
    session: Session, db: Database, recording: Recording
) -> None:
    services.hire(session)
    eve = session.scalars(select(Engineer)).one()
    eve.language, eve.name = "Rust", "Eva"
    session.commit()
    recording.drain()
    employees = history_of(db, "employees")
    assert employees[str(eve.id)] == {"kind": "engineer", "name": "Eva", "language": "Rust", "desk": None}
    row = recording.row(eve)
    session.delete(eve)
    session.commit()
    recording.drain()
    assert db.load(row).row is None
    assert "engineers" not in {event.type.partition(".")[0] for event in db.log.read()}


def test_rows_that_were_there_before_are_in_the_history(
    engine: Engine, session: Session, db: Database, home: str
) -> None:
    ann = services.sign_up(session, "Ann", "Basel")
    order = services.place_order(session, ann, ["a"], [Tag(label="new")])
    services.hire(session)
    recording = record(Base, engine=engine, history=db, leave_out=[Customer.password], home=home).begin()
    assert recording.table(Customer)["1"]["city"] == "Basel"
    assert recording.table(Order)[str(order.id)]["total"] == "10.10"
    assert history_of(db, "employees")["1"]["language"] == "Python"
    before = db.head().position
    assert (
        record(Base, engine=engine, history=db, leave_out=[Customer.password], home=home).begin().check()
        == []
    )
    assert db.head().position == before


def test_values_have_one_form_whichever_database_keeps_them(
    session: Session, db: Database, recording: Recording
) -> None:
    ann = services.sign_up(session, "Ann", None)
    ann.settings = {"deep": [1, 2.5, None, {"ü": True}], "big": 2**70}
    order = services.place_order(session, ann, ["a"], [])
    session.commit()
    recording.drain()
    row = recording.table(Customer)[str(ann.id)]
    assert row["settings"] == {"deep": [1, 2.5, None, {"ü": True}], "big": 2**70}
    assert row["joined"].replace("T", " ") == str(ann.joined)
    assert recording.table(Order)[str(order.id)]["status"] == Status.OPEN.name


def test_capture_that_does_not_fit_is_told(engine: Engine, recording: Recording) -> None:
    assert recording.check() == []
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE tags ADD COLUMN colour text"))
    [fault] = recording.check()
    assert "colour" in fault
    with engine.begin() as connection:
        recording.install(connection)
        assert recording.check(connection) == []


def test_a_capture_that_nobody_installed_says_how_it_is_made(engine: Engine, db: Database, home: str) -> None:
    recording = record(Base, engine=engine, history=db, home=home)
    for use in (recording.drain, recording.copy):
        with pytest.raises(StoreRefused, match=r"nothing is recorded here: .* `begin\(\)` makes them"):
            use()
    [fault] = recording.check()
    assert "no outbox" in fault
    recording.begin()
    assert recording.check() == []


def test_a_change_is_taken_back_where_the_rows_are(
    session: Session, db: Database, recording: Recording
) -> None:
    ann = services.sign_up(session, "Ann", "Basel")
    order = services.place_order(session, ann, ["a", "b"], [Tag(label="new")])
    services.close_all(session)
    recording.drain()
    closed = db.head().position
    services.forget_lines(session)
    ann.city = "Bern"
    session.commit()

    assert recording.revert(session, closed, author="dan") == 1
    session.commit()
    assert order.status is Status.OPEN
    recording.drain()
    *_, commit = db.commits()
    assert (commit.author, commit.message) == ("dan", f"Revert {closed}")
    with pytest.raises(RevertError):
        recording.revert(session, 1)
    assert recording.revert(session, closed + 1, message="lines again") == 1
    session.rollback()
    assert len(session.scalars(select(OrderLine)).all()) == 1


def test_objects_of_subclasses_come_back_whole(session: Session, db: Database, recording: Recording) -> None:
    services.hire(session)
    eve = session.scalars(select(Engineer)).one()
    session.delete(eve)
    session.commit()
    recording.drain()
    recording.revert(session, "main")
    session.commit()
    again = session.scalars(select(Engineer)).one()
    assert (again.name, again.language) == ("Eve", "Python")
    recording.drain()
    assert history_of(db, "employees")[str(again.id)]["language"] == "Python"
    recording.revert(session, "main~2")  # its deletion was undone, so the row is as this commit made it
    session.commit()
    assert session.scalars(select(Engineer)).all() == []


def test_the_author_may_be_a_row_of_the_same_session(
    session: Session, db: Database, recording: Recording
) -> None:
    session.add(Customer(name="Ann"))
    session.commit()

    def who() -> str:
        return str(session.scalars(select(Customer.name)).first())

    with db.context(author=who):
        session.add(Customer(name="Bob"))
        session.commit()  # the row is read in the middle of the flush
        session.execute(text("UPDATE customers SET town = 'Bern'"))
        session.commit()
    recording.drain()
    assert [each.author for each in db.commits()] == ["", "Ann", "Ann"]
