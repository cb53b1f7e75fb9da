"""A disputed redemption: held out, decided for or against its acceptor, also after the next batch."""

from datetime import date, datetime
from uuid import UUID, uuid4

import pytest

from ledger.audit import audit
from ledger.errors import DisputeDecided, NotDisputable, SecondPersonRequired
from ledger.rules.commands import Reverse
from ledger.rules.outcomes import Posted
from settlement.audit import check_settlement
from settlement.batches import Batch
from settlement.days import close_day
from settlement.disputes import decide_against_acceptor, decide_for_acceptor, open_dispute
from settlement.people import Person
from tests.databases import LedgerDatabase
from tests.settlement.office_with_bank import ZONE, Office, set_clock
from tests.settlement_days import APPROVER, CLERK

# 3,000 points at the café: reserve 30.00, gross 30.00, commission 0.60, so 29.40 is owed.
OWED_MINOR = 29_40


def cafe_redemption(office: Office) -> UUID:
    return UUID(office.worked.ids["r1"][0])


async def next_day(office: Office, day: int) -> Batch:
    """Close a day of November 2026 and settle it."""
    await set_clock(office.engine, datetime(2026, 11, day + 1, 9, 0, tzinfo=ZONE))
    await close_day(office.engine, CLERK, office.engine.registry.current.programmes["CITY"], date(2026, 11, day))
    return await office.settle()


async def clean(office: Office) -> bool:
    report = await audit(office.engine.pool, more_checks=[check_settlement])
    assert report.is_clean, report.differences
    return report.is_clean


async def test_what_is_disputed_before_its_batch_is_approved_is_not_paid_with_it(
    office: Office, database: LedgerDatabase
) -> None:
    dispute = await open_dispute(office.engine, CLERK, cafe_redemption(office), "goods not given", uuid4())
    assert (dispute.amount_minor, dispute.is_held) == (OWED_MINOR, False)
    batch = await office.settle()
    cafe = office.worked.partners["CAFE"]
    assert cafe not in {payment.party for payment in (await office.payments(batch)).values()}
    balances = office.balances(database)
    assert balances[9000, 0] == -OWED_MINOR
    assert (2100, cafe) not in balances
    await clean(office)


async def test_decided_for_the_acceptor_after_the_next_batch_it_is_paid_with_the_one_after(
    office: Office, database: LedgerDatabase
) -> None:
    await open_dispute(office.engine, CLERK, cafe_redemption(office), "goods not given", uuid4())
    await office.instruct(await office.settle())
    await office.instruct_nothing(await next_day(office, 24))
    dispute = await open_dispute(office.engine, CLERK, cafe_redemption(office), "again", uuid4())
    for _ in range(2):
        decided = await decide_for_acceptor(office.engine, APPROVER, dispute.dispute, "receipt seen")
        assert decided.state == "for-acceptor"
    batch = await next_day(office, 25)
    cafe = office.worked.partners["CAFE"]
    paid = {payment.party: payment.amount_minor for payment in (await office.payments(batch)).values()}
    assert paid == {cafe: OWED_MINOR}
    assert (9000, 0) not in office.balances(database)
    await clean(office)


async def test_decided_against_the_acceptor_the_points_come_back_and_the_obligation_with_them(
    office: Office, database: LedgerDatabase
) -> None:
    await office.instruct(await office.settle())
    before = office.balances(database)
    dispute = await open_dispute(office.engine, CLERK, cafe_redemption(office), "goods not given", uuid4())
    assert dispute.is_held
    for _ in range(2):
        decided = await decide_against_acceptor(office.engine, APPROVER, dispute.dispute, "no receipt")
        assert decided.state == "against-acceptor"
    after = office.balances(database)
    cafe = office.worked.partners["CAFE"]
    # The café was paid already: it owes what it got; commission and reserve are as if nothing had been redeemed.
    assert after[2100, cafe] == OWED_MINOR
    assert after[4010, 0] == before[4010, 0] + 60
    assert after[2000, 0] == before[2000, 0] - 30_00
    batch = await next_day(office, 24)
    assert batch.figures.nets == {}
    assert batch.figures.obligation_change_minor == 0
    assert [posting.amount for posting in batch.figures.points] == [3_000]
    [notice] = [one for one in await office.notices(batch) if one.party == cafe]
    assert notice.amount_minor == OWED_MINOR
    await clean(office)


async def test_who_opened_a_dispute_cannot_decide_it_and_a_decision_stands(office: Office) -> None:
    dispute = await open_dispute(office.engine, CLERK, cafe_redemption(office), "goods not given", uuid4())
    with pytest.raises(SecondPersonRequired):
        await decide_for_acceptor(office.engine, Person(CLERK.name, frozenset({"manager"})), dispute.dispute, "me")
    await decide_for_acceptor(office.engine, APPROVER, dispute.dispute, "receipt seen")
    with pytest.raises(DisputeDecided):
        await decide_against_acceptor(office.engine, APPROVER, dispute.dispute, "no")


async def test_what_is_no_whole_redemption_cannot_be_disputed(office: Office) -> None:
    with pytest.raises(NotDisputable):
        await open_dispute(office.engine, CLERK, UUID(office.worked.ids["e1"][0]), "an earn", uuid4())
    command = Reverse(transaction=str(cafe_redemption(office)), points=1)
    cafe = office.worked.partners["CAFE"]
    submission = await office.engine.intake.prepare(cafe, "partly", command)
    assert isinstance(await office.engine.posters.submit(submission), Posted)
    with pytest.raises(NotDisputable):
        await open_dispute(office.engine, CLERK, cafe_redemption(office), "the rest", uuid4())
