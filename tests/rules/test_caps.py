"""Caps: never exceeded, usable to the last point, swept once, and given back what is taken back."""

from collections import Counter

import pytest

from ledger.rules.accounts import AccountKind
from ledger.rules.journal import JournalEntry, TransactionKind
from ledger.rules.outcomes import Posted
from tests.builders import BANK, NOON, SUPERMARKET, earn, programme, redeem, reverse, take_back
from tests.rarer_builders import cap, grant_cap, move
from tests.rules.ledger_in_memory import LedgerInMemory

A = AccountKind


def capped(granted: int, **changes: object) -> LedgerInMemory:
    """A ledger under a cap at home in lane 0, where member 2 is; members 1 and 3 are in lane 1."""
    ledger = LedgerInMemory(caps=(cap(**changes),))
    if granted:
        ledger.post(grant_cap(granted))
    return ledger


def balances(ledger: LedgerInMemory, number: int = 1) -> dict[AccountKind, int]:
    """What a cap has in all lanes, without what is zero."""
    sums: Counter[AccountKind] = Counter()
    for (_, kind, owner, _), change in ledger.state.party_changes.items():
        if owner == number and kind in (A.POOL, A.ALLOTMENT, A.USED, A.CAP_TRANSIT, A.AUTHORISED):
            sums[AccountKind(kind)] += change
    return {kind: balance for kind, balance in sums.items() if balance}


def moves(entry: JournalEntry) -> list[tuple[int, int, int, int]]:
    """Lane, kinds and amount of the postings on accounts of caps."""
    transaction = entry.transaction
    of_caps = (A.POOL, A.ALLOTMENT, A.USED, A.CAP_TRANSIT, A.AUTHORISED)
    return [
        (transaction.lane, p.debit_kind, p.credit_kind, p.amount)
        for p in transaction.postings
        if p.credit_kind in of_caps
    ]


def is_swept(ledger: LedgerInMemory) -> bool:
    return ledger.state.registry.caps[0].is_swept


def test_a_grant_goes_into_the_pool_at_home() -> None:
    ledger = capped(0)
    granted = ledger.entry(grant_cap(500))
    assert moves(granted) == [(0, A.AUTHORISED, A.POOL, 500)]
    transaction = granted.transaction
    assert (transaction.kind, transaction.member, transaction.programme, transaction.points) == (18, 0, 1, 500)


def test_an_earn_at_home_draws_from_the_pool_itself() -> None:
    ledger = capped(500)
    assert moves(ledger.entry(earn(30, member="m2"))) == [(0, A.POOL, A.USED, 30)]


def test_an_earn_elsewhere_first_refills_its_lane_and_the_next_one_waits_for_nobody() -> None:
    ledger = capped(500)
    home, here, earned = ledger.post(earn(30)).entries
    assert moves(home) == [(0, A.POOL, A.CAP_TRANSIT, 125)]
    assert moves(here) == [(1, A.CAP_TRANSIT, A.ALLOTMENT, 125)]
    assert moves(earned) == [(1, A.ALLOTMENT, A.USED, 30)]
    assert {entry.transaction.key_digest for entry in (home, here, earned)} == {earned.transaction.key_digest}
    assert moves(ledger.entry(earn(30))) == [(1, A.ALLOTMENT, A.USED, 30)]


def test_a_nearly_empty_cap_is_swept_once_and_then_drawn_directly() -> None:
    ledger = capped(100)
    ledger.post(earn(3))
    assert not is_swept(ledger)
    ledger.post(earn(50))
    assert is_swept(ledger)
    sweeps = [e for e in ledger.state.entries if moves(e)[:1] == [(1, A.ALLOTMENT, A.CAP_TRANSIT, 22)]]
    assert len(sweeps) == 1
    home, earned = ledger.post(earn(40)).entries
    assert (moves(home), moves(earned)) == ([(0, A.POOL, A.CAP_TRANSIT, 40)], [(1, A.CAP_TRANSIT, A.USED, 40)])
    assert balances(ledger) == {A.AUTHORISED: 100, A.POOL: 7, A.USED: 93}


@pytest.mark.parametrize("member", ["m1", "m2"])
def test_the_last_point_can_be_given_and_nothing_after_it(member: str) -> None:
    ledger = capped(100)
    ledger.post(earn(60))
    ledger.post(earn(39, member="m2"))
    refused = ledger.refuse(earn(2, member=member))
    assert (refused.code, refused.facts) == ("cap-exhausted", {"cap": "ALL", "requested": 2})
    ledger.post(earn(1, member=member))
    assert ledger.refuse(earn(1)).code == "cap-exhausted"
    assert balances(ledger) == {A.AUTHORISED: 100, A.USED: 100}


def test_a_cap_that_was_never_granted_gives_nothing() -> None:
    assert capped(0).refuse(earn(1)).code == "cap-exhausted"


