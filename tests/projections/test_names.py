"""Names of tables: which projections may have a table of one name."""

from __future__ import annotations

import pytest

from backstory import Event, Projection, Tag, Tx
from backstory.errors import DefinitionError
from backstory.projections.names import created
from tests.projections.conftest import Opener


class ParcelSent(Event):
    parcel: Tag[str]


class Keeps(Projection):
    """A table of parcels."""

    tables = "CREATE TABLE parcels (id TEXT)"

    def apply(self, event: ParcelSent, tx: Tx) -> None:
        """Note a parcel."""
        tx.execute("INSERT INTO parcels VALUES (?)", (event.parcel,))


class ParcelsOfDay(Keeps): ...


class ParcelsOfNight(Keeps): ...


class ParcelsOfNightAnew(Keeps, name="parcels_of_night", version=2): ...


class ParcelsIfNotExists(Keeps):
    tables = "CREATE TABLE IF NOT EXISTS parcels (id TEXT)"


def _begin(connect: Opener, inline: bool, *projections: type[Projection]) -> None:
    if inline:
        connect(inline=projections)
    else:
        connect().run(*projections).__enter__()


ALL = "SELECT id FROM parcels"


def test_two_inline_projections_may_have_a_table_of_one_name(connect: Opener) -> None:
    db = connect(inline=[ParcelsOfDay, ParcelsOfNight, ParcelsIfNotExists])
    db.append(ParcelSent("p-1"))
    for projection in (ParcelsOfDay, ParcelsOfNight, ParcelsIfNotExists):
        assert db.rows(projection, ALL) == [("p-1",)]


def test_two_projections_in_the_background_may_have_a_table_of_one_name(connect: Opener) -> None:
    db = connect()
    commit = db.append(ParcelSent("p-1"))
    with db.run(ParcelsOfDay, ParcelsOfNight):
        assert db.rows(ParcelsOfDay, ALL, after=commit) == [("p-1",)]
        assert db.rows(ParcelsOfNight, ALL, after=commit) == [("p-1",)]


def test_each_version_of_a_projection_has_a_table_of_its_own(connect: Opener) -> None:
    connect(inline=[ParcelsOfDay, ParcelsOfNight]).append(ParcelSent("p-1"))
    newer = connect(inline=[ParcelsOfDay, ParcelsOfNightAnew])
    newer.append(ParcelSent("p-2"))
    assert newer.rows(ParcelsOfNightAnew, ALL) == newer.rows(ParcelsOfDay, ALL) == [("p-1",), ("p-2",)]
    assert connect(inline=[ParcelsOfNight]).rows(ParcelsOfNight, ALL) == [("p-1",), ("p-2",)]


@pytest.mark.parametrize("inline", [True, False])
def test_an_error_names_the_table_that_two_of_a_group_make(connect: Opener, *, inline: bool) -> None:
    class Early(Keeps, group="parcel_times"): ...

    class Late(Keeps, group="parcel_times"): ...

    words = "early and late both make 'parcels', and share their tables because both are of the group 'parcel_times'"
    with pytest.raises(DefinitionError, match=words):
        _begin(connect, inline, Early, Late)


@pytest.mark.parametrize("inline", [True, False])
def test_an_error_names_the_projection_whose_sql_the_database_does_not_take(
    connect: Opener, kind: str, *, inline: bool
) -> None:
    class Wrong(Keeps, name="parcels_wrong"):
        tables = "CREATE TABLE parcels (id TEXT REFERENCES)"

    with pytest.raises(DefinitionError, match=r"parcels_wrong: the tables cannot be made: .*\)"):
        _begin(connect, inline, Wrong)


def test_names_are_found_in_sql_of_any_dialect() -> None:
    sql = """
        -- CREATE TABLE not_this (a TEXT)
        CREATE TABLE "Some Orders" (tags TEXT[], note TEXT DEFAULT 'CREATE TABLE nor_this');
        create unlogged table b (a text); CREATE UNIQUE INDEX b_by_a ON b (a); CREATE INDEX ON b (a);
        CREATE OR REPLACE VIEW v AS SELECT 1; CREATE MATERIALIZED VIEW [m] AS SELECT 1;
        CREATE TABLE IF NOT EXISTS shared (a TEXT); CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE
    """
    assert created(sql) == {"some orders", "b", "b_by_a", "v", "m"}
