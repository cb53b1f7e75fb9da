"""Every kind of transaction, just posted and read back, and found by key, reference and reversal.

``Town.post`` compares the view of the outcome with the view of the journal for each transaction here.
"""

from uuid import UUID

import pytest

from ledger.ids import Place, place_of
from ledger.posting.intake import partner_owner
from ledger.reading.transactions import (
    MAXIMUM_FOUND,
    MAXIMUM_REVERSALS_NAMED,
    AccountView,
    PostingView,
    TransactionView,
    find_by_key,
    find_by_reference,
    places_of,
    read_views,
    reversals_of,
    views_of_posted,
)
from ledger.rules.commands import Earn, Redeem, Reverse
from ledger.rules.outcomes import Posted, Refused
from ledger.rules.programmes import EarnRate, Registry
from tests.reading.town import KEY, Town, instant

pytestmark = pytest.mark.anyio


def place(view: TransactionView) -> Place:
    return Place(view.lane, view.sequence)


def moves(view: TransactionView) -> list[tuple[str, str, int]]:
    return [(posting.debit.kind, posting.credit.kind, posting.points) for posting in view.postings]


async def test_an_earn_by_spend_tells_its_rate_and_its_lot(town: Town) -> None:
    view = await town.spend(9_050, outlet="A1", channel="pos")
    assert (view.kind, view.programme, view.partner, view.points) == ("earn", "CITY", "BAKER", 90)
    assert (view.spend_minor, view.currency, view.programme_version, view.rate) == (9_050, "CNY", 1, EarnRate(1, 100))
    assert (view.scene, view.outlet, view.channel) == ("food", "A1", "pos")
    [lot] = view.lots
    assert (lot.funding, lot.points, str(lot.expires_on)) == ((("BAKER", 1),), 90, "2026-04-05")
    member = UUID(view.member)
    assert view.postings == (
        PostingView(AccountView("issuance", "BAKER"), AccountView("available", str(member)), 90, lot.id),
    )
    assert place_of(UUID(view.id)) == place(view)
    assert (view.available, view.held, view.pending) == (90, 0, 0)


async def test_an_earn_with_stated_points_rests_on_no_spend(town: Town) -> None:
    view = await town.earn(25)
    assert (view.points, view.spend_minor, view.reverses) == (25, None, None)


async def test_a_pending_earn_shows_its_points_as_pending(town: Town) -> None:
    view = await town.earn(25, available_from=instant("2026-02-01 00:00"))
    assert (view.available, view.pending) == (0, 25)


async def test_a_redemption_names_each_lot_it_used_in_the_order_of_use(town: Town) -> None:
    first = await town.earn(30)
    second = await town.earn(30, partner="BANK", occurred_at=instant("2026-01-01 00:00"))
    view = await town.redeem(40, cash_minor=1_200, currency="CNY")
    assert [(lot.id, lot.funding, lot.points) for lot in view.lots] == [
        (second.lots[0].id, (("BANK", 1),), 30),
        (first.lots[0].id, (("BAKER", 1),), 10),
    ]
    assert moves(view) == [("available", "redeemed", 30), ("available", "redeemed", 10)]
    assert view.cash_minor == 1_200


async def test_partial_reversals_of_a_redemption_give_back_the_last_used_lot_first(town: Town) -> None:
    await town.earn(30)
    await town.earn(30)
    redemption = await town.redeem(40)
    first = await town.reverse(redemption, points=15)
    second = await town.reverse(redemption)
    assert (first.reverses, second.reverses) == (redemption.id, redemption.id)
    assert [lot.points for lot in first.lots] == [10, 5]
    assert [lot.points for lot in second.lots] == [25]
    assert second.available == 60


async def test_a_redemption_reversed_after_the_lapse_comes_back_as_a_child_lot(town: Town) -> None:
    earn = await town.earn(30, programme="GRACE")
    redemption = await town.redeem(30, programme="GRACE")
    await town.set_clock("2026-05-01 00:00")
    view = await town.reverse(redemption)
    [child] = view.lots
    assert child.id != earn.lots[0].id
    assert (child.points, str(child.expires_on)) == (30, "2026-05-11")
    assert view.available == 30


async def test_without_grace_a_restored_lot_lapses_in_the_same_transaction(town: Town) -> None:
    await town.earn(30)
    redemption = await town.redeem(30)
    await town.set_clock("2026-05-01 00:00")
    view = await town.reverse(redemption)
    assert moves(view) == [("redeemed", "available", 30), ("available", "expired", 30), ("expired", "issuance", 30)]
    assert [lot.points for lot in view.lots] == [30]
    assert view.available == 0


async def test_an_earn_reversed_by_spend_after_use_leaves_a_shortfall_that_another_issuer_repays(town: Town) -> None:
    earn = await town.spend(10_000)
    await town.redeem(80)
    part = await town.reverse(earn, spend_minor=5_000, currency="CNY")
    assert moves(part) == [("available", "issuance", 20), ("shortfall", "issuance", 30)]
    assert (part.points, part.spend_minor, part.reverses) == (50, 5_000, earn.id)
    credit = await town.earn(100, partner="BANK")
    assert moves(credit) == [
        ("issuance", "available", 100),
        ("available", "shortfall", 30),
        ("issuance", "issuance", 30),
    ]
    assert [account.owner for account in (credit.postings[2].debit, credit.postings[2].credit)] == ["BAKER", "BANK"]
    assert [lot.points for lot in credit.lots] == [100]
    assert credit.available == 70


