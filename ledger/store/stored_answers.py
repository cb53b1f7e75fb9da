"""Answers of requests that change the set-up or a member, kept under their idempotency keys for ever.

They share the table of keys with postings, so a key belongs to one request whichever it was. An answer
that names a card is sealed with the ledger key: whoever reads the database alone learns no card number.
"""

import hashlib

import msgspec
from psycopg import AsyncConnection

from ledger.ids import LedgerKey
from ledger.rules.state import KeyRecord

# Two requests with one key come one after the other; the lock ends with the unit of work.
_LOCK = "select pg_advisory_xact_lock(%s)"
_FIND = """
select digest, request_digest, lane, sequence, transactions, answer
from idempotency_keys where digest = %s
"""
_KEEP = """
insert into idempotency_keys (digest, request_digest, transactions, answer) values (%s, %s, 0, %s)
on conflict do nothing returning digest
"""


class StoredAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A status and a JSON body, or the sealed bytes of one."""

    status: int
    body: msgspec.Raw = msgspec.Raw()
    sealed: bytes = b""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(StoredAnswer).decode


async def claim_key(connection: AsyncConnection, digest: bytes) -> KeyRecord | None:
    """Wait for others who come with the same key, then read what became of it; None for a new key.

    Runs inside a unit of work, at the end of which the next one goes on.
    """
    await connection.execute(_LOCK, [int.from_bytes(digest[:8], "big", signed=True)])
    cursor = await connection.execute(_FIND, [digest])
    row = await cursor.fetchone()
    return None if row is None else KeyRecord(*row)


async def keep_answer(connection: AsyncConnection, digest: bytes, request_digest: bytes, answer: bytes) -> bool:
    """Keep the answer of a claimed key; False where a poster has just used the key for a posting."""
    cursor = await connection.execute(_KEEP, [digest, request_digest, answer])
    return await cursor.fetchone() is not None


def write_answer(key: LedgerKey, digest: bytes, status: int, body: bytes, *, is_sealed: bool) -> bytes:
    """The bytes to keep of an answer."""
    if is_sealed:
        return _encode(StoredAnswer(status, sealed=_sealed(key, digest, body)))
    return _encode(StoredAnswer(status, msgspec.Raw(body)))


def read_answer(key: LedgerKey, digest: bytes, answer: bytes) -> tuple[int, bytes] | None:
    """The status and body that were kept; None for the recorded refusal of a posting."""
    try:
        stored = _decode(answer)
    except msgspec.ValidationError:
        return None
    body = _sealed(key, digest, stored.sealed) if stored.sealed else bytes(stored.body)
    return stored.status, body


def _sealed(key: LedgerKey, digest: bytes, body: bytes) -> bytes:
    """Seal or open: a stream of bytes under the ledger key, used for this idempotency key alone."""
    stream = hashlib.shake_256(key.digest(b"answer", digest)).digest(len(body))
    return bytes(left ^ right for left, right in zip(body, stream, strict=True))
