"""Faults put into the calculation on purpose: the model sees each of them in some history."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from fractions import Fraction
from math import floor
from typing import Any

import pytest
from hypothesis import Phase, example, given, settings
from msgspec.structs import replace

from ledger.rules.money_postings import MoneyAccount
from ledger.rules.programmes import ExchangeRate
from settlement import figures, lines, money_journal, rounding
from settlement.flows import Flow
from settlement.terms import ContractTerms
from tests.settlement.histories import (
    ABROAD,
    BANK,
    CINEMA,
    EXCHANGERS,
    LEADS,
    OWN,
    SHARES,
    SHOP,
    check_batch,
    cities,
    histories,
    settled_of,
)
from tests.settlement.model_of_a_batch import City, Event, Rate

Patch = Callable[[pytest.MonkeyPatch], None]


def half_up(exact: Fraction) -> int:
    return floor(exact + Fraction(1, 2))


def cut_off(exact: Fraction) -> int:
    return int(exact)


def first_takes_the_rest(amount: int, parts: Any) -> dict[int, int]:
    total = sum(part for _, part in parts)
    shares = {party: amount * part // total for party, part in parts}
    shares[min(shares)] += amount - sum(shares.values())
    return shares


def price_of_the_first_version(patch: pytest.MonkeyPatch) -> None:
    real = lines.LineMaker.issuers_terms

    def of_first(maker: lines.LineMaker, funding: int, _version: int) -> ContractTerms:
        return real(maker, funding, 1)

    patch.setattr(lines.LineMaker, "issuers_terms", of_first)


def commission_on_the_reserve(patch: pytest.MonkeyPatch) -> None:
    real = lines.LineMaker.acceptor_sides

    def wrong(maker: lines.LineMaker, flows: Iterable[Flow]) -> list[lines.AcceptorSide]:
        sides = []
        for side in real(maker, flows):
            gross, commission, *others = side.lines
            amount = rounding.half_even(Fraction(side.reserve_minor * side.terms.commission_micros, rounding.MICROS))
            taken = replace(commission, amount_minor=amount)
            sides.append(replace(side, commission_minor=amount, lines=(gross, taken, *others)))
        return sides

    patch.setattr(lines.LineMaker, "acceptor_sides", wrong)


def no_true_up(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(money_journal.MoneyJournal, "true_up", lambda *_: None)


def foreign_legs_left_out(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(money_journal.MoneyJournal, "_book_foreign", lambda *_: None)


def excess_is_refunded(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Flow, "refunded", property(lambda flow: flow.points))


def price_per_point_given(patch: pytest.MonkeyPatch) -> None:
    real = lines.LineMaker.exchange_sides

    def wrong(
        maker: lines.LineMaker, flows: Iterable[Flow], rates: Mapping[int, ExchangeRate]
    ) -> list[lines.ExchangeSide]:
        return real(maker, flows, {number: replace(rate, get=rate.give) for number, rate in rates.items()})

    patch.setattr(lines.LineMaker, "exchange_sides", wrong)


FAULTS: dict[str, Patch] = {
    "half is rounded up": lambda patch: patch.setattr(lines, "half_even", half_up),
    "amounts are cut off": lambda patch: patch.setattr(lines, "half_even", cut_off),
    "the obligation is cut off": lambda patch: patch.setattr(money_journal, "half_even", cut_off),
    "the first party takes the rest": lambda patch: patch.setattr(lines, "share", first_takes_the_rest),
    "the first version prices all": price_of_the_first_version,
    "commission is taken on the reserve": commission_on_the_reserve,
    "nothing is trued up": no_true_up,
    "foreign legs are left out": foreign_legs_left_out,
    "excess is refunded": excess_is_refunded,
    "deferred fees are earned at once": lambda patch: patch.setattr(figures, "_deferred", lambda *_: Fraction(0)),
    "returned points are left with the acceptor": lambda patch: patch.setattr(figures, "_points", lambda _: ()),
    "expired points are paid like accepted ones": lambda patch: patch.setitem(
        money_journal.ACCOUNT_OF_LINE, "expiry_refund", MoneyAccount.ACCEPTOR_PAYABLE
    ),
    "who issues elsewhere is paid per point given": price_per_point_given,
    "a returned commission is charged again": lambda patch: patch.setitem(lines.IN_FAVOUR, "return_commission", -1),
}


def _told_contract(partner: int, version: int) -> ContractTerms:
    return ContractTerms(
        partner=partner,
        programme=1,
        version=version,
        starts_on=date(2026, 1, version),
        reserve_micros=9_000,
        fee_micros=1_000,
        reimbursement_micros=9_000,
        commission_micros=20_000,
        currency="THB" if partner == ABROAD else "CNY",
        is_own_account=partner == OWN,
    )


NUMBERS = [(partner, version) for partner in (BANK, SHOP, CINEMA, OWN, ABROAD) for version in (1, 2)]
TOLD_CITY = City(
    {place: _told_contract(*place) for place in NUMBERS},
    SHARES,
    LEADS,
    {ABROAD: "THB"},
    {"THB": 1},
    {number: Rate(issuer, 5, 4, 11_500) for number, issuer in enumerate(EXCHANGERS, 1)},
)
# Chance seldom draws a return whose commission is more than half a fen.
RETURNED = [
    Event("issue", 11, 1, 5_000),
    Event("redeem", 11, 1, 3_000, acceptor=SHOP, acceptor_version=1),
    Event("return", 11, 1, 1_000, acceptor=SHOP, acceptor_version=1),
]


@given(city=cities(), events=histories)
@example(city=TOLD_CITY, events=RETURNED)
@settings(
    max_examples=1_000,
    phases=(Phase.explicit, Phase.generate),
    database=None,
    derandomize=True,
    report_multiple_bugs=False,
    deadline=None,
)
def look(city: City, events: list[Event]) -> None:
    check_batch(city, events, [], settled_of(city, events))


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_the_calculation_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    FAULTS[name](monkeypatch)
    with pytest.raises(AssertionError):
        look()
