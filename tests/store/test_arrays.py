"""Arrays built by hand reach PostgreSQL as what they were, also at the ends of every type."""

import asyncio
import struct
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import AsyncConnection
from psycopg.sql import SQL

from ledger.rules.business_day import to_instant
from ledger.store.arrays import Bigints, Booleans, Bytes, Days, Integers, Moments, Smallints, Texts, Uuids
from ledger.store.unit_of_work import connect_poster
from tests.databases import LedgerDatabase

FIRST_MOMENT = to_instant(datetime(1, 1, 1, tzinfo=UTC))
LAST_MOMENT = to_instant(datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC))


def integers(bits: int) -> st.SearchStrategy[int]:
    """Whole numbers of a width, its two ends more often than by chance."""
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    return st.one_of(st.sampled_from([low, high, 0, -1]), st.integers(low, high))


texts = st.text(st.characters(exclude_characters="\0", codec="utf-8"))
moments = st.one_of(st.sampled_from([FIRST_MOMENT, LAST_MOMENT, 0, -1]), st.integers(FIRST_MOMENT, LAST_MOMENT))

NULLABLE: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "smallint": (Smallints, integers(16)),
    "integer": (Integers, integers(32)),
    "bigint": (Bigints, integers(64)),
    "timestamptz": (Moments, moments),
    "date": (Days, st.dates(date.min, date.max)),
    "bytea": (Bytes, st.binary(max_size=300)),
    "text": (Texts, texts),
}
WHOLE: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "boolean": (Booleans, st.booleans()),
    "uuid": (Uuids, st.uuids()),
}
COLUMNS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    name: (array, st.lists(st.one_of(st.none(), value))) for name, (array, value) in NULLABLE.items()
} | {name: (array, st.lists(value)) for name, (array, value) in WHOLE.items()}
GAPLESS = {
    "bigint": (Bigints, st.lists(integers(64), min_size=1)),
    "bytea": (Bytes, st.lists(st.binary(min_size=32, max_size=32), min_size=1)),
}


@pytest.fixture
async def connection(database: LedgerDatabase) -> AsyncIterator[AsyncConnection]:
    """A poster's connection."""
    async with await connect_poster(database.service_url) as opened:
        yield opened


async def round_trip(connection: AsyncConnection, column: LiteralString, sent: object) -> list[object]:
    """What a column holds that was sent as an array."""
    query = SQL("select value from unnest(%b::{column}[]) as t(value)").format(column=SQL(column))
    cursor = await connection.execute(query, [sent])
    return [value for (value,) in await cursor.fetchall()]


@pytest.mark.parametrize(("column", "sort"), [*COLUMNS.items(), *GAPLESS.items()])
def test_a_column_comes_back_as_it_was_sent(
    database: LedgerDatabase, column: LiteralString, sort: tuple[Any, st.SearchStrategy[Any]]
) -> None:
    array, columns = sort
    with asyncio.Runner() as runner:
        connection = runner.run(connect_poster(database.service_url))

        @settings(max_examples=100, deadline=None)
        @given(columns)
        def comes_back(values: list[Any]) -> None:
            assert runner.run(round_trip(connection, column, array.of(values))) == values

        try:
            comes_back()
        finally:
            runner.run(connection.close())


@pytest.mark.parametrize("column", COLUMNS)
async def test_an_array_has_the_type_that_postgres_knows_for_it(connection: AsyncConnection, column: str) -> None:
    array, _ = COLUMNS[column]
    cursor = await connection.execute(b"select pg_typeof(%b)::text", [array.of([])])
    full_name = "timestamp with time zone" if column == "timestamptz" else column
    assert await cursor.fetchone() == (f"{full_name}[]",)


async def test_postgres_reads_the_same_values_that_python_wrote(connection: AsyncConnection) -> None:
    moment = to_instant(datetime(2026, 11, 24, 4, 0, 0, 1, tzinfo=UTC))
    arrays = [Moments.of([moment]), Days.of([date(2028, 2, 29)]), Uuids.of([UUID(int=1)]), Bytes.of([b"\0\xff"])]
    cursor = await connection.execute(
        b"select (%b::timestamptz[])[1] at time zone 'UTC' = '2026-11-24 04:00:00.000001',"
        b" (%b::date[])[1] = '2028-02-29', (%b::uuid[])[1] = '00000000-0000-0000-0000-000000000001',"
        b" (%b::bytea[])[1] = '\\x00ff'",
        arrays,
    )
    assert await cursor.fetchone() == (True, True, True, True)


@pytest.mark.parametrize(("array", "value"), [(Smallints, 1 << 15), (Integers, 1 << 31), (Bigints, 1 << 63)])
def test_a_value_too_wide_for_its_column_is_refused_before_it_is_sent(array: Any, value: int) -> None:
    with pytest.raises(struct.error):
        array.of([value])


async def test_a_text_that_postgres_cannot_hold_is_refused_and_breaks_nothing(connection: AsyncConnection) -> None:
    with pytest.raises(psycopg.DataError):
        await connection.execute(b"select %b", [Texts.of(["a\0b"])])
    cursor = await connection.execute(b"select 1")
    assert await cursor.fetchone() == (1,)
