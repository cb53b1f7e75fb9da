"""Earning: how many points, under which rules, from when and until when."""

from datetime import date

import pytest

from ledger.rules.accounts import AccountKind
from ledger.rules.admission import BALANCE_LIMIT
from ledger.rules.commands import MAXIMUM_MINOR, MAXIMUM_POINTS
from ledger.rules.journal import Posting, Transaction
from ledger.rules.programmes import EarnRate, ProgrammeVersion
from tests.builders import DAY, HOUR, NOON, at, earn, expire, programme, redeem, take_back, version
from tests.rules.ledger_in_memory import LedgerInMemory


def test_an_earn_is_one_posting_from_the_issuers_funding_to_a_new_lot() -> None:
    ledger = LedgerInMemory()
    transaction = ledger.entry(earn(100)).transaction
    assert transaction.postings == (Posting(AccountKind.ISSUANCE, 101, AccountKind.AVAILABLE, 1, 100, lot=1),)
    [lot] = transaction.lots
    assert (lot.lot, lot.funding, lot.original, lot.restored_from) == (1, 101, 100, None)
    assert (transaction.available_after, transaction.pending_after, transaction.held_after) == (100, 0, 0)


@pytest.mark.parametrize(
    ("rate", "spend_minor", "points"),
    [
        (EarnRate(1, 100), 100, 1),
        (EarnRate(1, 100), 199, 1),
        (EarnRate(1, 100), 12_345, 123),
        (EarnRate(3, 1_000), 9_999, 27),
        (EarnRate(5, 1), 7, 35),
        (EarnRate(1, 1), MAXIMUM_POINTS, MAXIMUM_POINTS),
    ],
)
def test_a_spend_earns_for_each_whole_step(rate: EarnRate, spend_minor: int, points: int) -> None:
    ledger = LedgerInMemory(programme(versions=(version(earn_rate=rate),)))
    transaction = ledger.entry(earn(spend_minor=spend_minor)).transaction
    assert (transaction.points, transaction.spend_minor) == (points, spend_minor)


def test_a_spend_below_one_step_earns_no_point_and_says_the_step() -> None:
    refused = LedgerInMemory().refuse(earn(spend_minor=99))
    assert (refused.code, refused.facts) == ("zero-points", {"spend_minor": 99, "step_minor": 100})


@pytest.mark.parametrize(
    ("rate", "amount", "field"),
    [
        (EarnRate(1, 100), {"points": MAXIMUM_POINTS + 1}, "points"),
        (EarnRate(1, 100), {"spend_minor": MAXIMUM_MINOR + 1}, "spend"),
        (EarnRate(1, 1), {"spend_minor": MAXIMUM_POINTS + 1}, "spend"),
    ],
)
def test_an_amount_above_the_limit_is_refused_and_named(rate: EarnRate, amount: dict[str, int], field: str) -> None:
    ledger = LedgerInMemory(programme(versions=(version(earn_rate=rate),)))
    refused = ledger.refuse(earn(**amount))
    assert (refused.code, refused.facts["field"]) == ("amount-out-of-range", field)


def test_the_largest_amounts_are_taken() -> None:
    ledger = LedgerInMemory()
    assert ledger.entry(earn(MAXIMUM_POINTS)).transaction.points == MAXIMUM_POINTS
    big = LedgerInMemory(programme(versions=(version(earn_rate=EarnRate(1, 1_000)),)))
    assert big.entry(earn(spend_minor=MAXIMUM_MINOR)).transaction.points == MAXIMUM_MINOR // 1_000


def test_a_balance_that_would_grow_above_the_limit_is_refused() -> None:
    ledger = LedgerInMemory()
    ledger.points().posted = BALANCE_LIMIT - 5
    assert ledger.refuse(earn(6)).facts["field"] == "balance"
    ledger.post(earn(5))


def test_money_in_another_currency_is_never_counted() -> None:
    refused = LedgerInMemory().refuse(earn(spend_minor=1_000, currency="EUR"))
    assert (refused.code, refused.facts) == ("currency-mismatch", {"currency": "EUR", "wanted": "CNY"})


def dated_rules(*starts: date) -> tuple[ProgrammeVersion, ...]:
    """Versions of which the n-th gives n points for a yuan."""
    return tuple(version(version=n, starts_on=day, earn_rate=EarnRate(n, 100)) for n, day in enumerate(starts, 1))


@pytest.mark.parametrize(
    ("cut_off_minutes", "occurred", "version_number"),
    [
        (0, "2026-11-23 23:59:59.999999", 1),
        (0, "2026-11-24 00:00", 2),
        (22 * 60, "2026-11-23 21:59:59.999999", 1),
        (22 * 60, "2026-11-23 22:00", 2),
        (22 * 60, "2026-11-24 21:59:59.999999", 2),
    ],
)
def test_the_business_day_of_the_event_chooses_the_rules(
    cut_off_minutes: int, occurred: str, version_number: int
) -> None:
    versions = dated_rules(date(1970, 1, 1), date(2026, 11, 24))
    ledger = LedgerInMemory(programme(versions=versions, cut_off_minutes=cut_off_minutes), now=at("2026-11-25 12:00"))
    transaction = ledger.entry(earn(spend_minor=100, occurred_at=at(occurred))).transaction
    assert (transaction.points, transaction.programme_version) == (version_number, version_number)


