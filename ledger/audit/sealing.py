"""Making seals: daily, once whoever asks, and written beside the database.

The order of steps makes every interruption harmless. The row comes first and decides: its number is taken by one
process alone. The file follows; where it is missing, the next run writes it from the row.
"""

import asyncio
from pathlib import Path

import msgspec
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from ledger.audit.lane_trees import grow_lane_tree, read_hash
from ledger.audit.pages import Lane, read_lanes
from ledger.audit.seal_folder import SealFolder
from ledger.errors import Busy, LedgerAltered
from ledger.rules.business_day import MICROSECONDS_PER_DAY
from ledger.rules.journal import CHAIN_START
from ledger.rules.seal_keys import SealKeys
from ledger.rules.seals import (
    NO_SEAL,
    SEAL_FORMAT,
    Seal,
    SealDocument,
    SealedLane,
    encode_document,
    has_good_signature,
    root_of_lanes,
    seal_hash,
    sign_seal,
)
from ledger.store.ledger_row import read_clock
from ledger.store.seals import SealRow, add_seal, read_identity, read_last_seal, read_seal_numbers, read_seals

TRIES = 5
"""How often a seal is made anew because another process took its number."""


class SealMade(msgspec.Struct, frozen=True):
    """A seal just made: ``sealed_at`` in microseconds since 1970 UTC, ``file`` beside the database."""

    number: int
    sealed_at: int
    transactions: int
    root: str
    public_key: str
    file: str


class NothingToSeal(msgspec.Struct, frozen=True):
    """No seal was due; ``number`` and ``sealed_at`` are the last one's."""

    number: int
    sealed_at: int


async def make_seal(
    pool: AsyncConnectionPool[AsyncConnection], keys: SealKeys, directory: Path, *, forced: bool = False
) -> SealMade | NothingToSeal:
    """Seal all that was recorded since the last seal, and write what is missing in the folder of seals.

    At most one a day (UTC, of the ledger's time), so it can be asked for as often as one likes; ``forced`` makes
    another one where something is new. Raises LedgerAltered where the ledger is not what was sealed or the last
    seal's key is not trusted, Busy where others seal all the time, OSError where the folder cannot be written.
    """
    folder = SealFolder(directory)
    async with pool.connection() as connection:
        for _ in range(TRIES):
            outcome = await _Sealing(connection, keys, folder).run(forced=forced)
            if outcome is not None:
                await _write_missing(connection, folder)
                return outcome
    raise Busy("Other processes are sealing; nothing was sealed here.")


async def _write_missing(connection: AsyncConnection, folder: SealFolder) -> None:
    """Write the files that an interrupted run left out, or that are gone."""
    present = await asyncio.to_thread(folder.numbers)
    missing = [number for number in await read_seal_numbers(connection) if number not in present]
    for number in missing:
        for row in await read_seals(connection, [number]):
            await asyncio.to_thread(folder.write, number, encode_document(_good_document(row)))


