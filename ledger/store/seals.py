"""Reading and adding seals, and which ledger they are of."""

from collections.abc import Sequence

import msgspec
from psycopg import AsyncConnection

from ledger.ids import Place
from ledger.rules.business_day import to_datetime
from ledger.rules.seals import Seal, SealDocument, SealedLane, ledger_identity, signed_bytes
from ledger.store.arrays import Bigints

_COLUMNS = "number, sealed_at, public_key, signature, lasts, seal, lanes"
_READ_LAST = f"select {_COLUMNS} from seals order by number desc limit 1"
_READ = f"select {_COLUMNS} from seals where number = any(%b) order by number"
_READ_AFTER = f"select {_COLUMNS} from seals where number > %s order by number limit %s"
_READ_NUMBERS = "select number from seals order by number"
_LIST = (
    "select seal from seals where %(before)s::int is null or number < %(before)s order by number desc limit %(limit)s"
)
# The seal of a transaction: the first one whose last sequence of the lane (arrays count from 1) is not below it.
_FIND = f"select {_COLUMNS} from seals where lasts[%s + 1] >= %s order by number limit 1"
_KEYS = "select public_key, min(number), max(number) from seals group by public_key order by 3 desc"
_INSERT = f"""
insert into seals ({_COLUMNS}) values (%s, %s, %s, %s, %b, %s, %s) on conflict do nothing returning number
"""
_READ_IDENTITY = "select key_check, created_at from ledger"

_encode = msgspec.json.Encoder().encode
_decode_seal = msgspec.json.Decoder(Seal).decode
_decode_lanes = msgspec.json.Decoder(tuple[SealedLane, ...]).decode


class SealRow(msgspec.Struct, frozen=True):
    """A seal as its row has it; ``seal`` and ``lanes`` are bytes of JSON."""

    number: int
    sealed_at: int
    public_key: str
    signature: str
    lasts: list[int]
    seal: bytes
    lanes: bytes

    def document(self) -> SealDocument:
        """The seal with its lanes; raises msgspec.DecodeError where the bytes are no seal."""
        return SealDocument(_decode_seal(self.seal), self.signature, _decode_lanes(self.lanes))


class KeyPeriod(msgspec.Struct, frozen=True):
    """A public key with the first and the last seal that it signed."""

    public_key: str
    first_seal: int
    last_seal: int


async def read_last_seal(connection: AsyncConnection) -> SealRow | None:
    """Read the newest seal."""
    cursor = await connection.execute(_READ_LAST)
    row = await cursor.fetchone()
    return None if row is None else SealRow(*row)


async def read_seals(connection: AsyncConnection, numbers: Sequence[int]) -> list[SealRow]:
    """Read seals by their numbers; unknown ones are left out."""
    cursor = await connection.execute(_READ, [Bigints.of(numbers)])
    return [SealRow(*row) for row in await cursor.fetchall()]


async def read_seals_after(connection: AsyncConnection, number: int, limit: int) -> list[SealRow]:
    """Read a page of seals by number, oldest first."""
    cursor = await connection.execute(_READ_AFTER, [number, limit])
    return [SealRow(*row) for row in await cursor.fetchall()]


async def read_seal_numbers(connection: AsyncConnection) -> list[int]:
    """The numbers of all seals, in order."""
    cursor = await connection.execute(_READ_NUMBERS)
    return [number for (number,) in await cursor.fetchall()]


async def list_seals(connection: AsyncConnection, *, before: int | None, limit: int) -> list[Seal]:
    """Read what was signed, newest first, below a number."""
    cursor = await connection.execute(_LIST.encode(), {"before": before, "limit": limit})
    return [_decode_seal(seal) for (seal,) in await cursor.fetchall()]


async def find_seal_of(connection: AsyncConnection, place: Place) -> SealRow | None:
    """Find the seal that covers a transaction; None while none does."""
    cursor = await connection.execute(_FIND, [place.lane, place.number])
    row = await cursor.fetchone()
    return None if row is None else SealRow(*row)


async def read_key_periods(connection: AsyncConnection) -> list[KeyPeriod]:
    """The public keys of all seals, the one in use first."""
    cursor = await connection.execute(_KEYS)
    return [KeyPeriod(*row) for row in await cursor.fetchall()]


async def add_seal(connection: AsyncConnection, document: SealDocument) -> bool:
    """Add a seal; False where its number is taken: another process has sealed meanwhile."""
    seal = document.seal
    cursor = await connection.execute(
        _INSERT,
        [
            seal.number,
            to_datetime(seal.sealed_at),
            seal.public_key,
            document.signature,
            Bigints.of([lane.last for lane in document.lanes]),
            signed_bytes(seal),
            _encode(document.lanes),
        ],
    )
    return cursor.rowcount == 1


async def read_identity(connection: AsyncConnection) -> str:
    """Which ledger this is, as its seals name it."""
    cursor = await connection.execute(_READ_IDENTITY)
    [(key_check, created_at)] = await cursor.fetchall()
    return ledger_identity(key_check, created_at)
