"""The worked settlement days on a real ledger: every figure of every day, to the fen."""

from datetime import date
from pathlib import Path

import msgspec
import psycopg
import pytest

from ledger.audit import audit
from ledger.posting.engine import Engine
from ledger.posting.expiry import post_lapses
from ledger.store.ledger_row import create_ledger
from settlement.approval import approve, submit
from settlement.days import close_day
from settlement.run import run
from tests.acceptance.test_points_roll_forward import KEY, found
from tests.conftest import SHARED
from tests.databases import LedgerDatabase
from tests.settlement_days import APPROVER, CLERK, agree, contracts, figures_of
from tests.shared_input import find_shared


@pytest.mark.parametrize("name", ["settlement_day.json", "settlement_hard_days.json"])
async def test_every_figure_of_the_worked_days_comes_out_to_the_fen(name: str, database: LedgerDatabase) -> None:
    path: Path = find_shared(SHARED / "acceptance", name)
    file = msgspec.json.decode(path.read_bytes())
    with psycopg.connect(database.owner_url) as owner:
        create_ledger(owner, KEY, lanes=4, is_sandbox=True)
    days = list(file["expected"])
    async with Engine.open(database.service_url, KEY) as engine:
        worked = await found(engine, file)
        code = worked.programme["code"]
        async with engine.pool.connection() as connection:
            await engine.registry.refresh(connection)
        await agree(engine, code, contracts(file))
        programme = engine.registry.current.programmes[code]
        codes = {number: party for party, number in worked.partners.items()}
        settled = {}
        for day in days:
            await worked.set_clock(day, "00:00")
            await post_lapses(engine)
            for event in (event for event in file["events"] if event["day"] == day):
                await worked.load(event)
            following = date.fromordinal(date.fromisoformat(day).toordinal() + 1)
            await worked.set_clock(following.isoformat(), "00:00")
            await close_day(engine, CLERK, programme, date.fromisoformat(day))
            batch = await run(engine, CLERK, programme)
            assert (await run(engine, CLERK, programme)).digest == batch.digest
            await submit(engine, CLERK, batch.id, "looks right")
            batch = await approve(engine, APPROVER, batch.id, "checked")
            settled[day] = figures_of(batch, codes)
            with psycopg.connect(database.owner_url) as owner:
                owner.execute("update settlement_batches set state = 'instructed'")
        report = await audit(engine.pool)
    assert report.is_clean, report.differences
    for day in days:
        expected = file["expected"][day]
        expected["points"].pop("refused", None)
        computed = settled[day]
        points = expected.pop("points")
        of_points = computed.pop("points")
        assert computed == expected, day
        assert {line: of_points.get(line, 0) for line in points} == points, day
