"""A small ledger's seal and proofs, made with nothing but the rules."""

from typing import Any

import msgspec

from ledger.rules.journal import Transaction, TransactionKind, canonical_form, chain_hash
from ledger.rules.merkle import inclusion_path, merkle_root
from ledger.rules.proofs import CanonicalForm, Proof
from ledger.rules.seal_keys import SealKeys
from ledger.rules.seals import (
    NO_SEAL,
    Seal,
    SealDocument,
    SealedLane,
    ledger_identity,
    path_of_lane,
    public_form,
    root_of_lanes,
    sign_seal,
    transaction_leaf,
)

KEYS = SealKeys(bytes(range(32)))
NOW = 1_795_492_800_000_001


def transaction(sequence: int, lane: int = 0, **changes: Any) -> Transaction:
    base = Transaction(
        format=1,
        lane=lane,
        sequence=sequence,
        kind=TransactionKind.REDEEM,
        programme=1,
        partner=2,
        member=9,
        points=250,
        recorded_at=NOW,
        occurred_at=NOW - 5,
        scene="food",
        channel="pos",
        outlet="南京路 7",
        spend_minor=None,
        cash_minor=1_250,
        programme_version=4,
        reverses_lane=None,
        reverses_sequence=None,
        key_digest=bytes(32),
        request_digest=bytes(16),
        available_after=777,
        held_after=0,
        pending_after=0,
        answer_format=1,
        details_commitment=None,
        postings=(),
        lots=(),
    )
    return msgspec.structs.replace(base, **changes)


def proof_of(size: int = 5, index: int = 3, lane: int = 1, lanes: int = 3, first: int = 8) -> Proof:
    """The proof of one transaction of a small ledger, made with nothing but the rules."""
    head = bytes(32)
    entries = []
    for sequence in range(first, first + size):
        made = transaction(sequence, lane, points=sequence)
        entries.append((made, head, chain_hash(head, made)))
        head = entries[-1][2]
    leaves = [transaction_leaf(digest, public_form(made)) for made, _, digest in entries]
    sealed = [SealedLane(number, 1, 0, 1, NO_SEAL, merkle_root([]).hex()) for number in range(lanes)]
    sealed[lane] = SealedLane(lane, first, first + size - 1, 4, head.hex(), merkle_root(leaves).hex())
    made, previous, digest = entries[index]
    document = seal(tuple(sealed))
    return Proof(
        format="citypoints-proof-1",
        transaction=public_form(made),
        hash=digest.hex(),
        canonical_form=CanonicalForm(previous.hex(), canonical_form(made).decode()),
        lane_path=tuple(step.hex() for step in inclusion_path(leaves, index)),
        lane=sealed[lane],
        seal_path=path_of_lane(sealed, lane),
        seal=document.seal,
        signature=document.signature,
    )


def seal(lanes: tuple[SealedLane, ...], keys: SealKeys = KEYS) -> SealDocument:
    return sign_seal(
        Seal(
            format="citypoints-seal-1",
            ledger=ledger_identity(bytes(32), NOW),
            number=1,
            sealed_at=NOW,
            previous=NO_SEAL,
            transactions=sum(lane.transactions for lane in lanes),
            recorded=sum(lane.last for lane in lanes),
            lanes=len(lanes),
            root=root_of_lanes(lanes),
            public_key=keys.public_key,
        ),
        lanes,
        keys,
    )
