"""Reading and adding epochs, and where each begins in each lane."""

import msgspec
from psycopg import AsyncConnection

from ledger.rules.business_day import to_datetime
from ledger.rules.epochs import SupersededSeal, decode_superseded, encode_superseded
from ledger.store.event_ranges import Positions

_COLUMNS = "number, identity, reason, started_at, restored_to, lost_until, superseded_seals"
_READ_ALL = f"select {_COLUMNS} from epochs order by number"
_FIND = f"select {_COLUMNS} from epochs where identity = %b"
# Where another process takes the number or adds the same epoch at the same time, nothing is added here.
_ADD = """
insert into epochs (number, identity, reason, restored_to, lost_until, superseded_seals)
select coalesce(max(number), 0) + 1, %b, %s, %s, %s, %b from epochs
on conflict do nothing
"""
# Beside the journal's own record of it, in the unit of work of the lane.
INSERT_STARTS = "insert into epoch_starts (sequence, epoch, lane) select * from unnest(%b, %b, %b)"
_LANES_WITHOUT = """
select l.lane from lanes l
where not exists (select from epoch_starts s where s.lane = l.lane and s.epoch = %s) order by l.lane
"""
# What each lane held before an epoch began in it; of a lane in which it has still to begin, all that is there.
_BEFORE = """
select coalesce(s.sequence, l.next_sequence) - 1
from lanes l left join epoch_starts s on s.lane = l.lane and s.epoch = %s order by l.lane
"""

TRIES = 10
"""How often an epoch is added anew because another process took its number."""


class Epoch(msgspec.Struct, frozen=True, kw_only=True):
    """An epoch as its row has it.

    Instants are microseconds since 1970 UTC: ``restored_to`` is the last commit that the restored ledger has,
    ``lost_until`` the end of the time in which commits may be lost; None where it is not known.
    """

    number: int
    identity: bytes
    reason: str
    started_at: int
    restored_to: int | None
    lost_until: int | None
    superseded_seals: tuple[SupersededSeal, ...]


class NewEpoch(msgspec.Struct, frozen=True, kw_only=True):
    """An epoch to be added; fields as of ``Epoch``."""

    identity: bytes
    reason: str
    restored_to: int | None = None
    lost_until: int | None = None
    superseded_seals: tuple[SupersededSeal, ...] = ()


async def read_epochs(connection: AsyncConnection) -> list[Epoch]:
    """Read all epochs in order; raises msgspec.DecodeError where a row's superseded seals are none."""
    cursor = await connection.execute(_READ_ALL)
    return [_epoch(row) for row in await cursor.fetchall()]


async def find_epoch(connection: AsyncConnection, identity: bytes) -> Epoch | None:
    """Find an epoch by its identity."""
    cursor = await connection.execute(_FIND, [identity])
    row = await cursor.fetchone()
    return None if row is None else _epoch(row)


async def add_epoch(connection: AsyncConnection, new: NewEpoch) -> Epoch | None:
    """Add the next epoch, or find the one of that identity; None where others took its number each time."""
    parameters = [
        new.identity,
        new.reason,
        None if new.restored_to is None else to_datetime(new.restored_to),
        None if new.lost_until is None else to_datetime(new.lost_until),
        encode_superseded(new.superseded_seals),
    ]
    for _ in range(TRIES):
        found = await find_epoch(connection, new.identity)
        if found is not None:
            return found
        await connection.execute(_ADD, parameters)
    return await find_epoch(connection, new.identity)


async def read_lanes_without(connection: AsyncConnection, number: int) -> list[int]:
    """The lanes in which an epoch has still to begin."""
    cursor = await connection.execute(_LANES_WITHOUT, [number])
    return [lane for (lane,) in await cursor.fetchall()]


async def read_positions_before(connection: AsyncConnection, number: int) -> Positions:
    """The positions, in each lane, after all that was there before an epoch began."""
    cursor = await connection.execute(_BEFORE, [number])
    return tuple(sequence for (sequence,) in await cursor.fetchall())


def _epoch(row: tuple[int, bytes, str, int, int | None, int | None, bytes]) -> Epoch:
    number, identity, reason, started_at, restored_to, lost_until, superseded = row
    return Epoch(
        number=number,
        identity=identity,
        reason=reason,
        started_at=started_at,
        restored_to=restored_to,
        lost_until=lost_until,
        superseded_seals=decode_superseded(superseded),
    )