async def test_a_reversal_that_moves_nothing_has_no_postings_and_no_lots(town: Town) -> None:
    earn = await town.earn(30)
    await town.set_clock("2026-05-01 00:00")
    view = await town.reverse(earn)
    assert (view.points, view.postings, view.lots) == (30, (), ())


async def test_a_take_back_is_one_reversal_for_each_earn_it_reaches(town: Town) -> None:
    earlier = await town.spend(1_050)
    later = await town.spend(2_000)
    views = await town.take_back(2_500, instant("2026-01-05 09:00"))
    assert [(view.reverses, view.spend_minor, view.points) for view in views] == [
        (later.id, 2_000, 20),
        (earlier.id, 500, 5),
    ]


async def test_an_expiry_is_the_ledgers_own_and_happened_when_the_day_was_over(town: Town) -> None:
    earn = await town.earn(30)
    await town.set_clock("2026-05-01 00:00")
    [view] = await town.expire()
    assert (view.kind, view.partner, view.points, view.lots) == ("expire", None, 30, earn.lots)
    assert view.occurred_at == instant("2026-04-05 16:00")
    assert view.postings[0].credit == AccountView("expired", "CITY")


async def test_a_set_up_that_is_older_than_the_journal_is_read_again(town: Town) -> None:
    view = await town.earn(30)
    nothing_known = Registry(0, {}, {}, {})
    async with town.connection() as connection:
        assert await read_views(connection, nothing_known, [place(view)]) == {place(view): view}


async def test_places_without_transaction_are_left_out(town: Town) -> None:
    view = await town.earn(30)
    beyond = Place(view.lane, view.sequence + 1)
    async with town.connection() as connection:
        assert list(await read_views(connection, town.engine.registry.current, [place(view), beyond])) == [place(view)]
        assert await read_views(connection, town.engine.registry.current, [beyond]) == {}


async def test_the_view_of_a_reversal_without_its_originals_id_is_an_error(town: Town) -> None:
    earn = await town.earn(30)
    outcome = await town.submit("BAKER", Reverse(transaction=earn.id))
    assert isinstance(outcome, Posted)
    with pytest.raises(KeyError):
        views_of_posted(outcome, town.engine.registry.current)


async def test_a_key_finds_the_transactions_or_the_refusal_under_it_in_its_owners_space(town: Town) -> None:
    posted = await town.earn(30, key="receipt-1")
    redeem = Redeem(programme="CITY", member="ref:ann", points=31, scene="food")
    refused = await town.submit("BAKER", redeem, key="receipt-2")
    assert isinstance(refused, Refused)
    baker, bank = partner_owner(town.partners["BAKER"]), partner_owner(town.partners["BANK"])
    async with town.connection() as connection:
        found = await find_by_key(connection, KEY, baker, "receipt-1")
        assert found is not None
        assert places_of(found) == [place(posted)]
        refusal = await find_by_key(connection, KEY, baker, "receipt-2")
        assert refusal is not None
        assert places_of(refusal) == []
        assert b"insufficient-points" in (refusal.answer or b"")
        assert await find_by_key(connection, KEY, baker, "receipt-3") is None
        assert await find_by_key(connection, KEY, bank, "receipt-1") is None


async def test_a_key_with_several_transactions_names_all_their_places(town: Town) -> None:
    await town.spend(1_050)
    await town.spend(2_000)
    views = await town.take_back(2_500, instant("2026-01-05 09:00"))
    async with town.connection() as connection:
        found = await find_by_key(connection, KEY, partner_owner(town.partners["BAKER"]), "key-3")
    assert found is not None
    assert places_of(found) == [place(view) for view in views]


async def test_a_reference_finds_only_the_partners_own_transactions_newest_first(town: Town) -> None:
    first = await town.earn(1, reference="order-7")
    await town.set_clock("2026-01-06 00:00")
    second = await town.earn(2, reference="order-7")
    await town.earn(3, reference="order-8")
    await town.earn(4, partner="BANK", reference="order-7")
    baker = town.partners["BAKER"]
    async with town.connection() as connection:
        found = await find_by_reference(connection, KEY, partner_owner(baker), "order-7", baker)
        nothing = await find_by_reference(connection, KEY, partner_owner(baker), "order-9", baker)
    assert found == [place(second), place(first)]
    assert nothing == []


async def test_what_a_reference_finds_is_limited(town: Town) -> None:
    baker = town.partners["BAKER"]
    earn = Earn(programme="CITY", member="ref:ann", scene="food", points=1, reference="same")
    for number in range(MAXIMUM_FOUND + 1):
        await town.submit("BAKER", earn, key=f"many-{number}")
    async with town.connection() as connection:
        found = await find_by_reference(connection, KEY, partner_owner(baker), "same", baker)
    assert len(found) == MAXIMUM_FOUND


async def test_an_original_names_its_reversals_earliest_first_and_not_without_limit(town: Town) -> None:
    earn = await town.earn(500)
    other = await town.earn(5)
    reversals = [await town.reverse(earn, points=1) for _ in range(3)]
    async with town.connection() as connection:
        found = await reversals_of(connection, [place(earn), place(other)])
    assert found == {place(earn): tuple(view.id for view in reversals)}
    for number in range(MAXIMUM_REVERSALS_NAMED):
        await town.submit("BAKER", Reverse(transaction=earn.id, points=1), key=f"bit-{number}")
    async with town.connection() as connection:
        found = await reversals_of(connection, [place(earn)])
    assert len(found[place(earn)]) == MAXIMUM_REVERSALS_NAMED
