"""Erasing a member from beginning to end, whoever asks for it."""

from uuid import UUID

from api.wiring import Wiring
from ledger.store.erasing import Eraser, ErasureReason, begin_erasure, finish_erasure
from ledger.store.member_selves import read_selves
from ledger.store.members import Member, find_members, name_digest
from ledger.store.unit_of_work import unit_of_work


async def erase_member(wiring: Wiring, member: Member, erased_by: Eraser, reason: ErasureReason) -> None:
    """Erase everything that says who a closed member is; stopped in the middle, it goes on when it is called again.

    Raises MemberNotClosed.
    """
    async with wiring.engine.pool.connection() as connection, unit_of_work(connection):
        selves = await read_selves(connection, member)
        erasure, _ = await begin_erasure(connection, selves, erased_by, reason)
    await finish_erasing(wiring, erasure.public_id)


async def finish_erasing(wiring: Wiring, public_id: UUID) -> None:
    """Erase what is left of an erased member. By its id: other names of it may be erased by now."""
    digest = name_digest(wiring.engine.key, 0, str(public_id))
    async with wiring.engine.pool.connection() as connection:
        found = await find_members(connection, [digest])
        selves = await read_selves(connection, found[digest])
    await finish_erasure(wiring.engine.pool, selves)
    wiring.forget()
