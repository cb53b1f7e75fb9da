"""Rows of proposals: what one person asks to change and another decides."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from ledger.rules.business_day import to_datetime

Operation = Literal["terms", "adjustment", "reserve", "account", "limit", "period", "exchange-rate"]

_COLUMNS = """
proposal, programme, operation, request, reason, proposed_by, proposed_at, decided_by, decided_at, decision_reason,
outcome, state
"""
_ADD = """
insert into settlement_proposals (proposal, programme, operation, request, reason, proposed_by, proposed_at)
values (%s, %s, %s, %s, %s, %s, %s)
"""
_READ = f"select {_COLUMNS} from settlement_proposals where proposal = %s"
_LIST = f"""
select {_COLUMNS} from settlement_proposals
where (%(state)s::text is null or state = %(state)s)
  and (%(programme)s::integer is null or programme = %(programme)s)
  and (%(after)s::uuid is null or (proposed_at, proposal) < (
    select proposed_at, proposal from settlement_proposals where proposal = %(after)s))
order by proposed_at desc, proposal desc limit %(limit)s
"""
_LIST_APPROVED = """
select request from settlement_proposals
where programme = %s and operation = %s and state = 'approved' order by decision
"""
_LIST_WAITING = f"""
select {_COLUMNS} from settlement_proposals
where programme = %s and operation = %s and state = 'waiting' order by proposed_at, proposal
"""
_DECIDE = """
update settlement_proposals
set
    state = %s, decided_by = %s, decided_at = %s, decision_reason = %s, outcome = %s,
    decision = (select coalesce(max(decision), 0) + 1 from settlement_proposals)
where proposal = %s
"""


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A change that one person proposes; ``request`` is its JSON. Instants are microseconds since 1970 UTC."""

    proposal: UUID
    programme: int
    operation: Operation
    request: bytes
    reason: str
    proposed_by: str
    proposed_at: int
    decided_by: str | None = None
    decided_at: int | None = None
    decision_reason: str | None = None
    outcome: str | None = None
    state: str = "waiting"


_FIELDS = Proposal.__struct_fields__


async def add_proposal(connection: AsyncConnection, proposal: Proposal) -> None:
    """Keep what is proposed."""
    values = [getattr(proposal, field) for field in _FIELDS[:6]]
    await connection.execute(_ADD, [*values, to_datetime(proposal.proposed_at)])


async def read_proposal(connection: AsyncConnection, proposal: UUID) -> Proposal | None:
    """A proposal by its id."""
    row = await (await connection.execute(_READ, [proposal])).fetchone()
    return None if row is None else _proposal(row)


async def list_proposals(
    connection: AsyncConnection,
    state: str | None,
    limit: int,
    after: str | None = None,
    programme: int | None = None,
) -> list[Proposal]:
    """The latest proposals, the last first: in a state, of a programme, after one, where these are named."""
    sent = {"state": state, "limit": limit, "after": after, "programme": programme}
    cursor = await connection.execute(_LIST, sent)
    return [_proposal(row) for row in await cursor.fetchall()]


async def list_approved(connection: AsyncConnection, programme: int, operation: Operation) -> list[bytes]:
    """The requests of a kind that were approved, in the order they were."""
    cursor = await connection.execute(_LIST_APPROVED, [programme, operation])
    return [bytes(request) for (request,) in await cursor.fetchall()]


async def list_waiting(connection: AsyncConnection, programme: int, operation: Operation) -> list[Proposal]:
    """The proposals of a kind that nobody has decided, the oldest first."""
    cursor = await connection.execute(_LIST_WAITING, [programme, operation])
    return [_proposal(row) for row in await cursor.fetchall()]


async def decide_proposal(connection: AsyncConnection, proposal: Proposal) -> None:
    """Keep who decided a proposal, when, why, and what came of it, after all that was decided before.

    Inside a unit of work that holds the clearing lane. The order is a number, since a sandbox's clock may stand still.
    """
    decided_at = None if proposal.decided_at is None else to_datetime(proposal.decided_at)
    values = [proposal.state, proposal.decided_by, decided_at, proposal.decision_reason, proposal.outcome]
    await connection.execute(_DECIDE, [*values, proposal.proposal])


def _proposal(row: Sequence[object]) -> Proposal:
    return Proposal(**dict(zip(_FIELDS, row, strict=True)))  # type: ignore[arg-type]
