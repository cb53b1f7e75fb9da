"""What contracts let an issuer owe, and what closes: covers, overdue payments, periods."""

from datetime import date, datetime
from uuid import uuid4

import msgspec
import pytest

from ledger.audit import audit
from ledger.errors import BatchInTheWay, DayStillOpen
from ledger.reading.caps import read_caps
from ledger.rules.commands import Earn
from ledger.rules.outcomes import Posted, Refused
from settlement.audit import check_settlement
from settlement.covers import post_cover_movements, suspend_overdue
from settlement.proposals import PeriodRequest, TermsRequest, approve_proposal, propose
from tests.settlement.mock_bank import iban
from tests.settlement.office_with_bank import ZONE, Office, set_clock
from tests.settlement_days import APPROVER, CLERK, agree

# 0.012 of the currency per point.
LIMIT_MINOR = 12_00
LIMITED = TermsRequest(
    partner="BANK",
    starts_on=date(2026, 11, 25),
    reserve_micros=10_000,
    fee_micros=2_000,
    credit_limit_minor=LIMIT_MINOR,
    prefunding_minor=1_00,
)


async def earn(office: Office, points: int) -> Posted | Refused:
    """Have the bank issue points to the one member."""
    command = Earn(programme="CITY", member="ref:m", points=points, scene="banking")
    partner = office.worked.partners["BANK"]
    outcome = await office.engine.posters.submit(await office.engine.intake.prepare(partner, str(uuid4()), command))
    assert isinstance(outcome, Posted | Refused)
    return outcome


async def left(office: Office) -> int:
    """What is left of the bank's cover, in 1/10,000 of the currency."""
    registry = office.engine.registry.current
    cover = registry.covers[registry.programmes["CITY"].number, office.worked.partners["BANK"]]
    async with office.engine.pool.connection() as connection:
        return (await read_caps(connection, [cover]))[cover.number].left


async def test_an_issuer_may_owe_up_to_its_limit_and_again_as_much_as_it_pays(office: Office) -> None:
    batch = await office.settle()
    await agree(office.engine, "CITY", [LIMITED])
    for _ in range(2):
        await post_cover_movements(office.engine)
    assert await left(office) == LIMIT_MINOR * 100
    assert isinstance(await earn(office, 1_000), Posted)
    refused = await earn(office, 1)
    assert isinstance(refused, Refused)
    assert refused.code == "issuer-cover-exhausted"
    [notice] = await office.notices(batch)
    office.bank.credit("HOUSE", 24_00, notice.reference, debtor={"name": "某某银行", "iban": iban("CN", "PAYER")})
    for _ in range(2):
        await office.read_bank()
        await post_cover_movements(office.engine)
    assert await left(office) == 24_00 * 100
    assert isinstance(await earn(office, 2_000), Posted)
    assert isinstance(await earn(office, 1), Refused)
    report = await audit(office.engine.pool, more_checks=[check_settlement])
    assert report.is_clean, report.differences


async def test_a_lower_limit_waits_until_what_is_used_is_paid(office: Office) -> None:
    batch = await office.settle()
    await agree(office.engine, "CITY", [LIMITED])
    await post_cover_movements(office.engine)
    assert isinstance(await earn(office, 1_000), Posted)
    lower = msgspec.structs.replace(LIMITED, starts_on=date(2026, 11, 26), credit_limit_minor=6_00)
    await agree(office.engine, "CITY", [lower])
    assert await post_cover_movements(office.engine) == 0
    [notice] = await office.notices(batch)
    office.bank.credit("HOUSE", 12_00, notice.reference, debtor={"name": "某某银行", "iban": iban("CN", "PAYER")})
    await office.read_bank()
    await post_cover_movements(office.engine)
    await post_cover_movements(office.engine)
    assert await left(office) == 6_00 * 100


async def test_an_issuer_that_pays_late_is_suspended_until_it_has_paid(office: Office) -> None:
    batch = await office.settle()
    [notice] = await office.notices(batch)
    await set_clock(office.engine, datetime(2026, 11, 30, 23, 0, tzinfo=ZONE))
    assert await suspend_overdue(office.engine) == (0, 0)
    await set_clock(office.engine, datetime(2026, 12, 1, 1, 0, tzinfo=ZONE))
    assert await suspend_overdue(office.engine) == (1, 0)
    assert await suspend_overdue(office.engine) == (0, 0)
    refused = await earn(office, 1)
    assert isinstance(refused, Refused)
    assert refused.code == "issuer-suspended"
    office.bank.credit("HOUSE", 120_00, notice.reference, debtor={"name": "某某银行", "iban": iban("CN", "PAYER")})
    await office.read_bank()
    assert await suspend_overdue(office.engine) == (0, 1)
    assert isinstance(await earn(office, 1), Posted)


async def test_a_period_closes_once_its_days_are_settled_and_takes_nothing_later(office: Office) -> None:
    programme = office.engine.registry.current.programmes["CITY"]
    with pytest.raises(DayStillOpen):
        await propose(office.engine, CLERK, programme, PeriodRequest(date(2026, 11, 24)), "month", uuid4())
    with pytest.raises(BatchInTheWay):
        await propose(office.engine, CLERK, programme, PeriodRequest(date(2026, 11, 23)), "month", uuid4())
    await office.settle()
    asked = await propose(office.engine, CLERK, programme, PeriodRequest(date(2026, 11, 23)), "month", uuid4())
    await approve_proposal(office.engine, APPROVER, asked.proposal, "all settled")
    command = Earn(
        programme="CITY",
        member="ref:m",
        points=1,
        scene="banking",
        occurred_at=int(datetime(2026, 11, 23, 12, 0, tzinfo=ZONE).timestamp()) * 1_000_000,
    )
    partner = office.worked.partners["BANK"]
    late = await office.engine.posters.submit(await office.engine.intake.prepare(partner, "late", command))
    assert isinstance(late, Refused)
    assert late.code == "period-closed"
    assert isinstance(await earn(office, 1), Posted)
