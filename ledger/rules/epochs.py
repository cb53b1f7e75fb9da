"""Epochs: a ledger that goes on from an older copy of itself begins a new one, hashed into each of its lanes.

Whatever was recorded after the copy was made may be lost, and clients may have seen it. The first thing recorded in
each lane of the restored ledger is therefore a transaction with an identity that no other history has: from there on
no hash of the one is a hash of the other. A ledger that was never restored is in epoch 0, of which nothing is recorded.
"""

import hashlib

import msgspec

IDENTITY_BYTES = 16
MARK_BYTES = 8
FIRST_MARK = 0
"""The mark of epoch 0."""


class SupersededSeal(msgspec.Struct, frozen=True):
    """A seal of what was lost: ``hash`` is the one by which a next seal would have named it."""

    number: int
    hash: str


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(tuple[SupersededSeal, ...]).decode


def encode_superseded(seals: tuple[SupersededSeal, ...]) -> bytes:
    """The bytes that a commitment to superseded seals is of: compact JSON."""
    return _encode(seals)


def decode_superseded(document: bytes) -> tuple[SupersededSeal, ...]:
    """Read superseded seals back; raises msgspec.DecodeError for other bytes."""
    return _decode(document)


def superseded_commitment(seals: tuple[SupersededSeal, ...]) -> str | None:
    """What the journal says of the seals that an epoch supersedes; None where it supersedes none."""
    return hashlib.sha256(encode_superseded(seals)).hexdigest() if seals else None


def epoch_key(number: int, identity: str, lane: int) -> bytes:
    """The key of the beginning of an epoch in a lane: however often it is asked for, it is recorded once."""
    return hashlib.sha256(f"epoch:{number}:{identity}:{lane}".encode()).digest()


def epoch_mark(identity: bytes) -> int:
    """What cursors carry of the identity of the epoch that they were given in."""
    return int.from_bytes(identity[:MARK_BYTES], "big")
