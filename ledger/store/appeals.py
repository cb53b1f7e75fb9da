"""Appeals: a member's own words against a claw-back or a freeze, and what staff answered, by the member's public id."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from ledger.errors import AppealDecided, NotAppealable, NotFound
from ledger.ids import Place
from ledger.rules.journal import TransactionKind
from ledger.store.member_selves import MemberSelf, lock_member

AppealAbout = Literal["points", "freeze"]
AppealState = Literal["open", "upheld", "rejected"]
Verdict = Literal["upheld", "rejected"]

MOST_CHARACTERS = 1_500
"""How long grounds and answers may be."""

_COLUMNS = """
appeal_id, public_id, lane, sequence, about, state, grounds, appealed_at, decided_at, decided_by, answer, approval_id
"""
_ADD = f"""
insert into appeals (appeal_id, public_id, lane, sequence, about, grounds, appealed_at)
values (%s, %s, %s, %s, %s, %s, ledger_now())
on conflict (lane, sequence) where state = 'open' do nothing
returning {_COLUMNS}
"""
_READ = f"select {_COLUMNS} from appeals where appeal_id = %s"
_LOCK = f"{_READ} for update"
_LIST_OF_MEMBER = f"select {_COLUMNS} from appeals where public_id = any(%s) order by appealed_at desc, appeal_id desc"
_LIST_OPEN = f"""
select {_COLUMNS} from appeals
where state = 'open' and (extract(epoch from appealed_at) * 1000000, appeal_id) > (%(after)s, %(after_id)s)
order by appealed_at, appeal_id limit %(limit)s
"""
_LIST_DECIDED = f"""
select {_COLUMNS} from appeals
where state <> 'open'
  and (%(after)s = 0 or (extract(epoch from appealed_at) * 1000000, appeal_id) < (%(after)s, %(after_id)s))
order by appealed_at desc, appeal_id desc limit %(limit)s
"""
_DECIDE = """
update appeals set state = %s, decided_at = ledger_now(), decided_by = %s, answer = %s where appeal_id = %s
"""
_NOTE_PROPOSAL = "update appeals set approval_id = %s where appeal_id = %s"
_COUNT_OPEN = "select count(*), min(appealed_at) from appeals where state = 'open'"
_ERASE = "delete from appeals where public_id = any(%s)"
# The latest freeze or unfreeze of a member in a lane says whether a freeze stands.
_FIND_FREEZE = """
select sequence, kind from transactions where lane = %s and member = %s and kind in (14, 15)
order by sequence desc limit 1
"""


class Appeal(msgspec.Struct, frozen=True, kw_only=True):
    """An appeal and its answer; instants are microseconds since 1970 UTC.

    ``place`` is that of the transaction appealed against, ``approval_id`` that of an adjustment proposed because of it.
    """

    appeal_id: UUID
    public_id: UUID
    place: Place
    about: AppealAbout
    state: AppealState
    grounds: str
    appealed_at: int
    decided_at: int | None
    decided_by: str | None
    answer: str | None
    approval_id: UUID | None


class OpenAppeals(msgspec.Struct, frozen=True):
    """How many appeals wait for an answer, and since when the oldest does."""

    count: int
    oldest_at: int | None


async def add_appeal(
    connection: AsyncConnection, appeal_id: UUID, of: MemberSelf, place: Place, about: AppealAbout, grounds: str
) -> Appeal:
    """Add an appeal of a member; runs inside a unit of work. Raises NotAppealable where one is open already.

    It is raised for a member that has left, too: nothing can be given back to it, and what it wrote would stay.

    That the transaction at ``place`` may be appealed against is for the caller to know.
    """
    if await lock_member(connection, of.place) not in {"active", "frozen"}:
        raise NotAppealable("The account is closed.")
    parameters = [appeal_id, of.public_id, place.lane, place.number, about, grounds]
    row = await (await connection.execute(_ADD, parameters)).fetchone()
    if row is None:
        raise NotAppealable("An appeal against it is open already.")
    return _appeal(row)


async def find_freeze(connection: AsyncConnection, selves: Sequence[MemberSelf]) -> Place | None:
    """The freeze that stands on a member's account; None where it is not frozen."""
    for one in selves:
        row = await (await connection.execute(_FIND_FREEZE, [one.place.lane, one.place.number])).fetchone()
        if row is not None:
            return Place(one.place.lane, row[0]) if row[1] == TransactionKind.FREEZE else None
    return None


