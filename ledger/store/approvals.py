"""Approvals: corrections that one person of staff asks for and another decides.

What is asked for is kept as a JSON document. Its free text is only there as long as somebody has to read it:
once the correction is posted, its reason lies with the transaction, where it can be erased.
"""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from ledger.errors import ApprovalDecided, NotFound, SecondPersonRequired
from ledger.ids import Place

ApprovalOperation = Literal["adjust", "write-off"]
ApprovalState = Literal["waiting", "approved", "posted", "refused", "rejected"]

_COLUMNS = """
approval_id, operation, request, requested_by, requested_at, decided_by, decided_at, state, lane, sequence
"""
_ADD = f"""
insert into approvals (approval_id, operation, request, requested_by) values (%s, %s, %s, %s)
returning {_COLUMNS}
"""
_READ = f"select {_COLUMNS} from approvals where approval_id = %s"
_LOCK = f"{_READ} for update"
_LIST = f"""
select {_COLUMNS} from approvals
where (%(state)s::text is null or state = %(state)s)
  and (extract(epoch from requested_at) * 1000000, approval_id) > (%(after)s, %(after_id)s)
order by requested_at, approval_id limit %(limit)s
"""
_DECIDE = """
update approvals set state = %s, decided_by = %s, decided_at = clock_timestamp(), request = %s where approval_id = %s
"""
_END = """
update approvals set state = %s, request = %s, lane = %s, sequence = %s where approval_id = %s and state = 'approved'
"""
_ERASE = """
update approvals set request = null
where request is not null and convert_from(request, 'UTF8')::jsonb ->> 'member' = any(%s)
"""


class Correction(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is asked for. ``member`` is a public id, ``points`` all that is owed where a write-off names none."""

    programme: str
    member: str
    partner: str | None = None
    points: int | None = None
    takes: bool = False
    reason: str | None = None
    rejection_reason: str | None = None


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """A correction that waits, or what became of it; instants are microseconds since 1970 UTC.

    ``correction`` is None once it was erased with its member's data; ``place`` that of what was posted.
    """

    approval_id: UUID
    operation: ApprovalOperation
    correction: Correction | None
    requested_by: str
    requested_at: int
    decided_by: str | None
    decided_at: int | None
    state: ApprovalState
    place: Place | None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Correction).decode


async def add_approval(
    connection: AsyncConnection,
    approval_id: UUID,
    operation: ApprovalOperation,
    correction: Correction,
    requested_by: str,
) -> Approval:
    """Add a correction that waits for a second person; runs inside a unit of work."""
    parameters = [approval_id, operation, _encode(correction), requested_by]
    [row] = await (await connection.execute(_ADD, parameters)).fetchall()
    return _approval(row)


async def read_approval(connection: AsyncConnection, approval_id: UUID) -> Approval:
    """Read an approval; raises NotFound."""
    return _found(await (await connection.execute(_READ, [approval_id])).fetchone())


async def list_approvals(
    connection: AsyncConnection, *, state: ApprovalState | None, after: tuple[int, UUID], limit: int
) -> list[Approval]:
    """Read approvals, the oldest first, after one that was asked for at an instant, by its id."""
    parameters = {"state": state, "after": after[0], "after_id": after[1], "limit": limit}
    return [_approval(row) for row in await (await connection.execute(_LIST.encode(), parameters)).fetchall()]


async def approve(connection: AsyncConnection, approval_id: UUID, person: str) -> None:
    """Let a second person approve what waits; what is approved already stays so. Runs inside a unit of work.

    Raises NotFound, SecondPersonRequired, and ApprovalDecided for what was rejected.
    """
    approval = await _lock(connection, approval_id, person)
    if approval.state == "rejected":
        raise ApprovalDecided("It was rejected.", state=approval.state)
    if approval.state == "waiting":
        await connection.execute(_DECIDE, ["approved", person, _document(approval.correction), approval_id])


async def reject(connection: AsyncConnection, approval_id: UUID, person: str, reason: str) -> Approval:
    """Let a second person reject what waits; runs inside a unit of work.

    Raises NotFound, SecondPersonRequired, and ApprovalDecided for what was decided before.
    """
    approval = await _lock(connection, approval_id, person)
    if approval.state != "waiting":
        raise ApprovalDecided(f"It was decided before: it is {approval.state}.", state=approval.state)
    correction = approval.correction and replace(approval.correction, reason=None, rejection_reason=reason)
    await connection.execute(_DECIDE, ["rejected", person, _document(correction), approval_id])
    return await read_approval(connection, approval_id)


async def end_approval(connection: AsyncConnection, approval: Approval, place: Place | None) -> None:
    """Note where an approved correction was posted, None where a rule refused it, and drop its reason.

    Runs inside a unit of work; again it changes nothing.
    """
    state = "refused" if place is None else "posted"
    lane, sequence = place or (None, None)
    correction = approval.correction and replace(approval.correction, reason=None)
    await connection.execute(_END, [state, _document(correction), lane, sequence, approval.approval_id])


async def erase_corrections(connection: AsyncConnection, public_ids: Sequence[UUID]) -> None:
    """Erase what was asked for of members; who decided and what was posted stay. Runs inside a unit of work."""
    await connection.execute(_ERASE, [[str(public_id) for public_id in public_ids]])


async def _lock(connection: AsyncConnection, approval_id: UUID, person: str) -> Approval:
    approval = _found(await (await connection.execute(_LOCK, [approval_id])).fetchone())
    if approval.requested_by == person:
        raise SecondPersonRequired("You asked for it: another person decides.")
    return approval


def _found(row: TupleRow | None) -> Approval:
    if row is None:
        raise NotFound("No approval has this id.")
    return _approval(row)


def _approval(row: TupleRow) -> Approval:
    approval_id, operation, request, requested_by, requested_at, decided_by, decided_at, state, lane, sequence = row
    return Approval(
        approval_id=approval_id,
        operation=operation,
        correction=None if request is None else _decode(request),
        requested_by=requested_by,
        requested_at=requested_at,
        decided_by=decided_by,
        decided_at=decided_at,
        state=state,
        place=None if lane is None else Place(lane, sequence),
    )


def _document(correction: Correction | None) -> bytes | None:
    return None if correction is None else _encode(correction)
