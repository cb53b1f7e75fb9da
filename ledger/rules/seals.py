"""Seals: what the operator signs about all that was recorded by a moment, and what it is signed over.

Two trees (RFC 6962, see ``merkle.py``). A **lane's tree** has a leaf for each of the lane's transactions since
the previous seal, in order: the transaction's hash in the lane's chain (32 bytes) followed by its *public form*,
the compact JSON of ``SealedTransaction``. The **seal's tree** has a leaf for each lane, in order: the compact JSON
of its ``SealedLane``. The signature covers the compact JSON of ``Seal``, which holds that tree's root.

*Compact JSON* is UTF-8 without spaces, fields in the order written here, absent values as null: anyone can
rebuild it in any language. Digests, keys and signatures are lower-case hexadecimal, instants are microseconds since
1970 UTC. A new format, never a changed order, extends it.

Why a public form and not the canonical form of the journal: that holds the member's balance, which is open to
nobody but the member. The public form is its first 18 elements, by name.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Annotated, Final, Literal

import msgspec

from ledger.ids import MAX_LANES, MAX_NUMBER
from ledger.rules.journal import Transaction
from ledger.rules.merkle import MerkleTree, merkle_root
from ledger.rules.seal_keys import SealKeys, is_signed

SEAL_FORMAT: Final = "citypoints-seal-1"
FIRST_INSTANT, LAST_INSTANT = -62_135_596_800_000_000, 253_402_300_799_999_999
"""From the year 1 to the end of the year 9999."""

DIGEST_DIGITS, SIGNATURE_DIGITS, IDENTITY_DIGITS = 64, 128, 32

Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$", max_length=DIGEST_DIGITS)]
PublicKey = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$", max_length=DIGEST_DIGITS)]
Signature = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{128}$", max_length=SIGNATURE_DIGITS)]
Identity = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$", max_length=IDENTITY_DIGITS)]
# Bounds keep what strangers send within what can be written again.
Count = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
FromOne = Annotated[int, msgspec.Meta(ge=1, le=(1 << 63) - 1)]
Whole = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
LaneNumber = Annotated[int, msgspec.Meta(ge=0, le=MAX_LANES - 1)]
SequenceNumber = Annotated[int, msgspec.Meta(ge=1, le=MAX_NUMBER)]
Instant = Annotated[int, msgspec.Meta(ge=FIRST_INSTANT, le=LAST_INSTANT)]

NO_SEAL: Digest = "0" * DIGEST_DIGITS
"""What the first seal names as its previous one."""


class SealedTransaction(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The public form of a transaction: what it was, without what it left the member with.

    Amounts of money are in minor units. ``kind`` is a number of ``TransactionKind``; programme, partner and member
    are the ledger's own numbers.
    """

    format: Whole
    lane: LaneNumber
    sequence: SequenceNumber
    kind: Whole
    programme: Whole
    partner: Whole
    member: Whole
    points: Whole
    recorded_at: Instant
    occurred_at: Instant
    scene: str | None
    channel: str | None
    outlet: str | None
    spend_minor: Whole | None
    cash_minor: Whole | None
    programme_version: Whole | None
    reverses_lane: Whole | None
    reverses_sequence: Whole | None


class SealedLane(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What a seal says of a lane: the transactions ``first`` to ``last``, none where ``last`` is ``first`` - 1.

    ``head`` is the chain's hash at ``last``, ``next_lot`` the number of the lane's next lot, ``root`` the root of
    the lane's tree.
    """

    lane: LaneNumber
    first: FromOne
    last: Count
    next_lot: FromOne
    head: Digest
    root: Digest

    @property
    def transactions(self) -> int:
        """How many transactions of the lane are sealed here."""
        return self.last - self.first + 1


class Seal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is signed. Seals are numbered from 1; ``previous`` is the hash of the one before.

    ``transactions`` counts what is new since the previous seal, ``recorded`` all since the ledger was made;
    everything sealed was recorded at ``sealed_at`` or before.
    """

    format: Literal["citypoints-seal-1"]
    ledger: Identity
    number: FromOne
    sealed_at: Instant
    previous: Digest
    transactions: Count
    recorded: Count
    lanes: Annotated[int, msgspec.Meta(ge=1, le=MAX_LANES)]
    root: Digest
    public_key: PublicKey


class SealDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A seal as it is published: with its signature and the lanes under its root."""

    seal: Seal
    signature: Signature
    lanes: tuple[SealedLane, ...]


_encode = msgspec.json.Encoder().encode
_PUBLIC_FIELDS = SealedTransaction.__struct_fields__


def public_form(transaction: Transaction) -> SealedTransaction:
    """What a seal shows of a transaction of the journal."""
    return SealedTransaction(*(getattr(transaction, name) for name in _PUBLIC_FIELDS))


def transaction_leaf(digest: bytes, transaction: SealedTransaction) -> bytes:
    """A transaction's leaf in its lane's tree, from its hash in the chain and its public form."""
    return digest + _encode(transaction)


def lane_leaf(lane: SealedLane) -> bytes:
    """A lane's leaf in the seal's tree."""
    return _encode(lane)


def root_of_lanes(lanes: Iterable[SealedLane]) -> str:
    """The root of the seal's tree."""
    return merkle_root(map(lane_leaf, lanes)).hex()


def path_of_lane(lanes: Sequence[SealedLane], lane: int) -> tuple[str, ...]:
    """The inclusion path of a lane in the seal's tree; raises ValueError for an unknown lane."""
    tree = MerkleTree(lane)
    for sealed in lanes:
        tree.append(lane_leaf(sealed))
    return tuple(step.hex() for step in tree.path())


def signed_bytes(seal: Seal) -> bytes:
    """The bytes that the signature covers."""
    return _encode(seal)


def seal_hash(seal: Seal) -> str:
    """The hash by which the next seal names this one."""
    return hashlib.sha256(signed_bytes(seal)).hexdigest()


def sign_seal(seal: Seal, lanes: tuple[SealedLane, ...], keys: SealKeys) -> SealDocument:
    """Sign a seal that carries the public key of ``keys``."""
    return SealDocument(seal, keys.sign(signed_bytes(seal)), lanes)


def has_good_signature(document: SealDocument) -> bool:
    """Whether a seal was signed by the key that it carries."""
    return is_signed(document.seal.public_key, signed_bytes(document.seal), document.signature)


def encode_document(document: SealDocument) -> bytes:
    """The bytes of a seal as it is published and written beside the database."""
    return _encode(document) + b"\n"


def ledger_identity(key_check: bytes, created_at: int) -> Identity:
    """Which ledger a seal is of: made of what its row was founded with, and the same in every copy of it."""
    return hashlib.sha256(b"ledger" + key_check + created_at.to_bytes(8, "big")).hexdigest()[:IDENTITY_DIGITS]
