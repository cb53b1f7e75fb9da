"""Every transaction can be explained: a feed that comes to one that cannot would stop there."""

from datetime import date

from ledger.posting.cap_grants import grant_cover
from ledger.posting.engine import Engine
from ledger.reading.events import read_events
from ledger.reading.explanations import WHAT_HAPPENED, explain
from ledger.rules.journal import TransactionKind
from ledger.store.covers import add_cover_price, open_cover
from ledger.store.unit_of_work import unit_of_work
from tests.builders import LEDGER_KEY, earn
from tests.databases import LedgerDatabase
from tests.store.ledger_in_postgres import LANES, open_ledger


def test_every_kind_of_transaction_has_its_sentence() -> None:
    assert WHAT_HAPPENED.keys() == {kind.name.lower().replace("_", "-") for kind in TransactionKind}


async def test_an_issuer_whose_cover_runs_low_reads_it_in_its_feed(database: LedgerDatabase) -> None:
    async with open_ledger(database) as ledger:
        bank = ledger.partners[0]
        async with ledger.pool.connection() as connection, unit_of_work(connection):
            await add_cover_price(connection, ledger.programme, bank, date(2026, 1, 1), 10_000)
            code = await open_cover(connection, ledger.programme, bank, alert_level=5_000)
        async with Engine.open(database.service_url, LEDGER_KEY, groups=1) as engine:
            await grant_cover(engine, code, 9_000, owner="s:test", idempotency_key="first")
            for number in range(60):
                command = earn(1, member=ledger.members[0])
                await engine.posters.submit(await engine.intake.prepare(bank, f"key-{number}", command))
            async with engine.pool.connection() as connection, unit_of_work(connection):
                nothing = (0,) * LANES
                page = await read_events(connection, engine.registry.current, bank, nothing, limit=200)
    told = [explain(view) for view in page.views if view.kind == "cover-low"]
    assert told == [f"Cover {code} has fallen below its alert level."]
