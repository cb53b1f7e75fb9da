"""Prefunding covers: used by what points cost, rounded up, and given back exactly what is not owed any more."""

from datetime import date

import pytest

from ledger.rules.accounts import AccountKind
from ledger.rules.commands import AnyCommand
from ledger.rules.covers import CostOfPoint, given_back_of_use
from ledger.rules.journal import JournalEntry, TransactionKind
from ledger.rules.programmes import CoverPrice
from tests.builders import BANK, HOUR, NOON, SUPERMARKET, at, earn, expire, programme, redeem, reverse, take_back
from tests.rarer_builders import adjust, atomic, cover, gift, grant_cap, grant_cover, hold, merge, move, write_off
from tests.rules.funded_builders import CHANGE, COVERS, SPRING, covered, funded, price
from tests.rules.ledger_in_memory import LedgerInMemory
from tests.rules.test_caps import balances, moves

A = AccountKind


def used(ledger: LedgerInMemory, partner: int = BANK) -> int:
    return balances(ledger, partner).get(A.USED, 0)


def owing(ledger: LedgerInMemory, points: int, *, partner: int = BANK) -> JournalEntry:
    """Let member 1 owe points: earned, spent, and taken back."""
    earned = ledger.post(earn(points), partner=partner).entries[-1]
    ledger.post(redeem(points))
    ledger.post(reverse(earned))
    return earned


def test_an_earn_uses_what_its_points_cost_rounded_up_to_a_ten_thousandth() -> None:
    ledger = covered(bank=100_000, supermarket=100_000)
    ledger.post(earn(7))
    assert used(ledger) == 7 * 120
    ledger.post(earn(7), partner=SUPERMARKET)
    assert used(ledger, SUPERMARKET) == 697, "7 times 99.5 is 696.5"


def test_the_price_is_that_of_the_business_day_on_which_it_happened() -> None:
    prices = {(1, BANK): (price(10_000, date(2026, 11, 1)), price(20_000, CHANGE))}
    ledger = covered(bank=100_000, cover_prices=prices)
    ledger.post(earn(1, occurred_at=at("2026-10-31 12:00")))
    assert used(ledger) == 100, "the first price holds before its day, too"
    ledger.post(earn(1, occurred_at=at("2026-11-23 23:59")))
    assert used(ledger) == 200
    ledger.post(earn(1, occurred_at=at("2026-11-24 00:00")))
    assert used(ledger) == 400


def test_what_costs_nothing_uses_nothing_and_needs_no_grant() -> None:
    ledger = covered(cover_prices={(1, BANK): (price(0),)})
    assert moves(ledger.entry(earn(1_000))) == []


@pytest.mark.parametrize("member", ["m1", "m2"])
def test_the_last_ten_thousandth_can_be_used_and_nothing_after_it(member: str) -> None:
    ledger = covered(bank=1_200)
    ledger.post(earn(5))
    refused = ledger.refuse(earn(6, member=member))
    assert refused.code == "issuer-cover-exhausted"
    assert refused.facts == {"issuer": "BANK", "programme": "CITY", "currency": "CNY", "requested": 720}
    ledger.post(earn(5, member=member))
    assert ledger.refuse(earn(1, member=member)).code == "issuer-cover-exhausted"
    assert balances(ledger, BANK) == {A.AUTHORISED: 1_200, A.USED: 1_200}


def test_another_issuer_goes_on_and_so_does_all_that_gives_no_points() -> None:
    ledger = covered(bank=1_200, supermarket=10_000)
    earned = ledger.post(earn(10)).entries[-1]
    assert ledger.refuse(earn(1)).code == "issuer-cover-exhausted"
    ledger.post(earn(1), partner=SUPERMARKET)
    ledger.post(redeem(3))
    ledger.post(reverse(earned, points=4))
    ledger.post(earn(4))


def test_what_leaves_the_pool_of_a_cover_is_a_transaction_of_its_own_also_at_home() -> None:
    ledger = covered(bank=100_000)
    home, here, earned = ledger.post(earn(1, member="m2")).entries
    assert moves(home) == [(0, A.POOL, A.CAP_TRANSIT, 25_000)]
    assert moves(here) == [(0, A.CAP_TRANSIT, A.ALLOTMENT, 25_000)]
    assert moves(earned) == [(0, A.ALLOTMENT, A.USED, 120)]


def test_the_issuer_is_told_each_time_that_its_pool_falls_below_the_alert_level() -> None:
    ledger = covered(bank=100_000, caps=(cover(BANK, alert_level=60_000), *COVERS[1:]))
    told = [entry for entry in ledger.post(earn(1)).entries if entry.transaction.kind == TransactionKind.COVER_LOW]
    assert told == [], "75,000 are left in the pool"
    [low] = [e for e in ledger.post(earn(1, member="m2")).entries if e.transaction.kind == TransactionKind.COVER_LOW]
    assert moves(low) == [(0, A.POOL, A.CAP_TRANSIT, 18_750)]
    assert (low.transaction.partner, low.transaction.member) == (BANK, 0)
    later = ledger.post(earn(200)).entries
    assert all(entry.transaction.kind != TransactionKind.COVER_LOW for entry in later), "it was below before"
    ledger.post(grant_cover(10_000))
    low = ledger.entry(grant_cover(9_000, takes=True))
    assert low.transaction.kind == TransactionKind.COVER_LOW