@pytest.mark.parametrize(("occurred", "version_number"), [("2025-12-31 10:00", 1), ("2026-02-01 10:00", 2)])
def test_the_first_rules_have_no_lower_bound(occurred: str, version_number: int) -> None:
    versions = dated_rules(date(2026, 1, 1), date(2026, 2, 1))
    ledger = LedgerInMemory(programme(versions=versions, maximum_age_days=None))
    transaction = ledger.entry(earn(spend_minor=100, occurred_at=at(occurred))).transaction
    assert transaction.programme_version == version_number


def test_midnight_of_the_programmes_zone_counts_and_not_another() -> None:
    versions = dated_rules(date(1970, 1, 1), date(2026, 3, 29))
    ledger = LedgerInMemory(programme(zone="Europe/London", versions=versions, maximum_age_days=None))
    for text, number in (("2026-03-28 23:59", 1), ("2026-03-29 00:00", 2), ("2026-03-29 02:30", 2)):
        occurred_at = at(text, "Europe/London")
        assert ledger.entry(earn(spend_minor=100, occurred_at=occurred_at)).transaction.points == number


@pytest.mark.parametrize(
    ("validity", "occurred", "expires_on"),
    [
        ({"validity_months": 24}, "2026-11-24 12:00", date(2028, 11, 30)),
        ({"validity_months": 1}, "2026-01-31 12:00", date(2026, 2, 28)),
        ({"validity_months": 3}, "2026-11-01 12:00", date(2027, 2, 28)),
        ({"validity_months": 12}, "2023-02-03 12:00", date(2024, 2, 29)),
        ({"validity_months": None, "validity_days": 2}, "2026-11-23 23:59", date(2026, 11, 25)),
        ({"validity_months": None, "validity_days": 365}, "2024-02-28 00:00", date(2025, 2, 27)),
        ({"validity_months": None}, "2026-11-24 12:00", None),
    ],
)
def test_points_expire_at_the_end_of_a_month_or_after_days_or_never(
    validity: dict[str, int | None], occurred: str, expires_on: date | None
) -> None:
    ledger = LedgerInMemory(programme(versions=(version(**validity),), maximum_age_days=None))
    [lot] = ledger.entry(earn(occurred_at=at(occurred))).transaction.lots
    assert lot.expires_on == expires_on


def test_validity_counts_from_the_event_and_its_business_day_not_from_the_record() -> None:
    rules = (version(validity_months=None, validity_days=10),)
    ledger = LedgerInMemory(programme(versions=rules, cut_off_minutes=18 * 60))
    [lot] = ledger.entry(earn(occurred_at=at("2026-11-20 18:00"))).transaction.lots
    assert (lot.expires_on, lot.earned_at) == (date(2026, 12, 1), at("2026-11-20 18:00"))


def test_pending_points_cannot_be_used_before_their_time_and_can_be_then() -> None:
    ledger = LedgerInMemory()
    transaction = ledger.entry(earn(100, available_from=NOON + DAY)).transaction
    assert (transaction.available_after, transaction.pending_after) == (0, 100)
    ledger.advance_to(NOON + DAY - 1)
    assert ledger.refuse(redeem(1)).facts["available"] == 0
    ledger.advance_to(NOON + DAY)
    assert ledger.entry(redeem(100)).transaction.available_after == 0


def test_points_without_a_stated_time_can_be_used_at_once_also_those_of_a_till_that_is_ahead() -> None:
    ledger = LedgerInMemory()
    transaction = ledger.entry(earn(100, occurred_at=NOON + 30_000_000)).transaction
    assert (transaction.available_after, transaction.pending_after) == (100, 0)


def test_points_that_have_lapsed_on_arrival_are_never_available_and_the_next_command_posts_their_expiry() -> None:
    rules = (version(validity_months=None, validity_days=1),)
    ledger = LedgerInMemory(programme(versions=rules))
    late = ledger.entry(earn(100, occurred_at=NOON - 2 * DAY)).transaction
    assert (late.available_after, late.pending_after) == (0, 0)
    posted = ledger.post(earn(7))
    assert [entry.transaction.points for entry in posted.entries] == [100, 7]
    assert [entry.transaction.points for entry in posted.own_entries] == [7]
    assert ledger.points().posted == ledger.points().available == 7


def test_an_event_that_may_still_be_used_today_arrives_usable() -> None:
    rules = (version(validity_months=None, validity_days=1),)
    ledger = LedgerInMemory(programme(versions=rules))
    ledger.post(earn(100, occurred_at=NOON - DAY))
    assert ledger.entry(redeem(100)).transaction.available_after == 0
    assert ledger.post(expire()).entries == ()


def test_what_the_caller_says_of_the_event_is_kept() -> None:
    ledger = LedgerInMemory()
    kept: Transaction = ledger.entry(
        earn(5, scene="leisure", channel="pos", outlet="7", occurred_at=NOON - HOUR, reference="receipt 7")
    ).transaction
    assert (kept.scene, kept.channel, kept.outlet, kept.occurred_at) == ("leisure", "pos", "7", NOON - HOUR)
    assert kept.details_commitment is not None
    assert ledger.entry(earn(5)).transaction.details_commitment is None


def test_an_earn_counts_for_later_take_backs_only_when_it_rests_on_a_spend() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(5))
    assert ledger.refuse(take_back(100)).code == "no-earlier-earn"
    ledger.post(earn(spend_minor=100))
    ledger.post(take_back(100))
