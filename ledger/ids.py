"""Identifiers that carry where a row lives, and the keyed digests that hide what callers wrote.

An id is a UUIDv8 (RFC 9562, 5.8): 48-bit Unix milliseconds, 12-bit lane, 40-bit number, 22-bit
tail. So an id finds its row without an index, and ids of one lane sort by time.
"""

import hashlib
from typing import NamedTuple
from uuid import UUID

_LANE_BITS = 12
_NUMBER_BITS = 40
_TAIL_BITS = 22
MAX_LANES = 1 << _LANE_BITS
MAX_NUMBER = (1 << _NUMBER_BITS) - 1
_TAIL_MASK = (1 << _TAIL_BITS) - 1
_VERSION_SHIFT, _VERSION = 76, 8
_VARIANT_SHIFT, _VARIANT = 62, 0b10

MINIMUM_SECRET_BYTES = 32

REQUEST_DIGEST_BYTES = 16

_BLOCK_BYTES = 64
_INNER_PAD = bytes(byte ^ 0x36 for byte in range(256))
_OUTER_PAD = bytes(byte ^ 0x5C for byte in range(256))


class Place(NamedTuple):
    """Where a row lives: its lane and its number in the lane."""

    lane: int
    number: int


def make_id(at: int, lane: int, number: int, tail: int) -> UUID:
    """Build the UUIDv8 of a row; ``at`` is in microseconds since 1970 UTC."""
    return UUID(int=_value(at, lane, number, tail))


def transaction_id(recorded_at: int, lane: int, sequence: int, digest: bytes) -> str:
    """Write a transaction's id; its tail is the start of the transaction's hash.

    The hash makes the id unguessable without a stored random part.
    """
    return _written(_value(recorded_at, lane, sequence, int.from_bytes(digest[:3], "big") >> 2))


def lot_id(earned_at: int, lane: int, lot: int) -> str:
    """Write a lot's id from its opening."""
    return _written(_value(max(earned_at, 0), lane, lot, lot))


def _value(at: int, lane: int, number: int, tail: int) -> int:
    return (
        (at // 1000 & ((1 << 48) - 1)) << 80
        | _VERSION << _VERSION_SHIFT
        | lane << 64
        | _VARIANT << _VARIANT_SHIFT
        | number << _TAIL_BITS
        | tail & _TAIL_MASK
    )


def _written(value: int) -> str:
    # Why not by way of a UUID: it takes four times as long, and an answer has two or three of them.
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def place_of(identifier: UUID) -> Place | None:
    """Read lane and number from an id, or None when it is not one of ours."""
    value = identifier.int
    if value >> _VERSION_SHIFT & 0xF != _VERSION or value >> _VARIANT_SHIFT & 0b11 != _VARIANT:
        return None
    return Place(value >> 64 & (MAX_LANES - 1), value >> _TAIL_BITS & MAX_NUMBER)


class LedgerKey:
    """The secret under which keys and references are looked up by HMAC-SHA256.

    Whoever reads the database alone learns neither keys nor references, and cannot try guesses.
    """

    __slots__ = ("_inner", "_of_key", "_of_request", "_outer")

    def __init__(self, secret: bytes) -> None:
        if len(secret) < MINIMUM_SECRET_BYTES:
            msg = f"the ledger key has {len(secret)} bytes; at least {MINIMUM_SECRET_BYTES} are wanted"
            raise ValueError(msg)
        # HMAC (RFC 2104) with its two keyed states made once: a digest then costs a third, and there are two a command.
        padded = (secret if len(secret) <= _BLOCK_BYTES else hashlib.sha256(secret).digest()).ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(padded.translate(_INNER_PAD))
        self._outer = hashlib.sha256(padded.translate(_OUTER_PAD))
        self._of_key = self._begun(b"key")
        self._of_request = self._begun(b"request")

    def __repr__(self) -> str:
        return "LedgerKey(…)"

    def digest(self, label: bytes, *parts: bytes) -> bytes:
        """Return the 32-byte digest of the parts; the label keeps uses apart."""
        return self._ended(self._begun(label), *parts)

    def key_digest(self, owner: str, idempotency_key: str) -> bytes:
        """Digest of an idempotency key in its owner's own space."""
        return self._ended(self._of_key.copy(), owner.encode(), idempotency_key.encode())

    def request_digest(self, canonical_request: bytes) -> bytes:
        """16-byte digest of a canonical request."""
        return self._ended(self._of_request.copy(), canonical_request)[:REQUEST_DIGEST_BYTES]

    def _begun(self, label: bytes) -> "hashlib._Hash":
        inner = self._inner.copy()
        inner.update(label)
        return inner

    def _ended(self, inner: "hashlib._Hash", *parts: bytes) -> bytes:
        for part in parts:
            inner.update(len(part).to_bytes(4, "big") + part)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()

    def member_digest(self, kind: str, owner: str, name: str) -> bytes:
        """Digest of a name of a member: an id, a partner's reference or a card number."""
        return self.digest(b"member", kind.encode(), owner.encode(), name.encode())

    def reference_digest(self, owner: str, reference: str) -> bytes:
        """Digest by which a partner finds a transaction by its own reference."""
        return self.digest(b"reference", owner.encode(), reference.encode())

    def check_value(self) -> bytes:
        """A value stored in the database, so that a wrong key is noticed at start-up."""
        return self.digest(b"check")
