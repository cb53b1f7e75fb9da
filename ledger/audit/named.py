"""Reading what the transactions of a page name: originals, lots, members' ids, approvals.

Of a reversal for a member that the original's own has become, by a merge or a move, also whatever it rests
on in other lanes. Such reversals are rare, so each is read for itself.
"""

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from ledger.audit import queries
from ledger.audit.pages import LotRow, lot_row
from ledger.ids import Place
from ledger.rules.journal import Transaction
from ledger.store.arrays import Bigints


class Original(msgspec.Struct):
    """A transaction that a reversal names, with the lots it gave or took and what it used of caps."""

    lane: int
    sequence: int
    kind: int
    programme: int
    partner: int
    member: int
    points: int
    occurred_at: int
    recorded_at: int
    spend_minor: int | None
    programme_version: int | None
    uses: list[tuple[int, int]] = []
    cap_uses: list[tuple[int, int]] = []

    @property
    def place(self) -> Place:
        """Its lane and sequence."""
        return Place(self.lane, self.sequence)


class EarlierReversal(msgspec.Struct, frozen=True):
    """A reversal of the same original.

    ``moved`` is what it moved back to the original's funding, and ``freed`` the part of it that was free.
    """

    lane: int
    sequence: int
    member: int
    points: int
    spend_minor: int
    moved: int
    freed: int


class Relative(msgspec.Struct, frozen=True):
    """A lot of an earn's family, in whatever lane; ``expired`` is what its row says."""

    lane: int
    lot: int
    sequence: int
    member: int
    expired: int


class LaterReturn(msgspec.Struct, frozen=True):
    """What a reversal for a member that the original's has become rests on.

    ``path`` are the places of the original's member and those that it became, in order. ``earlier`` are the
    reversals of the same original before this one. ``family`` is that of an earn, ``used`` has the lots that
    a redemption used.
    """

    path: list[Place]
    step: int
    earlier: list[EarlierReversal]
    family: list[Relative]
    used: dict[int, LotRow]


async def read_lots(connection: AsyncConnection, lane: int, lots: list[int]) -> list[LotRow]:
    """Read lots by their numbers; unknown ones are left out."""
    cursor = await connection.execute(queries.READ_LOTS, [lane, Bigints.of(lots)])
    return [lot_row(row) for row in await cursor.fetchall()]


async def read_originals(connection: AsyncConnection, lane: int, sequences: list[int]) -> dict[Place, Original]:
    """Read the transactions of a lane that reversals name, with the lots they gave or took."""
    named = [lane, Bigints.of(sequences)]
    async with connection.pipeline():
        of_originals = await connection.execute(queries.READ_ORIGINALS, named)
        of_uses = await connection.execute(queries.READ_USES, named)
        of_caps = await connection.execute(queries.READ_CAP_USES, named)
    originals = {row[1]: Original(*row) for row in await of_originals.fetchall()}
    for sequence, uses in groupby(await of_uses.fetchall(), key=itemgetter(0)):
        if sequence in originals:
            originals[sequence].uses = [(lot, amount) for _, lot, amount in uses]
    for sequence, uses in groupby(await of_caps.fetchall(), key=itemgetter(0)):
        if sequence in originals:
            originals[sequence].cap_uses = [(cap, amount) for _, cap, amount in uses]
    return {original.place: original for original in originals.values()}


async def read_later_return(
    connection: AsyncConnection, reversal: Transaction, original: Original
) -> LaterReturn | None:
    """Read what a reversal rests on; None where its member is none that the original's has become."""
    cursor = await connection.execute(queries.READ_PATH, [original.lane, original.member])
    path = [Place(*row) for row in await cursor.fetchall()]
    present = Place(reversal.lane, reversal.member)
    if present not in path:
        return None
    step = path.index(present)
    cursor = await connection.execute(queries.READ_REVERSALS, [original.lane, original.sequence])
    reversals = [EarlierReversal(*row) for row in await cursor.fetchall()]
    steps = {place: number for number, place in enumerate(path)}
    earlier = [
        other
        for other in reversals
        if (steps.get(Place(other.lane, other.member), step + 1), other.sequence) < (step, reversal.sequence)
    ]
    lots = sorted({lot for lot, _ in original.uses})
    used = {row.opening.lot: row for row in await read_lots(connection, original.lane, lots)}
    cursor = await connection.execute(queries.READ_FAMILY, [original.lane, lots[0] if lots else 0])
    relatives = [Relative(*row) for row in await cursor.fetchall()]
    before = [relative for relative in relatives if steps.get(Place(relative.lane, relative.member), step + 1) <= step]
    return LaterReturn(path, step, earlier, before, used)


async def read_public_ids(connection: AsyncConnection, lane: int, members: list[int]) -> dict[int, str]:
    """Read the public ids of members."""
    cursor = await connection.execute(queries.READ_PUBLIC_IDS, [lane, Bigints.of(members)])
    return dict(await cursor.fetchall())


class Approval(msgspec.Struct, frozen=True):
    """A correction that two persons decide; ``lane`` and ``sequence`` are where it was posted."""

    operation: str
    state: str
    lane: int | None
    sequence: int | None


async def read_approvals(connection: AsyncConnection, approvals: Iterable[str]) -> dict[str, Approval]:
    """Read approvals by their ids; what is no id, or none of an approval, is left out."""
    named = [approval for approval in approvals if _is_id(approval)]
    if not named:
        return {}
    cursor = await connection.execute(queries.READ_APPROVALS, [named])
    return {approval: Approval(*rest) for approval, *rest in await cursor.fetchall()}


class Named(msgspec.Struct, frozen=True):
    """What a page names: originals, what later returns rest on, ids of members, approvals."""

    originals: dict[Place, Original] = {}
    later_returns: dict[int, LaterReturn] = {}
    public_ids: dict[int, str] = {}
    approvals: dict[str, Approval] = {}


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
