"""Atomic commands: all items post, each seeing those before it, or none does."""

from ledger.rules.outcomes import Posted, Refused, Replayed
from tests.builders import CINEMA, earn, redeem, reverse
from tests.rarer_builders import atomic, capture, hold
from tests.rules.ledger_in_memory import LedgerInMemory


def test_items_post_in_order_each_seeing_those_before_it_over_several_lanes() -> None:
    ledger = LedgerInMemory()
    posted = ledger.post(atomic(earn(50), redeem(30), earn(7, member="m2")))
    assert [entry.transaction.points for entry in posted.entries] == [50, 30, 7]
    assert [len(item.own_entries) for item in posted.items if isinstance(item, Posted)] == [1, 1, 1]
    assert (ledger.points(1).available, ledger.points(2).available) == (20, 7)


def test_one_refused_item_leaves_nothing_of_the_others_and_frees_their_keys() -> None:
    ledger = LedgerInMemory()
    ledger.refuse(atomic(earn(50), redeem(51)), key="whole")
    assert ledger.state.entries == []
    assert ledger.points().posted == 0
    ledger.post(earn(50), key="item-0")
    assert isinstance(ledger.submit(ledger.submission(atomic(earn(50), redeem(51)), key="whole")), Replayed)
    assert ledger.points().posted == 50


def test_the_items_keys_lead_to_their_transactions_afterwards() -> None:
    ledger = LedgerInMemory()
    ledger.post(atomic(earn(50), earn(7, member="m2")))
    again = ledger.submit(ledger.submission(earn(7, member="m2"), key="item-1"))
    assert isinstance(again, Replayed)
    assert (again.record.lane, again.record.sequence) == (0, 1)


def test_an_item_that_was_posted_alone_before_is_not_posted_again() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(50), key="item-0")
    posted = ledger.post(atomic(earn(50), redeem(20)))
    assert [type(item) for item in posted.items] == [Replayed, Posted]
    assert ledger.points().available == 30


def test_an_item_whose_key_was_refused_before_is_refused_again() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(10))
    submitted = ledger.submission(redeem(20), key="item-1")
    assert isinstance(ledger.submit(submitted), Refused)
    ledger.state.keys[submitted.key_digest].answer = b'{"code":"insufficient-points","detail":"Too few.","facts":{}}'
    refused = ledger.refuse(atomic(earn(50), redeem(20)))
    assert refused.facts["refusal"] == {"code": "insufficient-points"}
    assert ledger.points().available == 10


def test_an_item_key_of_another_request_is_refused_with_the_whole() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(50), key="item-0")
    refused = ledger.refuse(atomic(earn(51), redeem(20)))
    assert refused.facts["refusal"] == {"code": "idempotency-key-reused"}


def test_the_same_key_twice_in_one_atomic_command_is_refused_unless_it_is_the_same_request() -> None:
    ledger = LedgerInMemory()
    twice = atomic(earn(50), earn(50))
    twice = type(twice)(items=(twice.items[0], twice.items[0]))
    posted = ledger.post(twice)
    assert [type(item) for item in posted.items] == [Posted, Replayed]
    assert ledger.points().available == 50


def test_an_item_may_not_bear_the_key_of_the_whole() -> None:
    ledger = LedgerInMemory()
    refused = ledger.refuse(atomic(earn(50), earn(7)), key="item-1")
    assert refused.facts["item"] == 1
    assert refused.facts["refusal"] == {"code": "idempotency-key-reused"}
    assert ledger.points().posted == 0


def test_a_hold_may_be_placed_and_another_captured_and_a_return_made_in_one_command() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(100))
    held = ledger.entry(hold(40))
    used = ledger.entry(redeem(30))
    ledger.post(atomic(capture(held, 15), reverse(used), hold(60)))
    assert (ledger.points().available, ledger.points().held) == (0, 85)


def test_the_facts_of_a_refused_item_keep_a_balance_from_who_may_not_see_it() -> None:
    ledger = LedgerInMemory()
    submitted = ledger.submission(atomic(redeem(1)), partner=CINEMA)
    submitted.items[0].shows_balance = False
    refused = ledger.submit(submitted)
    assert isinstance(refused, Refused)
    assert refused.facts["refusal"] == {"code": "insufficient-points", "requested": 1}
