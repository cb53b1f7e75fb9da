"""Exchanges: points go back to whoever funded them in one programme, and new ones are issued in another."""

from datetime import date
from typing import Any

import msgspec
import pytest

from ledger.rules.accounts import AccountKind
from ledger.rules.commands import MAXIMUM_POINTS
from ledger.rules.exchanges import rate_on
from ledger.rules.journal import LotOpening, Particulars, ParticularTransaction, TransactionKind
from ledger.rules.programmes import ExchangeRate, Programme
from tests.builders import (
    BANK,
    DAY,
    NOON,
    PARTNERS,
    SUPERMARKET,
    at,
    earn,
    programme,
    redeem,
    registry,
    reverse,
    version,
)
from tests.rarer_builders import cap, exchange, exchange_rate, grant_cap, hold
from tests.rules.ledger_in_memory import LedgerInMemory
from tests.rules.test_refusals_in_order import Checks, Fault, rows

A = AccountKind
CHECKS: Checks = [
    ("programme-not-found", {"programme": "NONE"}),
    ("programme-closed", {"source_is_open": False}),
    ("programme-not-found", {"target_programme": "NONE"}),
    ("programme-closed", {"target_is_open": False}),
    ("member-not-found", {"member_number": None}),
    ("member-closed", {"status": "closed"}),
    ("member-frozen", {"status": "frozen"}),
    ("exchange-not-offered", {"issuers": frozenset({SUPERMARKET})}),
    ("issuer-suspended", {"suspended": frozenset({BANK})}),
    ("amount-out-of-range", {"points": MAXIMUM_POINTS + 5}),
    ("exchange-not-whole", {"points": 104}),
    ("insufficient-points", {"points": 105}),
    ("cap-exhausted", {"points": 100}),
]
BANKS_FUNDING, MARKETS_FUNDING = PARTNERS[BANK].funding, PARTNERS[SUPERMARKET].funding


def miles(**changes: Any) -> Programme:
    """The second programme."""
    return msgspec.structs.replace(programme(), number=2, code="MILES", **changes)


def with_rates(*rates: ExchangeRate, caps: Any = (), **changes: Any) -> LedgerInMemory:
    """A ledger of both programmes with rates, or the usual one."""
    set_up = registry(programme(), miles(**changes), caps=caps)
    dated = {rate.number: rate for rate in rates or (exchange_rate(),)}
    return LedgerInMemory(set_up=msgspec.structs.replace(set_up, exchange_rates=dated))


def both_legs(ledger: LedgerInMemory, points: int, **changes: Any) -> tuple[ParticularTransaction, ...]:
    """Post an exchange of member 1: the points given up, and those issued."""
    legs = [entry.transaction for entry in ledger.post(exchange(points, **changes)).entries][-2:]
    found = tuple(leg for leg in legs if isinstance(leg, ParticularTransaction))
    assert len(found) == 2
    return found


def postings_of(leg: ParticularTransaction) -> list[tuple[int, int, int, int, int]]:
    return [(p.debit_kind, p.debit_owner, p.credit_kind, p.credit_owner, p.amount) for p in leg.postings]


def test_points_go_back_to_their_funders_lot_by_lot_and_new_ones_are_issued_by_the_rates_issuer() -> None:
    ledger = with_rates()
    ledger.post(earn(30), partner=SUPERMARKET)
    ledger.post(earn(30))
    out, into = both_legs(ledger, 50)
    assert postings_of(out) == [
        (A.AVAILABLE, 1, A.EXCHANGE, 1, 30),
        (A.EXCHANGE, 1, A.ISSUANCE, MARKETS_FUNDING, 30),
        (A.AVAILABLE, 1, A.EXCHANGE, 1, 20),
        (A.EXCHANGE, 1, A.ISSUANCE, BANKS_FUNDING, 20),
    ]
    assert postings_of(into) == [(A.ISSUANCE, BANKS_FUNDING, A.AVAILABLE, 1, 40)]
    assert into.lots == (LotOpening(3, BANKS_FUNDING, None, NOON, NOON, date(2028, 11, 30), 40),)
    assert (ledger.points(1, 1).available, ledger.points(1, 2).available) == (10, 40)
    assert ledger.state.party_changes[1, A.EXCHANGE, 1, 1] == 0


