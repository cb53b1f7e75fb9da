"""Recording: sequence, chain, keys, balances and details follow from the postings alone."""

import hashlib

import pytest

from ledger.rules.accounts import AccountKind
from ledger.rules.journal import CHAIN_START, Posting, chain_hash
from ledger.rules.outcomes import Draft, Refused
from ledger.rules.recording import append, refusal_facts
from tests.builders import CINEMA, DAY, NOON, SALT, SUPERMARKET, earn, expire, programme, redeem, reverse, version
from tests.rules.ledger_in_memory import LedgerInMemory


def test_each_lane_numbers_its_own_transactions_without_gap_and_chains_them() -> None:
    ledger = LedgerInMemory()
    for member in ("m1", "m2", "m1", "m3", "m2"):
        ledger.post(earn(10, member=member))
    for lane in (0, 1):
        entries = [entry for entry in ledger.state.entries if entry.transaction.lane == lane]
        assert [entry.transaction.sequence for entry in entries] == list(range(1, len(entries) + 1))
        head = CHAIN_START
        for entry in entries:
            head = chain_hash(head, entry.transaction)
            assert entry.hash == head
        assert ledger.state.lanes[lane].head == head
        assert ledger.state.lanes[lane].next_sequence == len(entries) + 1


def test_a_refused_command_takes_no_sequence_number() -> None:
    ledger = LedgerInMemory()
    ledger.refuse(redeem(1))
    assert ledger.entry(earn(1)).transaction.sequence == 1


def test_parties_move_on_their_normal_side() -> None:
    ledger = LedgerInMemory(programme(versions=(version(validity_months=None, validity_days=2),)))
    ledger.post(earn(100))
    used = ledger.entry(redeem(60), partner=CINEMA)
    ledger.post(reverse(used, points=5))
    ledger.advance_to(NOON + 9 * DAY)
    ledger.post(expire())
    assert ledger.state.party_changes == {
        (1, AccountKind.ISSUANCE, 101, 1): 55,
        (1, AccountKind.REDEEMED, CINEMA, 1): 55,
        (1, AccountKind.EXPIRED, 1, 1): 0,
    }


def test_a_commands_key_finds_its_own_transaction_and_not_the_lapse_before() -> None:
    ledger = LedgerInMemory(programme(versions=(version(validity_months=None, validity_days=2),)))
    ledger.post(earn(100))
    ledger.advance_to(NOON + 9 * DAY)
    submitted = ledger.submission(earn(5))
    ledger.submit(submitted)
    key = ledger.state.keys[submitted.key_digest]
    assert (key.lane, key.sequence, key.transactions, key.answer) == (1, 3, 1, None)
    assert key.request_digest == submitted.request_digest
    assert [record.sequence for record in ledger.state.new_keys] == [1, 2, 3]


def test_free_text_goes_to_the_details_and_only_its_commitment_to_the_journal() -> None:
    ledger = LedgerInMemory()
    transaction = ledger.entry(earn(5, reference="receipt 7"), reference_digest=b"r" * 32).transaction
    [(lane, sequence, salt, document, reference_digest)] = ledger.state.details
    assert (lane, sequence, salt, reference_digest) == (1, 1, SALT, b"r" * 32)
    assert transaction.details_commitment == hashlib.sha256(salt + document).digest()


def test_the_answer_shows_the_balance_only_with_leave() -> None:
    ledger = LedgerInMemory()
    shown = ledger.entry(earn(5), shows_balance=True).transaction.answer_format
    hidden = ledger.entry(earn(5), shows_balance=False).transaction.answer_format
    assert (hidden % 2, shown) == (0, hidden + 1)


def test_a_refusal_tells_the_balance_only_with_leave() -> None:
    refused = Refused("insufficient-points", "…", {"requested": 5, "available": 3})
    assert refusal_facts(refused, shows_balance=True) == {"requested": 5, "available": 3}
    assert refusal_facts(refused, shows_balance=False) == {"requested": 5}


def test_a_posted_command_names_the_openings_of_all_its_lots() -> None:
    ledger = LedgerInMemory()
    opening = ledger.entry(earn(10)).transaction.lots[0]
    second = ledger.entry(earn(10), partner=SUPERMARKET).transaction.lots[0]
    posted = ledger.post(redeem(15))
    assert posted.lots == {(1, 1): opening, (1, 2): second}
    assert posted.member_id == "member-1"


def test_a_posting_on_a_members_points_without_its_lot_is_refused() -> None:
    ledger = LedgerInMemory()
    submitted = ledger.submission(earn(1))
    draft = Draft(
        kind=1,
        lane=1,
        programme=1,
        partner=1,
        member=1,
        points=1,
        occurred_at=NOON,
        key_digest=submitted.key_digest,
        request_digest=submitted.request_digest,
        postings=[Posting(AccountKind.ISSUANCE, 101, AccountKind.AVAILABLE, 1, 1)],
    )
    with pytest.raises(ValueError, match="names no lot"):
        append(ledger.state, draft, submitted)
