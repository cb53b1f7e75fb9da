"""Gifts: two legs under one key, lots keep funding and expiry, and a month has its limit on both sides."""

import pytest

from ledger.rules.accounts import AccountKind
from ledger.rules.journal import Particulars, ParticularTransaction, TransactionKind
from tests.builders import BANK, DAY, HOUR, NOON, SUPERMARKET, at, earn, programme, redeem, reverse, version
from tests.rarer_builders import gift, hold
from tests.rules.ledger_in_memory import LedgerInMemory

A = AccountKind


def two_legs(ledger: LedgerInMemory, points: int, receiver: str = "m2") -> tuple[ParticularTransaction, ...]:
    """Post a gift of member 1; the giver's leg and the receiver's."""
    legs = tuple(entry.transaction for entry in ledger.post(gift(points, receiver=receiver)).entries)
    assert len(legs) == 2
    return tuple(leg for leg in legs if isinstance(leg, ParticularTransaction))


@pytest.mark.parametrize(("receiver", "lane"), [("m2", 0), ("m3", 1)], ids=["across lanes", "within a lane"])
def test_a_gift_is_two_legs_that_name_each_other_under_one_key(receiver: str, lane: int) -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(100))
    out, into = two_legs(ledger, 40, receiver)
    assert (out.lane, out.member, into.lane, into.member) == (1, 1, lane, int(receiver[1:]))
    assert out.particulars == Particulars(counter_lane=into.lane, counter_sequence=into.sequence)
    assert into.particulars == Particulars(counter_lane=out.lane, counter_sequence=out.sequence)
    for name in ("kind", "key_digest", "request_digest", "partner", "points", "recorded_at"):
        assert getattr(out, name) == getattr(into, name)
    key = ledger.state.keys[out.key_digest]
    assert (key.lane, key.sequence, key.transactions) == (out.lane, out.sequence, 1)


def test_each_lot_of_a_gift_keeps_funding_terms_and_dates() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(30, occurred_at=NOON - 40 * DAY), partner=SUPERMARKET)
    ledger.post(earn(30))
    out, into = two_legs(ledger, 50)
    assert [(p.debit_kind, p.credit_kind, p.amount, p.lot) for p in out.postings] == [
        (A.AVAILABLE, A.IN_TRANSIT, 30, 1),
        (A.AVAILABLE, A.IN_TRANSIT, 20, 2),
    ]
    assert [(p.debit_kind, p.credit_kind, p.amount, p.lot) for p in into.postings] == [
        (A.IN_TRANSIT, A.AVAILABLE, 30, 1),
        (A.IN_TRANSIT, A.AVAILABLE, 20, 2),
    ]
    for given, received in zip((ledger.state.lots[1, 1], ledger.state.lots[1, 2]), into.lots, strict=True):
        for name in ("funding", "terms_version", "earned_at", "available_from", "expires_on"):
            assert getattr(received, name) == getattr(given, name)
        assert received.restored_from is None
    assert [lot.original for lot in into.lots] == [30, 20]


def test_a_gift_repays_what_the_receiver_owes_first() -> None:
    ledger = LedgerInMemory()
    earned = ledger.entry(earn(25, member="m2"))
    ledger.post(redeem(25, member="m2"))
    ledger.post(reverse(earned))
    ledger.post(earn(100), partner=SUPERMARKET)
    _, into = two_legs(ledger, 40)
    assert [(p.debit_kind, p.credit_kind, p.amount) for p in into.postings] == [
        (A.IN_TRANSIT, A.AVAILABLE, 40),
        (A.AVAILABLE, A.SHORTFALL, 25),
        (A.ISSUANCE, A.ISSUANCE, 25),
    ]
    assert (ledger.points(2).available, ledger.points(2).shortfall) == (15, 0)


def limited(limit: int) -> LedgerInMemory:
    """Members 1 and 3 have plenty, and the programme a limit on gifts."""
    ledger = LedgerInMemory(programme(gift_points_a_month=limit))
    for member in ("m1", "m3"):
        ledger.post(earn(1_000, member=member))
    return ledger


def test_a_member_gives_no_more_in_a_month_than_its_limit() -> None:
    ledger = limited(100)
    ledger.post(gift(60))
    ledger.post(gift(40, receiver="m3"))
    refused = ledger.refuse(gift(1))
    assert refused.code == "limit-exceeded"
    assert refused.facts == {"limit": 100, "used": 100, "requested": 1}


def test_a_member_receives_no_more_in_a_month_than_its_limit_from_all_together() -> None:
    ledger = limited(100)
    ledger.post(gift(60))
    refused = ledger.refuse(gift(41, member="m3"))
    assert refused.code == "limit-exceeded"
    assert refused.facts == {"limit": 100, "requested": 41}, "how much others gave is nobody's business"
    ledger.post(gift(40, member="m3"))


def test_the_month_turns_in_the_programmes_zone() -> None:
    ledger = limited(100)
    ledger.advance_to(at("2026-11-30 23:59"))
    ledger.post(gift(100))
    assert ledger.refuse(gift(1)).code == "limit-exceeded"
    ledger.advance_to(at("2026-12-01 00:00"))
    ledger.post(gift(100))


def test_a_programme_may_allow_no_gifts_at_all() -> None:
    assert limited(0).refuse(gift(1)).code == "limit-exceeded"


def test_held_and_pending_points_are_not_given() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(100))
    ledger.post(earn(50, available_from=NOON + HOUR))
    ledger.post(hold(80))
    assert ledger.refuse(gift(21)).facts == {"requested": 21, "available": 20}
    ledger.post(gift(20))


def test_what_has_lapsed_of_either_member_is_posted_first() -> None:
    ledger = LedgerInMemory(programme(versions=(version(validity_months=None, validity_days=1),)))
    for member in ("m1", "m2"):
        ledger.post(earn(10, member=member))
    ledger.advance_to(NOON + 3 * DAY)
    ledger.post(earn(10, member="m1"), partner=BANK)
    kinds = [entry.transaction.kind for entry in ledger.post(gift(5)).entries]
    assert kinds == [TransactionKind.EXPIRE, TransactionKind.GIFT, TransactionKind.GIFT]
    assert ledger.points(2).available == 5


def test_the_reversal_of_an_earn_that_was_given_away_is_owed_by_its_member_and_not_by_the_receiver() -> None:
    ledger = LedgerInMemory()
    earned = ledger.entry(earn(100))
    ledger.post(gift(70))
    ledger.post(reverse(earned))
    assert (ledger.points(1).posted, ledger.points(1).shortfall) == (0, 70)
    assert ledger.points(2).available == 70


def test_a_frozen_giver_or_receiver_stops_a_gift() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(100))
    ledger.state.members[2].status = "closed"
    assert ledger.refuse(gift(1)).code == "receiver-not-active"
    ledger.state.members[1].status = "frozen"
    assert ledger.refuse(gift(1)).code == "member-frozen"