def test_both_legs_lie_in_the_members_lane_name_each_other_and_share_one_key() -> None:
    ledger = with_rates()
    ledger.post(earn(100))
    out, into = both_legs(ledger, 100)
    assert (out.lane, into.lane, into.sequence) == (1, 1, out.sequence + 1)
    assert out.particulars == Particulars(counter_lane=1, counter_sequence=into.sequence, exchange_rate=1)
    assert into.particulars == Particulars(counter_lane=1, counter_sequence=out.sequence, exchange_rate=1)
    assert (out.kind, into.kind) == (TransactionKind.EXCHANGE, TransactionKind.EXCHANGE)
    assert (out.programme, into.programme, out.points, into.points) == (1, 2, 100, 80)
    assert (out.key_digest, out.request_digest) == (into.key_digest, into.request_digest)
    key = ledger.state.keys[out.key_digest]
    assert (key.sequence, key.transactions) == (out.sequence, 1)


def test_who_asked_has_the_first_leg_and_who_issues_the_second() -> None:
    ledger = with_rates()
    ledger.post(earn(100))
    out, into = both_legs(ledger, 100)
    assert (out.partner, into.partner) == (BANK, BANK)
    ledger = with_rates(exchange_rate(issuer=SUPERMARKET))
    ledger.post(earn(100))
    out, into = both_legs(ledger, 100)
    assert (out.partner, into.partner, into.lots[0].funding) == (BANK, SUPERMARKET, MARKETS_FUNDING)


def test_what_is_owed_in_the_other_programme_is_repaid_first() -> None:
    ledger = with_rates()
    earned = ledger.entry(earn(25, programme="MILES"), partner=SUPERMARKET)
    ledger.post(redeem(25, programme="MILES"))
    ledger.post(reverse(earned))
    ledger.post(earn(100))
    _, into = both_legs(ledger, 100)
    assert [(p.debit_kind, p.credit_kind, p.amount) for p in into.postings] == [
        (A.ISSUANCE, A.AVAILABLE, 80),
        (A.AVAILABLE, A.SHORTFALL, 25),
        (A.ISSUANCE, A.ISSUANCE, 25),
    ]
    assert (ledger.points(1, 2).available, ledger.points(1, 2).shortfall) == (55, 0)


def test_the_reversal_of_an_earn_that_was_exchanged_is_owed() -> None:
    ledger = with_rates()
    earned = ledger.entry(earn(100))
    ledger.post(exchange(70))
    ledger.post(reverse(earned))
    assert (ledger.points(1, 1).posted, ledger.points(1, 1).shortfall) == (0, 70)
    assert ledger.points(1, 2).available == 56


def test_neither_leg_can_be_reversed() -> None:
    ledger = with_rates()
    ledger.post(earn(100))
    for entry in ledger.post(exchange(100)).entries:
        assert ledger.refuse(reverse(entry)).code == "not-reversible"


def test_what_has_lapsed_in_either_programme_is_posted_first() -> None:
    ledger = with_rates(versions=(version(validity_months=None, validity_days=1),))
    ledger.post(earn(10, programme="MILES"))
    ledger.advance_to(NOON + 3 * DAY)
    ledger.post(earn(10))
    kinds = [entry.transaction.kind for entry in ledger.post(exchange(10)).entries]
    assert kinds == [TransactionKind.EXPIRE, TransactionKind.EXCHANGE, TransactionKind.EXCHANGE]
    assert ledger.points(1, 2).available == 8