async def read_appeal(connection: AsyncConnection, appeal_id: UUID) -> Appeal:
    """Read an appeal; raises NotFound."""
    return _found(await (await connection.execute(_READ, [appeal_id])).fetchone())


async def list_appeals_of(connection: AsyncConnection, public_ids: Sequence[UUID]) -> list[Appeal]:
    """All appeals of a member under its public ids, newest first."""
    cursor = await connection.execute(_LIST_OF_MEMBER, [list(public_ids)])
    return [_appeal(row) for row in await cursor.fetchall()]


async def list_open_appeals(connection: AsyncConnection, *, after: tuple[int, UUID], limit: int) -> list[Appeal]:
    """Appeals that wait, the oldest first, after one that was made at an instant, by its id."""
    parameters = {"after": after[0], "after_id": after[1], "limit": limit}
    return [_appeal(row) for row in await (await connection.execute(_LIST_OPEN.encode(), parameters)).fetchall()]


async def list_decided_appeals(connection: AsyncConnection, *, after: tuple[int, UUID], limit: int) -> list[Appeal]:
    """Appeals that were answered, the newest first, after one that was made at an instant (0: from the newest)."""
    parameters = {"after": after[0], "after_id": after[1], "limit": limit}
    return [_appeal(row) for row in await (await connection.execute(_LIST_DECIDED.encode(), parameters)).fetchall()]


async def read_open_appeals(connection: AsyncConnection) -> OpenAppeals:
    """How many wait, and how long."""
    [row] = await (await connection.execute(_COUNT_OPEN)).fetchall()
    return OpenAppeals(*row)


async def decide_appeal(
    connection: AsyncConnection, appeal_id: UUID, person: str, verdict: Verdict, answer: str
) -> Appeal:
    """Answer an appeal; runs inside a unit of work. Raises NotFound, and AppealDecided for one that was answered."""
    appeal = await lock_appeal(connection, appeal_id)
    if appeal.state != "open":
        raise AppealDecided(f"It was decided before: it is {appeal.state}.", state=appeal.state)
    await connection.execute(_DECIDE, [verdict, person, answer, appeal_id])
    return await read_appeal(connection, appeal_id)


async def lock_appeal(connection: AsyncConnection, appeal_id: UUID) -> Appeal:
    """Read an appeal and hold it until the unit of work ends; raises NotFound."""
    return _found(await (await connection.execute(_LOCK, [appeal_id])).fetchone())


async def note_proposal(connection: AsyncConnection, appeal_id: UUID, approval_id: UUID) -> None:
    """Note the adjustment that was proposed because of a locked, upheld appeal."""
    await connection.execute(_NOTE_PROPOSAL, [approval_id, appeal_id])


async def erase_appeals(connection: AsyncConnection, public_ids: Sequence[UUID]) -> None:
    """Erase a member's appeals with their answers; runs inside a unit of work."""
    await connection.execute(_ERASE, [list(public_ids)])


def _found(row: TupleRow | None) -> Appeal:
    if row is None:
        raise NotFound("No appeal has this id.")
    return _appeal(row)


def _appeal(row: TupleRow) -> Appeal:
    appeal_id, public_id, lane, sequence, about, state, grounds, *rest = row
    appealed_at, decided_at, decided_by, answer, approval_id = rest
    return Appeal(
        appeal_id=appeal_id,
        public_id=public_id,
        place=Place(lane, sequence),
        about=about,
        state=state,
        grounds=grounds,
        appealed_at=appealed_at,
        decided_at=decided_at,
        decided_by=decided_by,
        answer=answer,
        approval_id=approval_id,
    )
