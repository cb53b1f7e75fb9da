"""Finding rules, programmes and partners in the set-up; the chart of accounts."""

from datetime import date

import pytest

from ledger.rules.accounts import CHART, MEMBER_KINDS, AccountKind
from ledger.rules.programmes import EarnRate
from tests.builders import BANK, PARTNERS, programme, registry, version


def test_the_version_in_force_is_the_last_one_that_has_begun() -> None:
    versions = tuple(version(version=n, starts_on=date(2026, n, 1)) for n in (1, 3, 5))
    rules = programme(versions=versions)
    days = {date(2025, 1, 1): 1, date(2026, 2, 28): 1, date(2026, 3, 1): 3, date(2026, 5, 1): 5, date(2030, 1, 1): 5}
    assert {day: rules.version_on(day).version for day in days} == days


def test_programmes_and_partners_are_found_by_number_and_code() -> None:
    setup = registry(programme(), programme(number=2, code="PARK"))
    assert setup.programme_numbered(2).code == "PARK"
    assert setup.partner_coded("BANK") is PARTNERS[BANK]
    assert setup.partner_coded("NOBODY") is None
    with pytest.raises((KeyError, StopIteration)):
        setup.programme_numbered(3)


@pytest.mark.parametrize(("spend_minor", "points"), [(0, 0), (149, 0), (150, 7), (299, 7), (300, 14)])
def test_a_rate_counts_whole_steps_only(spend_minor: int, points: int) -> None:
    assert EarnRate(7, 150).points_for(spend_minor) == points


def test_the_chart_has_a_rule_for_every_kind() -> None:
    assert set(CHART) == set(AccountKind)
    assert frozenset({AccountKind.AVAILABLE, AccountKind.HELD, AccountKind.SHORTFALL}) == MEMBER_KINDS


@pytest.mark.parametrize(
    ("kind", "owner", "normal_side", "either_side"),
    [
        (AccountKind.ISSUANCE, "funding", "debit", True),
        (AccountKind.AVAILABLE, "member", "credit", False),
        (AccountKind.HELD, "member", "credit", False),
        (AccountKind.SHORTFALL, "member", "debit", False),
        (AccountKind.REDEEMED, "partner", "credit", True),
        (AccountKind.EXPIRED, "programme", "credit", False),
    ],
)
def test_accounts_have_the_owner_and_side_that_accounting_gives_them(
    kind: AccountKind,
    owner: str,
    normal_side: str,
    either_side: bool,
) -> None:
    assert CHART[kind] == (owner, normal_side, either_side)