def test_held_points_are_not_exchanged() -> None:
    ledger = with_rates()
    ledger.post(earn(100))
    ledger.post(hold(80))
    assert ledger.refuse(exchange(25)).facts == {"requested": 25, "available": 20}


def test_the_rate_is_that_of_the_business_day_of_the_programme_given() -> None:
    ledger = with_rates(exchange_rate(), exchange_rate(number=2, starts_on=date(2026, 11, 25), get=5))
    ledger.post(earn(100))
    ledger.advance_to(at("2026-11-24 23:59"))
    assert both_legs(ledger, 50)[1].points == 40
    ledger.advance_to(at("2026-11-25 00:00"))
    out, into = both_legs(ledger, 50)
    assert (into.points, out.particulars.exchange_rate) == (50, 2)


def test_a_rate_that_gets_nothing_ends_the_exchange_and_one_to_come_begins_none() -> None:
    ended = exchange_rate(number=2, starts_on=date(2026, 11, 24), get=0, price_micros=0)
    for rates in ((exchange_rate(), ended), (exchange_rate(starts_on=date(2026, 11, 25)),)):
        ledger = with_rates(*rates)
        ledger.post(earn(100))
        assert ledger.refuse(exchange(100)).code == "exchange-not-offered"


def test_an_earlier_rate_holds_for_who_has_not_heard_of_the_later_one() -> None:
    rates = [exchange_rate(), exchange_rate(number=2, starts_on=date(2026, 11, 24), added_at=NOON)]
    day = date(2026, 11, 24)
    assert [rate_on(rates, day, known_at=at) for at in (NOON - 1, NOON)] == rates
    assert rate_on(rates, day) == rates[1]


@pytest.mark.parametrize("points", [1, 4, 6, 104])
def test_points_are_exchanged_in_whole_steps_of_the_rate(points: int) -> None:
    ledger = with_rates()
    ledger.post(earn(200))
    refused = ledger.refuse(exchange(points))
    assert (refused.code, refused.facts) == ("exchange-not-whole", {"requested": points, "give": 5, "get": 4})


def test_points_issued_by_an_exchange_draw_from_the_issuers_caps_in_their_programme() -> None:
    capped = cap(programme=2, partner=SUPERMARKET)
    ledger = with_rates(exchange_rate(issuer=SUPERMARKET), caps=(capped,))
    ledger.post(grant_cap(50))
    ledger.post(earn(100))
    assert ledger.refuse(exchange(65)).code == "cap-exhausted"
    _, into = both_legs(ledger, 60)
    assert sum(p.amount for p in into.postings if p.credit_kind == A.USED) == 48
    assert ledger.refuse(exchange(5)).code == "cap-exhausted"


@pytest.mark.parametrize(("code", "faults"), rows(CHECKS))
def test_an_exchange_is_refused_for_the_first_rule_it_breaks(code: str, faults: Fault) -> None:
    faults = dict(faults)
    of_target: Fault = {name: faults.pop(name) for name in ("issuers", "suspended") if name in faults}
    of_target["is_open"] = faults.pop("target_is_open", True)
    ledger = with_rates(caps=(cap(programme=2),), **of_target)
    ledger.post(earn(100))
    source = ledger.state.registry.programmes["CITY"]
    opened = {"CITY": msgspec.structs.replace(source, is_open=faults.pop("source_is_open", True))}
    programmes = ledger.state.registry.programmes | opened
    ledger.state.registry = msgspec.structs.replace(ledger.state.registry, programmes=programmes, numbered={})
    ledger.state.members[1].status = faults.pop("status", "active")
    resolved = {"member": faults.pop("member_number")} if "member_number" in faults else {}
    assert ledger.refuse(exchange(**faults), **resolved).code == code


def test_more_than_one_transaction_may_issue_is_refused() -> None:
    ledger = with_rates(exchange_rate(give=1, get=MAXIMUM_POINTS))
    ledger.post(earn(100))
    assert ledger.refuse(exchange(2)).code == "amount-out-of-range"
