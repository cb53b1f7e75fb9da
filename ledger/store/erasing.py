"""Erasing a member: everything that says who the person is goes, in steps that can be done again.

What stays is the journal, which names nobody: amounts, times, and salted commitments of the text that is
gone. The member's id stays as well, so that every repeated request is still answered and the auditor finds
the member. A row in ``erasures`` proves that it was done.
"""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from ledger.errors import MemberNotClosed
from ledger.store.appeals import erase_appeals
from ledger.store.approvals import erase_corrections
from ledger.store.arrays import Bigints, Smallints
from ledger.store.member_selves import MemberSelf, lock_member
from ledger.store.members import Member
from ledger.store.registry import raise_registry_version
from ledger.store.sessions import end_sessions_of
from ledger.store.unit_of_work import unit_of_work

Eraser = Literal["member", "operator", "support"]
ErasureReason = Literal["member-asked", "guardian-asked", "no-longer-needed", "legal-duty"]

TEXTS_PER_STEP = 1_000

_PROVE = """
insert into erasures (public_id, erased_at, erased_by, reason) values (%s, ledger_now(), %s, %s)
on conflict do nothing
"""
_FIND_PROOF = "select public_id, erased_at, erased_by, reason from erasures where public_id = %s"
_ERASE_PERSONAL_DATA = "delete from personal_data where public_id = any(%s)"
_ERASE_CONSENTS = "delete from consents where public_id = any(%s)"

# Ids stay; row level security would keep them anyway.
_ERASE_NAMES = """
delete from member_names n using unnest(%b, %b) as self(lane, member)
where n.lane = self.lane and n.member = self.member and n.kind in ('reference', 'card')
"""

# Some of the free text of a member's transactions, from a sequence on.
_ERASE_TEXTS = """
with next_texts as (
    select d.lane, d.sequence
    from transactions t join details d on d.lane = t.lane and d.sequence = t.sequence
    where t.lane = %s and t.member = %s and t.sequence > %s
    order by t.sequence limit %s
)
delete from details d using next_texts t where d.lane = t.lane and d.sequence = t.sequence
returning d.sequence
"""
_ERASE_TOKENS = """
delete from member_tokens t using unnest(%b, %b) as self(lane, member)
where t.lane = self.lane and t.member = self.member
"""


_ERASE_CODES = """
delete from member_codes c using unnest(%b, %b) as self(lane, member)
where c.lane = self.lane and c.member = self.member
"""


class Erasure(msgspec.Struct, frozen=True):
    """The proof of an erasure; ``erased_at`` is in microseconds since 1970 UTC."""

    public_id: UUID
    erased_at: int
    erased_by: Eraser
    reason: ErasureReason


async def begin_erasure(
    connection: AsyncConnection, selves: Sequence[MemberSelf], erased_by: Eraser, reason: ErasureReason
) -> tuple[Erasure, bool]:
    """Erase what the vault holds and every name but the id; runs inside a unit of work.

    ``selves``: the member's, the present one first. Returns the proof, and True when this is the first
    time. Raises MemberNotClosed while points could still be earned or used. ``finish_erasure`` follows.
    """
    present = selves[0]
    status = await lock_member(connection, present.place)
    if status != "closed":
        msg = "Close the member first: what is erased cannot be served any more."
        raise MemberNotClosed(msg, member_status=status)
    cursor = await connection.execute(_PROVE, [present.public_id, erased_by, reason])
    is_new = cursor.rowcount == 1
    public_ids = list({this.public_id for this in selves})
    await connection.execute(_ERASE_PERSONAL_DATA, [public_ids])
    await connection.execute(_ERASE_CONSENTS, [public_ids])
    await erase_appeals(connection, public_ids)
    await erase_corrections(connection, public_ids)
    await connection.execute(_ERASE_NAMES, _places(selves))
    cursor = await connection.execute(_FIND_PROOF, [present.public_id])
    [row] = await cursor.fetchall()
    # Every process forgets the names that it remembers.
    await raise_registry_version(connection)
    return Erasure(*row), is_new


async def finish_erasure(pool: AsyncConnectionPool[AsyncConnection], selves: Sequence[MemberSelf]) -> None:
    """Erase the free text of all transactions, in steps of one unit of work each; at last tokens, codes, sessions.

    Stopped in the middle, it goes on where it stood when it is called again; done, it does nothing. Why
    they go last: with one of them the member itself can ask again.
    """
    for this in selves:
        after: int | None = 0
        while after is not None:
            async with pool.connection() as connection, unit_of_work(connection):
                after = await _erase_some_texts(connection, this.place, after)
    async with pool.connection() as connection, unit_of_work(connection):
        await connection.execute(_ERASE_TOKENS, _places(selves))
        await connection.execute(_ERASE_CODES, _places(selves))
        await end_sessions_of(connection, [str(this.public_id) for this in selves])
        await raise_registry_version(connection)


async def _erase_some_texts(connection: AsyncConnection, place: Member, after: int) -> int | None:
    """Erase texts after a sequence; returns where to go on, None where none are left."""
    cursor = await connection.execute(_ERASE_TEXTS, [place.lane, place.number, after, TEXTS_PER_STEP])
    erased = [row[0] for row in await cursor.fetchall()]
    return max(erased) if len(erased) == TEXTS_PER_STEP else None


def _places(selves: Sequence[MemberSelf]) -> list[bytes]:
    return [
        Smallints.of([this.place.lane for this in selves]),
        Bigints.of([this.place.number for this in selves]),
    ]
