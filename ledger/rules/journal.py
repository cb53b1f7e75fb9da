"""What the journal holds, its canonical form and its hash chain.

The canonical form of a transaction is compact JSON of its fields in the order written here, with
instants as integers (microseconds since 1970 UTC) and bytes as base64: anyone can rebuild it in any
language. A lane's chain is ``hash(n) = SHA-256(hash(n-1) || canonical form of n)``, from 32 zero
bytes. A new format number, never a changed order, extends the form.
"""

import hashlib
from datetime import date
from enum import IntEnum

import msgspec

FORMAT = 1
CHAIN_START = bytes(32)


class TransactionKind(IntEnum):
    """Kinds of transactions, by the number the journal stores. Later kinds take new numbers."""

    EARN = 1
    REDEEM = 2
    REVERSE = 3
    EXPIRE = 4


class Posting(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One movement of ``amount`` points from a debit account to a credit account.

    ``lot`` is the lot moved; ``counter_lot`` the reversed lot whose shortfall is repaid.
    """

    debit_kind: int
    debit_owner: int
    credit_kind: int
    credit_owner: int
    amount: int
    lot: int | None = None
    counter_lot: int | None = None


class LotOpening(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A lot as it was opened. Never edited; what is left of it is a projection."""

    lot: int
    funding: int
    terms_version: int | None
    earned_at: int
    available_from: int
    expires_on: date | None
    original: int
    restored_from: int | None = None


class Transaction(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One business event with its postings and the lots it opens.

    ``points`` is the nominal amount; amounts of money are in minor units. ``spend_minor`` is the
    spend an earn rests on or a reversal takes back; ``cash_minor`` the merchant's own cash part.
    ``available_after``, ``held_after`` and ``pending_after`` are what the answer showed.
    """

    format: int
    lane: int
    sequence: int
    kind: int
    programme: int
    partner: int
    member: int
    points: int
    recorded_at: int
    occurred_at: int
    scene: str | None
    channel: str | None
    outlet: str | None
    spend_minor: int | None
    cash_minor: int | None
    programme_version: int | None
    reverses_lane: int | None
    reverses_sequence: int | None
    key_digest: bytes
    request_digest: bytes
    available_after: int
    held_after: int
    pending_after: int
    answer_format: int
    details_commitment: bytes | None
    postings: tuple[Posting, ...]
    lots: tuple[LotOpening, ...]


class JournalEntry(msgspec.Struct, frozen=True, gc=False):
    """A transaction with its place in its lane's chain."""

    transaction: Transaction
    hash: bytes


_encoder = msgspec.json.Encoder()


def canonical_form(transaction: Transaction) -> bytes:
    """Return the bytes that the chain hashes."""
    return _encoder.encode(transaction)


def chain_hash(previous: bytes, transaction: Transaction) -> bytes:
    """Return the 32-byte hash of a transaction that follows ``previous`` in its lane."""
    return hashlib.sha256(previous + _encoder.encode(transaction)).digest()


def details_commitment(salt: bytes, document: bytes) -> bytes:
    """Return the salted commitment by which the chain covers erasable details."""
    return hashlib.sha256(salt + document).digest()