class _Sealing:
    """One attempt."""

    def __init__(self, connection: AsyncConnection, keys: SealKeys, folder: SealFolder) -> None:
        self._connection = connection
        self._keys = keys
        self._folder = folder

    async def run(self, *, forced: bool) -> SealMade | NothingToSeal | None:
        """Make a seal where one is due; None where another process has taken its number."""
        # The folder before the rows: a seal that is made meanwhile is then no file without a row.
        newest_file = max(await asyncio.to_thread(self._folder.numbers), default=0)
        row = await read_last_seal(self._connection)
        last = None if row is None else _good_document(row)
        self._refuse_altered(last, newest_file)
        now = await read_clock(self._connection)
        lanes = await read_lanes(self._connection)
        if last is not None and not _is_due(last, now, lanes, forced=forced):
            return NothingToSeal(last.seal.number, last.seal.sealed_at)
        document = await self._seal(last, now, lanes)
        if not await add_seal(self._connection, document):
            return None
        seal = document.seal
        file = self._folder.path_of(seal.number)
        return SealMade(seal.number, seal.sealed_at, seal.transactions, seal.root, seal.public_key, str(file))

    def _refuse_altered(self, last: SealDocument | None, newest_file: int) -> None:
        newest = 0 if last is None else last.seal.number
        if newest_file > newest:
            raise LedgerAltered(
                f"{self._folder.path_of(newest_file)} is there, and the database's last seal is {newest}: "
                "the database is older than its seals. If you restored a backup, `citypoints new-epoch` comes first."
            )
        if last is not None and last.seal.public_key not in self._keys.trusted:
            raise LedgerAltered(
                f"Seal {newest} was signed by the key {last.seal.public_key}, "
                "which is neither the seal key nor named in its file as an earlier one."
            )

    async def _seal(self, last: SealDocument | None, now: int, lanes: list[Lane]) -> SealDocument:
        identity = await read_identity(self._connection)
        numbers = [lane.lane for lane in lanes]
        if numbers != list(range(len(lanes))):
            raise LedgerAltered(f"The ledger has the lanes {numbers}, so one is missing.")
        if last is not None and (len(last.lanes), last.seal.ledger) != (len(lanes), identity):
            raise LedgerAltered(f"Seal {last.seal.number} is of another ledger.")
        before = [None] * len(lanes) if last is None else last.lanes
        sealed = tuple([await self._seal_lane(lane, entry) for lane, entry in zip(lanes, before, strict=True)])
        seal = Seal(
            format=SEAL_FORMAT,
            ledger=identity,
            number=1 if last is None else last.seal.number + 1,
            # A lane may be ahead of the clock, and the clock may have gone back.
            sealed_at=max(now, *(lane.recorded_at for lane in lanes), 0 if last is None else last.seal.sealed_at),
            previous=NO_SEAL if last is None else seal_hash(last.seal),
            transactions=sum(lane.transactions for lane in sealed),
            recorded=sum(lane.last for lane in sealed),
            lanes=len(sealed),
            root=root_of_lanes(sealed),
            public_key=self._keys.public_key,
        )
        return sign_seal(seal, sealed, self._keys)

    async def _seal_lane(self, lane: Lane, before: SealedLane | None) -> SealedLane:
        """Seal a lane's transactions up to its row's; what was sealed before must still be there."""
        sealed, head = 0, CHAIN_START
        if before is not None and before.last:
            sealed, head = before.last, bytes.fromhex(before.head)
            if await read_hash(self._connection, lane.lane, sealed) != head:
                raise LedgerAltered(f"Transaction {sealed} of lane {lane.lane} is not the one that was sealed.")
        first, last = sealed + 1, lane.next_sequence - 1
        if last < sealed:
            raise LedgerAltered(f"Lane {lane.lane} ends at {last}; it was sealed up to {sealed}.")
        grown = await grow_lane_tree(self._connection, lane.lane, first, last)
        if (grown.head or head) != lane.head:
            raise LedgerAltered(f"The head of lane {lane.lane} is not the hash of its last transaction.")
        return SealedLane(lane.lane, first, last, lane.next_lot, lane.head.hex(), grown.tree.root().hex())


def _good_document(row: SealRow) -> SealDocument:
    """A seal that the next one can follow."""
    try:
        document = row.document()
    except msgspec.DecodeError as error:
        raise LedgerAltered(f"The row of seal {row.number} is no seal: {error}") from error
    if not has_good_signature(document) or root_of_lanes(document.lanes) != document.seal.root:
        raise LedgerAltered(f"The row of seal {row.number} is not what was signed.")
    return document


def _is_due(last: SealDocument, now: int, lanes: list[Lane], *, forced: bool) -> bool:
    if now // MICROSECONDS_PER_DAY > last.seal.sealed_at // MICROSECONDS_PER_DAY:
        return True
    return forced and sum(lane.next_sequence - 1 for lane in lanes) != last.seal.recorded