def test_partial_claw_backs_leave_the_use_rounded_up_over_what_is_left() -> None:
    ledger = covered(supermarket=100_000)
    earned = ledger.post(earn(7), partner=SUPERMARKET).entries[-1]
    for points, left in ((2, 5), (1, 4), (3, 1), (1, 0)):
        ledger.post(reverse(earned, points=points))
        assert used(ledger, SUPERMARKET) == -(-left * 995 // 10)


@pytest.mark.parametrize("cost", [CostOfPoint(9_950, 100), CostOfPoint(20_000, 100), CostOfPoint(0, 1)])
def test_a_use_goes_back_whole_and_never_more_whatever_the_steps_and_the_price(cost: CostOfPoint) -> None:
    for first in range(8):
        steps = (given_back_of_use(697, 7, cost, 7, 7 - first), given_back_of_use(697, 7, cost, 7 - first, 0))
        assert sum(steps) == 697
        assert min(steps) >= 0


def test_a_price_agreed_later_for_the_same_day_gives_back_what_was_used_and_no_more() -> None:
    ledger = covered(bank=100_000)
    earned = ledger.post(earn(10)).entries[-1]
    agreed = CoverPrice(CHANGE, 50_000, added_at=NOON + 1)
    ledger.state.registry.cover_prices[1, BANK] = (price(12_000), agreed)
    ledger.post(reverse(earned, points=5))
    assert used(ledger) == 5 * 120
    ledger.post(reverse(earned, points=5))
    assert used(ledger) == 0
    ledger.post(earn(1))
    assert used(ledger) == 500


def test_what_becomes_a_shortfall_stays_used_until_it_is_recovered() -> None:
    ledger = covered(bank=100_000, supermarket=100_000)
    owing(ledger, 10)
    assert used(ledger) == 1_200
    earned = ledger.post(earn(4), partner=SUPERMARKET).entries[-1]
    assert moves(earned)[-1] == (1, A.USED, A.ALLOTMENT, 480)
    assert (used(ledger), used(ledger, SUPERMARKET)) == (720, 398)


def test_a_recovery_gives_back_at_the_price_of_the_lot_that_was_owed_rounded_down() -> None:
    ledger = covered(bank=100_000, supermarket=100_000)
    owing(ledger, 7, partner=SUPERMARKET)
    ledger.post(earn(3))
    assert used(ledger, SUPERMARKET) == 697 - 298, "3 times 99.5 is 298.5"


def test_a_debt_written_off_gives_nothing_back() -> None:
    ledger = covered(bank=100_000)
    owing(ledger, 10)
    ledger.post(write_off())
    assert used(ledger) == 1_200


@pytest.mark.parametrize("how", ["gift", "adjust", "merge", "earn"])
def test_whatever_credit_repays_a_debt_gives_its_issuer_back(how: str) -> None:
    ledger = covered(bank=100_000, supermarket=100_000)
    owing(ledger, 10)
    ledger.post(earn(10, member="m2"), partner=SUPERMARKET)
    credit: dict[str, AnyCommand] = {
        "gift": gift(10, member="m2", receiver="m1"),
        "adjust": adjust(10, partner="SUPERMARKET"),
        "merge": merge("m2", "m1"),
        "earn": earn(10),
    }
    ledger.post(credit[how])
    assert used(ledger) == (1_200 if how == "earn" else 0)
    assert ledger.points().shortfall == 0


def test_a_return_that_repays_a_debt_gives_its_issuer_back() -> None:
    ledger = covered(bank=100_000)
    earned = ledger.post(earn(10)).entries[-1]
    spent = ledger.entry(redeem(10))
    ledger.post(reverse(earned))
    assert used(ledger) == 1_200
    ledger.post(reverse(spent, points=6))
    assert used(ledger) == 480


def test_a_hold_past_its_time_that_repays_a_debt_gives_its_issuer_back() -> None:
    ledger = covered(bank=100_000)
    earned = ledger.post(earn(10)).entries[-1]
    ledger.post(hold(10, expires_at=NOON + HOUR))
    ledger.post(reverse(earned))
    ledger.advance_to(NOON + 2 * HOUR)
    ledger.post(expire())
    assert used(ledger) == 0


def test_a_recovery_for_a_swept_cover_goes_home_behind_all_other_legs() -> None:
    ledger = covered(bank=2_400)
    owing(ledger, 10)
    ledger.post(earn(10, member="m3"))
    assert ledger.state.registry.caps[0].is_swept
    posted = ledger.post(gift(10, member="m3", receiver="m1"))
    assert moves(posted.entries[-1]) == [(0, A.CAP_TRANSIT, A.POOL, 1_200)]
    assert len(posted.own_entries) == 1
    assert used(ledger) == 1_200
    ledger.post(earn(10, member="m2"))
    assert ledger.refuse(earn(1)).code == "issuer-cover-exhausted"


def test_a_claw_back_for_a_swept_cover_can_be_given_again() -> None:
    ledger = covered(bank=1_200)
    earned = ledger.post(earn(10)).entries[-1]
    ledger.post(reverse(earned, points=4))
    ledger.post(earn(4, member="m2"))
    assert ledger.refuse(earn(1)).code == "issuer-cover-exhausted"


def test_a_take_back_gives_back_to_the_cover_too() -> None:
    ledger = covered(bank=100_000)
    ledger.post(earn(spend_minor=3_000))
    ledger.post(take_back(2_000, occurred_at=NOON))
    assert used(ledger) == 10 * 120


def test_reversals_of_one_earn_in_an_atomic_command_give_back_one_after_the_other() -> None:
    ledger = covered(supermarket=100_000)
    earned = ledger.post(earn(7), partner=SUPERMARKET).entries[-1]
    ledger.post(atomic(reverse(earned, points=2), reverse(earned, points=1)), partner=SUPERMARKET)
    assert used(ledger, SUPERMARKET) == 398


def test_a_moved_members_earn_gives_back_in_its_new_lane() -> None:
    ledger = covered(bank=100_000)
    earned = ledger.post(earn(30)).entries[-1]
    ledger.post(move(0))
    assert moves(ledger.entry(reverse(earned))) == [(0, A.USED, A.ALLOTMENT, 3_600)]


def test_points_of_a_campaign_use_each_funders_cover_by_its_share_at_the_price_of_the_lead() -> None:
    ledger = covered(bank=100_000, supermarket=100_000)
    earned = ledger.post(earn(7, campaign="SPRING"), partner=SUPERMARKET).entries[-1]
    assert earned.transaction.lots[0].funding == SPRING.funding
    assert (used(ledger), used(ledger, SUPERMARKET)) == (630, 210)
    ledger.post(redeem(4))
    ledger.post(reverse(earned))
    assert (used(ledger), used(ledger, SUPERMARKET)) == (360, 120)
    ledger.post(earn(1))
    assert (used(ledger), used(ledger, SUPERMARKET)) == (360 + 120 - 90, 90)


def test_a_campaign_whose_lead_has_no_price_uses_covers_at_their_issuers_own() -> None:
    ledger = covered(supermarket=100_000, caps=COVERS[1:], cover_prices={(1, SUPERMARKET): (price(9_950),)})
    ledger.post(earn(8, campaign="SPRING"))
    assert used(ledger, SUPERMARKET) == 199


def test_a_campaign_is_refused_where_one_funder_has_too_little() -> None:
    ledger = covered(bank=100_000, supermarket=29)
    refused = ledger.refuse(earn(1, campaign="SPRING"))
    assert (refused.code, refused.facts["issuer"]) == ("issuer-cover-exhausted", "SUPERMARKET")
    assert (used(ledger), used(ledger, SUPERMARKET)) == (0, 0)


def test_a_cover_is_never_taken_below_what_is_used() -> None:
    ledger = covered(bank=100_000)
    ledger.post(earn(100))
    refused = ledger.refuse(grant_cover(88_001, takes=True))
    assert (refused.code, refused.facts) == (
        "cover-in-use",
        {"cap": "cover:CITY:1", "requested": 88_001, "left": 88_000},
    )
    ledger.post(grant_cover(88_000, takes=True))
    assert balances(ledger, BANK) == {A.AUTHORISED: 12_000, A.USED: 12_000}
    assert ledger.refuse(earn(1)).code == "issuer-cover-exhausted"
    ledger.post(grant_cover(240))
    ledger.post(earn(2, member="m2"))


def test_a_cover_is_granted_as_a_cover_and_a_cap_as_a_cap() -> None:
    ledger = covered(bank=100)
    assert ledger.refuse(grant_cap(5, "cover:CITY:1")).code == "cap-not-found"
    assert ledger.refuse(grant_cover(5, 9)).code == "cap-not-found"
    assert ledger.refuse(grant_cover(10**17 + 1)).code == "amount-out-of-range"


def test_a_cover_is_asked_for_its_price_in_the_programmes_own_days() -> None:
    night = programme(cut_off_minutes=22 * 60)
    prices = {(1, BANK): (price(10_000), price(20_000, date(2026, 11, 24)))}
    ledger = LedgerInMemory(set_up=funded(night, cover_prices=prices))
    ledger.post(grant_cover(100_000))
    ledger.post(earn(1, occurred_at=at("2026-11-23 22:00")))
    assert used(ledger) == 200
    ledger.post(earn(1, occurred_at=at("2026-11-23 21:59")))
    assert used(ledger) == 300
