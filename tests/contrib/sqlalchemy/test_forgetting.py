"""Objects whose values are taken out of the history, and those of them that live on."""

from __future__ import annotations

import enum

import pytest
from sqlalchemy import Dialect, Engine, String, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from backstory import Database
from backstory.capture import key_of
from backstory.contrib.sqlalchemy import Recording, acting, record
from backstory.errors import StoreRefused
from backstory.history.check.verify import verify
from tests.contrib.sqlalchemy.project.models import Customer, Engineer, Order, OrderLine, order_tags


def said(db: Database) -> str:
    """All that somebody can read in the history."""
    return repr([(list(log.commits()), list(log.read())) for log in map(db.store.log, db.store.logs())])


def test_an_object_that_lives_on_begins_its_history_anew(session: Session, recording: Recording) -> None:
    db = recording.history
    ann = Customer(id=1, name="Zaphod", email="z@example.org")
    session.add_all([ann, Customer(id=2, name="Bea")])
    session.commit()
    ann.city = "Zaphodville"
    session.commit()
    ann.name, ann.email, ann.city = "", None, None
    session.commit()
    with db.context(author="dan"):
        assert recording.forget(ann, message="request 17") == 3
    assert "aphod" not in said(db)
    assert "z@example" not in said(db)
    assert verify(db.store).problems == []
    customers = recording.table(Customer)
    assert [customers[key]["name"] for key in ("1", "2")] == ["", "Bea"]
    *_, last = [record.commit for record in db.read(recording.row(ann))]
    assert last is not None
    assert (last.author, last.message) == ("dan", "request 17")
    with acting(session, author="eve"):
        ann.city = "Bern"
    session.commit()
    recording.drain()
    changed = db.blame(recording.row(ann))["row.city"].commit
    assert changed is not None
    assert changed.author == "eve"
    assert recording.revert(session, "main") == 1
    session.commit()
    assert ann.city is None


def test_objects_of_other_keys_of_two_tables_and_those_that_are_gone(
    session: Session, recording: Recording
) -> None:
    db = recording.history
    session.add(Customer(id=1, name="Bea"))
    order = Order(customer_id=1)
    eng = Engineer(id=1, name="Zaphod", language="Zaphodic")
    session.add_all([order, eng])
    session.flush()
    line = OrderLine(order_id=order.id, position=1, sku="Zaphod-1")
    session.add(line)
    gone = recording.row(order)
    session.commit()
    line.sku, eng.name, eng.language = "?", "?", "?"
    session.commit()
    assert recording.forget(line, eng, eng, message="request 17") >= 4
    assert "aphod" not in said(db)
    assert recording.table(Engineer)["1"] == {"kind": "engineer", "name": "?", "desk": None, "language": "?"}
    assert recording.table(OrderLine)[recording.row(line).key]["sku"] == "?"
    session.delete(line)
    session.flush()
    session.delete(order)
    session.commit()
    recording.forget(gone, line, message="request 17")
    assert db.load(gone).row is None
    assert recording.forget(gone, line, message="again") == 0


def test_a_row_whose_key_has_a_null(session: Session, recording: Recording) -> None:
    session.execute(order_tags.insert().values(order_id=None, tag_id=None))
    session.commit()
    recording.drain()
    row = recording.row(order_tags, None, None)
    before = recording.history.load(row).row
    assert before is not None
    assert recording.forget(row, message="request 17") == 1
    assert recording.history.load(row).row == before


class Base(DeclarativeBase):
    pass


class Shelf(enum.Enum):
    HIGH = "h"
    LOW = "l"


class Code(TypeDecorator[str]):
    """Has a prefix in the application, which the column has not."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value and value[2:]

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return value and f"c-{value}"


class Item(Base):
    __tablename__ = "items"

    shelf: Mapped[Shelf] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(Code, primary_key=True)
    label: Mapped[str]


def test_a_key_that_the_column_has_in_another_form(engine: Engine, db: Database, home: str) -> None:
    Base.metadata.create_all(engine)
    recording = record(Item, engine=engine, history=db, home=home).begin()
    with Session(engine) as session:
        item = Item(shelf=Shelf.LOW, code="c-/7", label="Zaphod")
        session.add(item)
        session.commit()
        item.label = "?"
        session.commit()
        assert recording.row(item).key == recording.row(Item, Shelf.LOW, "c-/7").key == key_of("LOW", "/7")
        assert recording.forget(item, message="request 17") == 2
        found = db.load(recording.row(item)).row
        assert found is not None
        assert found["label"] == "?"
        item.label = "!"
        session.commit()
        assert recording.revert(session, "main") == 1
        session.commit()
        assert item.label == "?"
    with pytest.raises(TypeError, match="the key of items is of 2: shelf, code"):
        recording.row(Item, 7)


def test_inside_of_a_transaction_it_is_refused(session: Session, recording: Recording) -> None:
    ann = Customer(id=1, name="Zaphod")
    session.add(ann)
    session.flush()
    with pytest.raises(StoreRefused, match=r"forget after session.commit\(\)"):
        recording.forget(ann, message="too early")
