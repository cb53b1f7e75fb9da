"""What the journal holds, its canonical form and its hash chain.

The canonical form of a transaction is compact JSON of its fields in the order written here, with
instants as integers (microseconds since 1970 UTC) and bytes as base64: anyone can rebuild it in any
language. A lane's chain is ``hash(n) = SHA-256(hash(n-1) || canonical form of n)``, from 32 zero
bytes. A new format number, never a changed order, extends the form: format 2 adds one element, the
particulars of kinds that have some, as an object without its absent fields.
"""

import hashlib
from datetime import date
from enum import IntEnum

import msgspec
from msgspec.structs import astuple

FORMAT = 1
FORMAT_WITH_PARTICULARS = 2
CHAIN_START = bytes(32)


class TransactionKind(IntEnum):
    """Kinds of transactions, by the number the journal stores. Later kinds take new numbers."""

    EARN = 1
    REDEEM = 2
    REVERSE = 3
    EXPIRE = 4
    HOLD = 5
    CAPTURE = 6
    VOID = 7
    HOLD_EXPIRE = 8
    GIFT = 9
    MERGE = 10
    MOVE = 11
    ADJUST = 12
    WRITE_OFF = 13
    FREEZE = 14
    UNFREEZE = 15
    CLOSE = 16
    NOTICE = 17
    CAP = 18
    SETTLE = 19
    MONEY = 20
    COVER_LOW = 21
    EXCHANGE = 22
    EPOCH = 23


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


class LotOrigin(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where a lot opened by a merge, a move or a later return comes from: another lot, maybe of another lane."""

    lot: int
    origin_lane: int
    origin_lot: int


class Particulars(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """What only some kinds of transactions have.

    ``hold`` is the sequence, in the same lane, of the hold that a capture, void or expiry of a hold
    changes; ``expires_at`` is set by what opens a hold. ``counter_lane`` and ``counter_sequence`` are the
    other leg of a gift, merge, move or exchange; ``into`` is the member that a merged or moved one has become, in
    the counter lane. ``approval`` names the second person's approval. A notice tells of points that lapse
    after the day ``expires_on``, ``days_before`` of it. Of what settlement posts, ``about`` says what it
    belongs to (a batch, a payment), and ``money`` commits to its money postings. ``exchange_rate`` is the number of
    the rate of an exchange. Of what begins an epoch, ``epoch`` is its number, ``epoch_identity`` its identity (32
    hexadecimal digits), and ``superseded_seals`` commits to the seals that it ends. New fields come at the end.
    """

    hold: int | None = None
    expires_at: int | None = None
    counter_lane: int | None = None
    counter_sequence: int | None = None
    into: int | None = None
    approval: str | None = None
    expires_on: date | None = None
    days_before: int | None = None
    origins: tuple[LotOrigin, ...] = ()
    about: str | None = None
    money: str | None = None
    exchange_rate: int | None = None
    epoch: int | None = None
    epoch_identity: str | None = None
    superseded_seals: str | None = None


class ParticularTransaction(Transaction, frozen=True, array_like=True, gc=False):
    """A transaction of a kind that has particulars: format 2."""

    particulars: Particulars


def with_particulars(transaction: Transaction, particulars: Particulars) -> ParticularTransaction:
    """A transaction with its particulars behind its other elements."""
    return ParticularTransaction(*(*astuple(transaction), particulars))


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
