"""An epoch tells two histories apart that part from one copy, whatever comes before and after."""

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.rules.commands import AnyCommand, StartEpoch
from ledger.rules.epochs import (
    SupersededSeal,
    decode_superseded,
    encode_superseded,
    epoch_key,
    epoch_mark,
    superseded_commitment,
)
from ledger.rules.journal import ParticularTransaction, TransactionKind
from ledger.rules.outcomes import Replayed
from tests.builders import earn, redeem
from tests.rules.ledger_in_memory import LANES, LedgerInMemory

COMMANDS = st.lists(
    st.builds(
        lambda member, points, takes: (redeem if takes else earn)(points, member=member),
        st.sampled_from(["m1", "m2"]),
        st.integers(1, 9),
        st.booleans(),
    ),
    max_size=6,
)
IDENTITIES = st.binary(min_size=16, max_size=16).map(bytes.hex)


def go_on(ledger: LedgerInMemory, commands: list[AnyCommand], first_key: int) -> None:
    """Submit commands, some of which are refused, under keys that follow from their numbers."""
    for number, command in enumerate(commands, start=first_key):
        ledger.submit(ledger.submission(command, key=f"key-{number}"))


def begin(ledger: LedgerInMemory, number: int, identity: str) -> None:
    """Begin an epoch in every lane."""
    for lane in range(LANES):
        ledger.post(StartEpoch(number=number, identity=identity), lane=lane)


def hashes(ledger: LedgerInMemory, after: int = 0) -> set[bytes]:
    """The hashes of what a ledger has recorded after so many transactions."""
    return {entry.hash for entry in ledger.state.entries[after:]}


@given(COMMANDS, COMMANDS, COMMANDS, IDENTITIES)
def test_no_hash_of_a_restored_history_is_one_of_the_lost_history(
    prefix: list[AnyCommand], lost: list[AnyCommand], new: list[AnyCommand], identity: str
) -> None:
    ledger = LedgerInMemory()
    go_on(ledger, prefix, 0)
    copied = len(ledger.state.entries)
    restored = deepcopy(ledger)
    go_on(ledger, lost, 100)
    begin(restored, 1, identity)
    go_on(restored, new, 100)
    assert hashes(restored, copied)
    assert not hashes(restored, copied) & hashes(ledger)
    assert [e.hash for e in restored.state.entries[:copied]] == [e.hash for e in ledger.state.entries[:copied]]


@given(COMMANDS, COMMANDS, IDENTITIES, IDENTITIES)
def test_two_restores_of_one_copy_part_unless_they_are_the_same_epoch(
    prefix: list[AnyCommand], same: list[AnyCommand], one: str, other: str
) -> None:
    first = LedgerInMemory()
    go_on(first, prefix, 0)
    copied = len(first.state.entries)
    second = deepcopy(first)
    for ledger, identity in ((first, one), (second, other)):
        begin(ledger, 1, identity)
        go_on(ledger, same, 100)
    if one == other:
        assert hashes(first) == hashes(second)
    else:
        assert not hashes(first, copied) & hashes(second, copied)


def test_the_beginning_of_an_epoch_moves_nothing_and_says_which_it_is() -> None:
    ledger = LedgerInMemory()
    commitment = superseded_commitment((SupersededSeal(3, "ab" * 32),))
    entry = ledger.entry(StartEpoch(number=1, identity="0f" * 16, superseded_seals=commitment), lane=1)
    transaction = entry.transaction
    assert isinstance(transaction, ParticularTransaction)
    assert transaction.kind == TransactionKind.EPOCH
    assert (transaction.lane, transaction.programme, transaction.partner, transaction.member) == (1, 0, 0, 0)
    assert (transaction.points, transaction.postings, transaction.lots) == (0, (), ())
    assert transaction.occurred_at == transaction.recorded_at
    particulars = transaction.particulars
    assert (particulars.epoch, particulars.epoch_identity) == (1, "0f" * 16)
    assert particulars.superseded_seals == commitment


def test_an_epoch_begins_in_a_lane_once_however_often_it_is_asked_for() -> None:
    ledger = LedgerInMemory()
    begin(ledger, 1, "0f" * 16)
    again = ledger.submit(ledger.submission(StartEpoch(number=1, identity="0f" * 16), lane=0))
    assert isinstance(again, Replayed)
    assert len(ledger.state.entries) == LANES


def test_no_two_beginnings_share_a_key() -> None:
    keys = {
        epoch_key(number, identity, lane)
        for number in (1, 2, 11)
        for identity in ("0f" * 16, "f0" * 16)
        for lane in (0, 1, 11)
    }
    assert len(keys) == 18


@pytest.mark.parametrize(
    "other", [(), (SupersededSeal(3, "ab" * 32),), (SupersededSeal(3, "ac" * 32), SupersededSeal(4, "ab" * 32))]
)
def test_the_commitment_covers_every_superseded_seal(other: tuple[SupersededSeal, ...]) -> None:
    seals = (SupersededSeal(3, "ab" * 32), SupersededSeal(4, "ab" * 32))
    assert superseded_commitment(seals) != superseded_commitment(other)
    assert decode_superseded(encode_superseded(other)) == other


def test_the_mark_of_a_cursor_is_the_beginning_of_the_identity() -> None:
    assert epoch_mark(bytes(range(16))) == 0x0001020304050607
    assert epoch_mark(bytes([255] * 16)) == (1 << 64) - 1
