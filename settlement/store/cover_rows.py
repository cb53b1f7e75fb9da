"""Rows of movements that covers wait for, and of notices that are overdue."""

from datetime import date

import msgspec
from psycopg import AsyncConnection

_ADD = """
insert into cover_movements (movement, programme, partner, amount) values (%s, %s, %s, %s) on conflict do nothing
"""
_READ_WAITING = """
select movement, programme, partner, amount, attempt from cover_movements where not is_posted order by movement
"""
_POSTED = "update cover_movements set is_posted = true where movement = %s"
_NEXT_ATTEMPT = "update cover_movements set attempt = attempt + 1 where movement = %s and attempt = %s"
_OVERDUE = """
select distinct programme, party from payment_notices
where state = 'open' and programme = %s and due_on < %s
"""
_SUSPENDED = """
select partner from programme_partners where programme = %s and suspension_reason = %s
"""


class CoverMovement(msgspec.Struct, frozen=True):
    """What is to be added to an issuer's cover, or taken from it below zero, in 1/10,000 of the currency.

    ``attempt`` counts refusals: more was in use than could be taken.
    """

    movement: str
    programme: int
    partner: int
    amount: int
    attempt: int


async def add_movement(connection: AsyncConnection, movement: str, programme: int, partner: int, amount: int) -> None:
    """Keep a movement to be posted; again it is the same one."""
    await connection.execute(_ADD, [movement, programme, partner, amount])


async def read_waiting(connection: AsyncConnection) -> list[CoverMovement]:
    """Movements that are not posted yet."""
    return [CoverMovement(*row) for row in await (await connection.execute(_READ_WAITING)).fetchall()]


async def note_posted(connection: AsyncConnection, movement: CoverMovement) -> None:
    """Note that a movement is in the journal."""
    await connection.execute(_POSTED, [movement.movement])


async def note_refused(connection: AsyncConnection, movement: CoverMovement) -> None:
    """Let a movement that was refused be tried under another key."""
    await connection.execute(_NEXT_ATTEMPT, [movement.movement, movement.attempt])


async def read_overdue(connection: AsyncConnection, programme: int, today: date) -> set[int]:
    """The parties of a programme with a notice that is past its due date."""
    return {party for _, party in await (await connection.execute(_OVERDUE, [programme, today])).fetchall()}


async def read_suspended(connection: AsyncConnection, programme: int, reason: str) -> set[int]:
    """The issuers of a programme that are suspended for a reason."""
    return {partner for (partner,) in await (await connection.execute(_SUSPENDED, [programme, reason])).fetchall()}