def test_a_grant_after_exhaustion_lets_earns_go_on() -> None:
    ledger = capped(10)
    ledger.post(earn(10))
    assert ledger.refuse(earn(1)).code == "cap-exhausted"
    ledger.post(grant_cap(1_000))
    assert not is_swept(ledger)
    ledger.post(earn(5))
    assert balances(ledger)[A.USED] == 15


def test_a_reversed_earn_gives_back_to_its_lane_what_its_issuer_gets_back() -> None:
    ledger = capped(500)
    earned = [entry for entry in ledger.post(earn(30)).entries if entry.transaction.kind == TransactionKind.EARN]
    ledger.post(redeem(10))
    back = ledger.entry(reverse(earned[0], points=25))
    assert moves(back) == [(1, A.USED, A.ALLOTMENT, 25)], "also what is owed comes back to the issuer"
    assert balances(ledger)[A.USED] == 5


def test_a_reversed_earn_gives_a_swept_cap_back_at_home_and_that_can_be_given_again() -> None:
    ledger = capped(10)
    [*_, earned] = ledger.post(earn(10)).entries
    home, back = ledger.post(reverse(earned, points=4)).entries
    assert (moves(back), moves(home)) == ([(1, A.USED, A.CAP_TRANSIT, 4)], [(0, A.CAP_TRANSIT, A.POOL, 4)])
    ledger.post(earn(4, member="m2"))
    assert ledger.refuse(earn(1)).code == "cap-exhausted"


def test_at_home_a_swept_cap_is_given_back_in_the_reversal_itself() -> None:
    ledger = capped(10)
    ledger.post(earn(9))
    [*_, earned] = ledger.post(earn(1, member="m2")).entries
    assert moves(ledger.entry(reverse(earned))) == [(0, A.USED, A.POOL, 1)]


def test_what_the_issuer_does_not_get_back_stays_used() -> None:
    ledger = LedgerInMemory(programme(shortfall_policy="issuer"), caps=(cap(),))
    ledger.post(grant_cap(500))
    [*_, earned] = ledger.post(earn(30)).entries
    ledger.post(redeem(20))
    assert moves(ledger.entry(reverse(earned))) == [(1, A.USED, A.ALLOTMENT, 10)]


def test_an_earn_taken_back_right_after_it_gives_back_to_its_cap() -> None:
    ledger = capped(500)
    ledger.post(earn(spend_minor=3_000))
    ledger.post(take_back(2_000, occurred_at=NOON))
    assert balances(ledger)[A.USED] == 10


def test_a_moved_members_earn_gives_back_in_its_new_lane() -> None:
    ledger = capped(500)
    [*_, earned] = ledger.post(earn(30)).entries
    ledger.post(move(0))
    assert moves(ledger.entry(reverse(earned))) == [(0, A.USED, A.ALLOTMENT, 30)]
    assert balances(ledger) == {A.AUTHORISED: 500, A.POOL: 375, A.ALLOTMENT: 125}


def test_a_cap_binds_only_its_programme_partner_and_scene() -> None:
    ledger = LedgerInMemory(caps=(cap(partner=BANK, scene="leisure"),))
    ledger.post(earn(5, scene="leisure"), partner=SUPERMARKET)
    ledger.post(earn(5, scene="food"), partner=BANK)
    assert ledger.refuse(earn(5, scene="leisure"), partner=BANK).code == "cap-exhausted"


def test_an_earn_under_several_caps_draws_from_each_or_from_none() -> None:
    caps = (cap(), cap(number=2, code="BANK", partner=BANK, home_lane=1))
    ledger = LedgerInMemory(caps=caps)
    ledger.post(grant_cap(500))
    ledger.post(grant_cap(40, "BANK"))
    ledger.post(earn(30))
    assert (balances(ledger, 1)[A.USED], balances(ledger, 2)[A.USED]) == (30, 30)
    assert ledger.refuse(earn(11)).facts["cap"] == "BANK"
    assert balances(ledger, 1)[A.USED] == 30
    ledger.post(earn(11), partner=SUPERMARKET)
    [*_, earned] = ledger.post(earn(10)).entries
    ledger.post(reverse(earned))
    assert (balances(ledger, 1)[A.USED], balances(ledger, 2)[A.USED]) == (41, 30)


def test_caps_count_what_is_earned_also_where_it_repays_a_debt() -> None:
    ledger = capped(500)
    [*_, earned] = ledger.post(earn(30)).entries
    ledger.post(redeem(30))
    ledger.post(reverse(earned))
    assert A.USED not in balances(ledger)
    posted = ledger.post(earn(20))
    assert isinstance(posted, Posted)
    assert (balances(ledger)[A.USED], ledger.points().shortfall) == (20, 10)
