"""Starting epochs: in every lane, once, in order, whoever is interrupted or comes at the same time."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from ledger.audit import audit
from ledger.posting.engine import Engine
from ledger.posting.epochs import finish_epochs, start_epoch
from ledger.rules.epochs import SupersededSeal, superseded_commitment
from ledger.rules.journal import TransactionKind
from ledger.store.epochs import NewEpoch, add_epoch, read_epochs, read_lanes_without
from tests.builders import LEDGER_KEY, earn
from tests.databases import LedgerDatabase
from tests.store.ledger_in_postgres import LANES, LedgerInPostgres, open_ledger

IDENTITY, OTHER = bytes(range(16)), bytes(range(16, 32))
EVERYWHERE = [(lane, number) for lane in range(LANES) for number in (1, 2)]
REASON = "the disk was gone"


@pytest.fixture
async def ledger(database: LedgerDatabase) -> AsyncIterator[LedgerInPostgres]:
    """A ledger with something in one lane."""
    async with open_ledger(database) as opened, opened.posters() as desk:
        await desk.post(earn(10, member=opened.members[0]))
        yield opened


@pytest.fixture
async def engine(ledger: LedgerInPostgres) -> AsyncIterator[Engine]:
    """An engine on that ledger."""
    async with Engine.open(ledger.database.service_url, LEDGER_KEY) as opened:
        yield opened


async def begun(ledger: LedgerInPostgres) -> list[tuple[int, int]]:
    """The lane and number of every beginning, as the journal has them, in order."""
    return await ledger.rows(
        "select lane, p.epoch from particulars p join transactions t using (lane, sequence) where t.kind = %s"
        " order by lane, sequence",
        int(TransactionKind.EPOCH),
    )


async def wait_until_lacking(ledger: LedgerInPostgres, lanes: list[int]) -> None:
    """Wait until the first epoch has begun everywhere but in these lanes."""
    async with ledger.pool.connection() as connection:
        for _ in range(500):
            if await read_lanes_without(connection, 1) == lanes:
                return
            await asyncio.sleep(0.02)
    pytest.fail(f"the epoch never began everywhere but in lanes {lanes}")


async def clean(ledger: LedgerInPostgres) -> bool:
    report = await audit(ledger.pool)
    assert report.differences == ()
    return report.is_clean


async def test_an_epoch_begins_in_every_lane_also_in_those_without_transactions(
    ledger: LedgerInPostgres, engine: Engine
) -> None:
    seals = (SupersededSeal(4, "ab" * 32), SupersededSeal(5, "cd" * 32))
    epoch = await start_epoch(
        engine, IDENTITY, reason=REASON, restored_to=1_700_000_000_000_001, lost_until=1_700_000_000_000_002,
        superseded_seals=seals,
    )  # fmt: skip
    assert await begun(ledger) == [(lane, 1) for lane in range(LANES)]
    said = await ledger.rows("select distinct epoch_identity, superseded_seals from particulars where epoch = 1")
    assert said == [(IDENTITY.hex(), superseded_commitment(seals))]
    async with ledger.pool.connection() as connection:
        assert await read_epochs(connection) == [epoch]
    assert (epoch.number, epoch.identity, epoch.reason, epoch.superseded_seals) == (1, IDENTITY, REASON, seals)
    assert (epoch.restored_to, epoch.lost_until) == (1_700_000_000_000_001, 1_700_000_000_000_002)
    assert await clean(ledger)


async def test_the_same_epoch_asked_for_again_changes_nothing(ledger: LedgerInPostgres, engine: Engine) -> None:
    first = await start_epoch(engine, IDENTITY, reason=REASON)
    before = await ledger.transactions()
    assert await start_epoch(engine, IDENTITY, reason="another reason") == first
    assert await finish_epochs(engine) is None
    assert await ledger.transactions() == before


async def test_a_further_epoch_comes_after_the_one_before_in_every_lane(
    ledger: LedgerInPostgres, engine: Engine
) -> None:
    await start_epoch(engine, IDENTITY, reason=REASON)
    second = await start_epoch(engine, OTHER, reason=REASON)
    assert second.number == 2
    assert await begun(ledger) == EVERYWHERE
    assert await clean(ledger)


async def test_what_was_interrupted_is_finished_before_a_later_epoch_begins(
    ledger: LedgerInPostgres, engine: Engine
) -> None:
    async with ledger.pool.connection() as connection:
        await add_epoch(connection, NewEpoch(identity=IDENTITY, reason=REASON))
    await start_epoch(engine, OTHER, reason=REASON)
    assert await begun(ledger) == EVERYWHERE
    assert await clean(ledger)


async def test_a_lane_that_cannot_be_had_leaves_the_epoch_to_be_finished(
    ledger: LedgerInPostgres, engine: Engine
) -> None:
    async with ledger.pool.connection() as holder, holder.transaction():
        await holder.execute("select from lanes where lane = 3 for update")
        starting = asyncio.create_task(start_epoch(engine, IDENTITY, reason=REASON))
        await wait_until_lacking(ledger, [1, 3])
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert await begun(ledger) == [(0, 1), (2, 1)]
    epoch = await start_epoch(engine, IDENTITY, reason=REASON)
    assert epoch.number == 1
    assert await begun(ledger) == [(lane, 1) for lane in range(LANES)]
    assert await clean(ledger)


@pytest.mark.parametrize("identities", [[IDENTITY] * 6, [bytes([n] * 16) for n in range(6)]], ids=["same", "different"])
async def test_processes_that_start_epochs_at_once_agree(
    ledger: LedgerInPostgres, engine: Engine, identities: list[bytes]
) -> None:
    async with Engine.open(ledger.database.service_url, LEDGER_KEY, groups=1) as other:
        epochs = await asyncio.gather(
            *((start_epoch((engine, other)[n % 2], one, reason=REASON)) for n, one in enumerate(identities))
        )
    numbers = sorted({epoch.number for epoch in epochs})
    assert numbers == list(range(1, len(set(identities)) + 1))
    assert await begun(ledger) == [(lane, number) for lane in range(LANES) for number in numbers]
    assert await clean(ledger)


async def test_others_post_while_an_epoch_begins(ledger: LedgerInPostgres, engine: Engine) -> None:
    async with ledger.posters() as desk:
        earns = [desk.post(earn(1, member=ledger.members[n % 8])) for n in range(60)]
        await asyncio.gather(start_epoch(engine, IDENTITY, reason=REASON), *earns)
    assert await begun(ledger) == [(lane, 1) for lane in range(LANES)]
    assert await clean(ledger)


@pytest.mark.parametrize("length", [0, 15, 17])
async def test_an_identity_of_another_length_is_refused(ledger: LedgerInPostgres, engine: Engine, length: int) -> None:
    with pytest.raises(ValueError, match=f"got {length} bytes, wanted 16"):
        await start_epoch(engine, bytes(length), reason=REASON)
    assert await ledger.value("select count(*) from epochs") == 0
