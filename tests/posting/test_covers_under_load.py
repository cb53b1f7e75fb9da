"""Covers in PostgreSQL: exact with many earns at once over several lanes and posters, and the auditor agrees."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import date
from random import Random

import psycopg
import pytest

from ledger.audit import audit
from ledger.errors import PeriodClosed
from ledger.rules.commands import GrantCover, PartnerCommand, StaffCommand
from ledger.rules.outcomes import Outcome, Posted, Refused
from ledger.store.campaigns import NewCampaign, add_campaign
from ledger.store.covers import add_cover_price, open_cover
from ledger.store.registry_writes import close_period, resume_issuing, suspend_issuing
from ledger.store.unit_of_work import unit_of_work
from tests.builders import earn, redeem, reverse
from tests.databases import LedgerDatabase
from tests.rarer_builders import gift
from tests.store.ledger_in_postgres import Desk, LedgerInPostgres, open_ledger

EARNS = 200
PRICE = 12_050
COST = 121
"""Of one point, in 1/10,000 yuan: 120.5 rounded up."""

BANK_COVER, SUPERMARKET_COVER = "cover:CITY:BANK", "cover:CITY:SUPERMARKET"

_OF_COVER = """
select b.kind, sum(b.balance)::bigint from party_balances b join caps c on c.cap = b.owner
where b.kind between 9 and 13 and c.code = %s group by b.kind
"""
_AUTHORISED, _POOL, _ALLOTTED, _USED, _IN_TRANSIT = 13, 9, 10, 11, 12


@pytest.fixture
async def ledger(database: LedgerDatabase) -> AsyncIterator[LedgerInPostgres]:
    """A live ledger whose two partners issue under covers, and share a campaign."""
    async with open_ledger(database) as opened:
        bank, supermarket = opened.partners
        async with opened.pool.connection() as connection, unit_of_work(connection):
            await add_cover_price(connection, opened.programme, bank, date(2026, 1, 1), PRICE)
            await add_cover_price(connection, opened.programme, supermarket, date(2026, 1, 1), 9_950)
            assert await open_cover(connection, opened.programme, bank, alert_level=5_000) == BANK_COVER
            await open_cover(connection, opened.programme, supermarket)
            await add_campaign(
                connection, NewCampaign("SPRING", opened.programme, {bank: 3, supermarket: 1}, lead=bank)
            )
        yield opened


async def by_staff(desk: Desk, command: StaffCommand) -> Outcome:
    submission = await desk.intake.prepare(0, desk.ledger.next_key(), command, owner="staff:a")
    return await desk.posters.submit(submission)


async def grant(desk: Desk, amount: int, code: str = BANK_COVER, *, takes: bool = False) -> Outcome:

    return await by_staff(desk, GrantCover(cap=code, amount=amount, takes=takes))


async def standing(ledger: LedgerInPostgres, code: str = BANK_COVER) -> Counter[int]:
    balances = Counter(dict(await ledger.rows(_OF_COVER, code)))
    assert balances[_AUTHORISED] == balances[_POOL] + balances[_ALLOTTED] + balances[_USED]
    assert balances[_IN_TRANSIT] == 0
    return balances


async def refuse_nothing(ledger: LedgerInPostgres) -> None:
    report = await audit(ledger.pool)
    assert report.differences == ()


@pytest.mark.parametrize("groups", [1, 2])
async def test_a_cover_is_used_to_its_last_ten_thousandth_and_never_beyond(
    ledger: LedgerInPostgres, groups: int
) -> None:
    granted = (EARNS - 40) * COST + COST - 1
    async with ledger.posters(groups=groups) as one, ledger.posters(groups=groups) as other:
        assert isinstance(await grant(one, granted), Posted)
        became: Counter[str] = Counter()
        halves = []
        for desk in (one, other):
            commands = [earn(1, member=ledger.members[number % 8]) for number in range(EARNS // 2)]
            halves.append(desk.submit_together(commands, [ledger.next_key() for _ in commands]))
        for outcomes in await asyncio.gather(*halves):
            became.update(o.code if isinstance(o, Refused) else type(o).__name__ for o in outcomes)
        assert became == {"Posted": EARNS - 40, "issuer-cover-exhausted": 40}
        balances = await standing(ledger)
        assert balances[_USED] == (EARNS - 40) * COST
        assert balances[_POOL] == COST - 1
        assert await one.ledger.value("select count(*) from transactions where kind = 21") >= 1
    await refuse_nothing(ledger)


async def test_claw_backs_recoveries_gifts_and_campaigns_in_any_mixture_leave_exact_covers(
    ledger: LedgerInPostgres,
) -> None:
    chance = Random(7)
    async with ledger.posters(groups=2) as desk:
        for code in (BANK_COVER, SUPERMARKET_COVER):
            await grant(desk, 60_000, code)
        posted: list[Posted] = []
        for _ in range(25):
            outcomes = await desk.submit_together(*_round(desk, chance, posted))
            assert all(isinstance(outcome, Posted | Refused) for outcome in outcomes), outcomes
            posted += [o for o in outcomes if isinstance(o, Posted) and o.own_entries[0].transaction.kind in (1, 2)]
            await grant(desk, chance.randrange(1, 3_000), BANK_COVER, takes=chance.random() < 0.4)
        for code in (BANK_COVER, SUPERMARKET_COVER):
            balances = await standing(ledger, code)
            assert min(balances[_POOL], balances[_ALLOTTED]) >= 0
    kinds = await ledger.value("select count(*) from postings where debit_kind = 2 and credit_kind = 4")
    given_back = await ledger.value("select count(*) from postings where debit_kind = 11")
    assert min(kinds, given_back) > 0
    await refuse_nothing(ledger)


def _round(desk: Desk, chance: Random, posted: list[Posted]) -> tuple[list[PartnerCommand], list[str]]:
    members = desk.ledger.members[:4]
    commands: list[PartnerCommand] = []
    for _ in range(12):
        member, points = chance.choice(members), chance.randint(1, 30)
        choice = chance.random()
        if choice < 0.35:
            commands.append(earn(points, member=member, campaign=chance.choice([None, "SPRING"])))
        elif choice < 0.6:
            commands.append(redeem(points, member=member))
        elif choice < 0.7:
            commands.append(gift(points, member=member, receiver=chance.choice(members)))
        elif posted:
            commands.append(reverse(chance.choice(posted[-30:]).own_entries[0], points=chance.choice([None, 3, 7])))
    return commands, [desk.ledger.next_key() for _ in commands]


async def test_a_cover_that_was_tampered_with_is_found(ledger: LedgerInPostgres) -> None:
    async with ledger.posters() as desk:
        await grant(desk, 60_000)
        await desk.post(earn(3, member=ledger.members[0]))
    with psycopg.connect(ledger.database.owner_url) as owner:
        owner.execute("update cover_prices set price_micros = price_micros + 100 where price_micros = %s", [PRICE])
        owner.execute("update registry set version = version + 1")
    report = await audit(ledger.pool)
    assert [difference.what for difference in report.differences] == ["points of cap 1"]


async def test_a_suspended_issuer_is_refused_by_every_poster_at_once_and_goes_on_when_resumed(
    ledger: LedgerInPostgres,
) -> None:
    bank = ledger.partners[0]
    member = ledger.members[0]
    async with ledger.posters() as desk:
        await grant(desk, 60_000)
        earned = await desk.post(earn(10, member=member))
        async with ledger.pool.connection() as connection, unit_of_work(connection):
            await suspend_issuing(connection, ledger.programme, bank, "overdue since Monday")
        refused = await desk.submit(earn(1, member=member))
        assert isinstance(refused, Refused)
        assert (refused.code, refused.facts["issuer"]) == ("issuer-suspended", "BANK")
        await desk.post(redeem(4, member=member))
        await desk.post(reverse(earned.own_entries[-1], points=1))
        async with ledger.pool.connection() as connection, unit_of_work(connection):
            await resume_issuing(connection, ledger.programme, bank)
        await desk.post(earn(1, member=member))
    await refuse_nothing(ledger)


async def test_a_closed_period_takes_nothing_more_and_never_opens_again(ledger: LedgerInPostgres) -> None:

    member = ledger.members[0]
    async with ledger.posters() as desk:
        await grant(desk, 60_000)
        now = (await desk.post(earn(10, member=member))).own_entries[0].transaction.recorded_at
        last = desk.posters.registry.current.programmes["CITY"].business_day(now - 5 * 86_400_000_000)
        async with ledger.pool.connection() as connection, unit_of_work(connection):
            await close_period(connection, ledger.programme, last)
        refused = await desk.submit(earn(1, member=member, occurred_at=now - 5 * 86_400_000_000))
        assert isinstance(refused, Refused)
        assert refused.facts["closed_through"] == last.isoformat()
        await desk.post(earn(1, member=member, occurred_at=now - 4 * 86_400_000_000))
        with pytest.raises(PeriodClosed):
            async with ledger.pool.connection() as connection, unit_of_work(connection):
                await close_period(connection, ledger.programme, date(2026, 1, 1))
