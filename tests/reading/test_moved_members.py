"""A member that was moved to another lane reads its points as if nothing had happened."""

import pytest

from ledger.reading.balances import balance_as_of
from ledger.reading.statement import StatementLine, StatementPage, read_statement
from tests.reading.lives import capture, hold, move
from tests.reading.town import Town, instant


async def page(town: Town, cursor: str | None = None, limit: int = 50) -> StatementPage:
    """A page of ann's statement, wherever she is now."""
    async with town.connection() as connection:
        return await read_statement(
            connection,
            town.engine.key,
            town.engine.registry.current,
            await town.member(),
            town.programme(),
            cursor=cursor,
            limit=limit,
        )


async def whole_statement(town: Town, limit: int) -> list[StatementLine]:
    """All lines, page by page."""
    lines, cursor = list[StatementLine](), None
    while True:
        found = await page(town, cursor, limit)
        lines += found.lines
        cursor = found.next_cursor
        if cursor is None:
            return lines


async def balances(town: Town, instants: list[int]) -> list[tuple[int, int]]:
    """What was available and held at each instant."""
    async with town.connection() as connection:
        views = [
            await balance_as_of(connection, await town.member(), town.programme(), recorded, None)
            for recorded in instants
        ]
    return [(view.available, view.held) for view in views]


@pytest.fixture
async def travelled(town: Town) -> tuple[Town, list[int]]:
    """Ann earns, holds and moves twice, with things done in each lane; and the instants between."""
    await town.set_clock("2026-01-02T10:00:00")
    await town.earn(100)
    await town.set_clock("2026-01-03T10:00:00")
    held = await hold(town, 30)
    await town.set_clock("2026-01-04T10:00:00")
    await move(town)
    await town.set_clock("2026-01-05T10:00:00")
    await capture(town, held, 10)
    await town.set_clock("2026-01-06T10:00:00")
    await move(town)
    await town.set_clock("2026-01-07T10:00:00")
    await town.earn(5)
    return town, [instant(f"2026-01-0{day}T12:00:00") for day in (2, 3, 5, 6)]


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
async def test_a_statement_goes_on_through_every_lane_without_a_seam(
    travelled: tuple[Town, list[int]], limit: int
) -> None:
    town, _ = travelled
    lines = await whole_statement(town, limit)
    told = [(line.kind, line.points, line.balance_after, line.held_after) for line in lines]
    assert told == [("earn", 5, 75, 20), ("capture", 0, 70, 20), ("hold", -30, 70, 30), ("earn", 100, 100, 0)]


async def test_a_balance_of_before_the_move_is_still_known(travelled: tuple[Town, list[int]]) -> None:
    town, instants = travelled
    assert await balances(town, instants) == [(100, 0), (70, 30), (70, 20), (70, 20)]


async def test_a_statement_right_after_a_move_shows_what_was_before(town: Town) -> None:
    await town.earn(40)
    await move(town)
    found = await page(town)
    assert [(line.kind, line.balance_after) for line in found.lines] == [("earn", 40)]
    assert (found.lapsing, found.releasing) == (0, 0)
