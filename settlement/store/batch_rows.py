"""Rows of batches: documents, days, states and who brought them there; and balances of money."""

from collections.abc import Sequence
from datetime import date

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from ledger.rules.business_day import to_datetime
from settlement.batches import Batch, BatchInputs, PartyPlace, Step
from settlement.figures import BatchFigures
from settlement.netting import PartyBalances, is_of_party

_COLUMNS = "batch, programme, first_day, last_day, revision, state, digest, inputs, figures, sequence"
_READ = f"select {_COLUMNS} from settlement_batches where batch = %s"
_READ_UNAPPROVED = f"""
select {_COLUMNS} from settlement_batches where programme = %s and state in ('draft', 'submitted')
"""
_READ_OF_DAY = f"""
select {_COLUMNS} from settlement_batches
where batch = (select batch from settlement_batch_days where programme = %s and day = %s and not is_freed)
"""
_READ_LAST_APPROVED = f"""
select {_COLUMNS} from settlement_batches
where programme = %s and state not in ('draft', 'submitted', 'cancelled') order by last_day desc limit 1
"""
_READ_NOT_INSTRUCTED = "select batch from settlement_batches where programme = %s and state = 'approved'"
_LIST = """
select batch, state from settlement_batches
where programme = %(programme)s and (%(after)s::text is null or (last_day, revision) < (
    select last_day, revision from settlement_batches where batch = %(after)s))
order by last_day desc, revision desc limit %(limit)s
"""
_READ_STEPS = "select state, person, at, reason from settlement_batch_steps where batch = %s order by step"
_READ_WAITING_DAYS = """
select d.day from settlement_days d
where d.programme = %s and d.day <= %s and not exists(
    select from settlement_batch_days b where b.programme = d.programme and b.day = d.day and not b.is_freed)
order by d.day
"""
_READ_REVISIONS = "select count(*) from settlement_batches where programme = %s and last_day = %s"
_ADD = f"""
insert into settlement_batches ({_COLUMNS}) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, null)
"""
_ADD_DAY = "insert into settlement_batch_days (batch, programme, day) values (%s, %s, %s)"
_FREE_DAYS = "update settlement_batch_days set is_freed = true where batch = %s"
_ADD_STEP = """
insert into settlement_batch_steps (batch, step, state, person, at, reason)
select %(batch)s, count(*) + 1, %(state)s, %(person)s, %(at)s, %(reason)s
from settlement_batch_steps where batch = %(batch)s
"""
_SET_STATE = "update settlement_batches set state = %s, sequence = coalesce(%s, sequence) where batch = %s"
_READ_BALANCES = "select account, party, currency, balance_minor from money_balances where programme = %s"

_decode_inputs = msgspec.json.Decoder(BatchInputs).decode
_decode_figures = msgspec.json.Decoder(BatchFigures).decode


async def read_batch(connection: AsyncConnection, batch: str) -> Batch | None:
    """A batch by its name."""
    return await _one(connection, _READ, [batch])


async def read_unapproved(connection: AsyncConnection, programme: int) -> Batch | None:
    """The programme's batch that is not approved yet, if there is one."""
    return await _one(connection, _READ_UNAPPROVED, [programme])


async def read_batch_of_day(connection: AsyncConnection, programme: int, day: date) -> Batch | None:
    """The batch that a day is settled in."""
    return await _one(connection, _READ_OF_DAY, [programme, day])


async def read_last_approved(connection: AsyncConnection, programme: int) -> Batch | None:
    """The latest batch that was approved: what it closed with is where the next begins."""
    return await _one(connection, _READ_LAST_APPROVED, [programme])


async def read_not_instructed(connection: AsyncConnection, programme: int) -> str | None:
    """A batch that was approved and whose payments are not instructed."""
    row = await (await connection.execute(_READ_NOT_INSTRUCTED, [programme])).fetchone()
    return None if row is None else str(row[0])


async def list_batches(
    connection: AsyncConnection, programme: int, limit: int, after: str | None = None
) -> list[tuple[str, str]]:
    """The latest batches with their states, the last first; those that come after one in this order."""
    sent = {"programme": programme, "limit": limit, "after": after}
    return await (await connection.execute(_LIST, sent)).fetchall()


async def read_waiting_days(connection: AsyncConnection, programme: int, through: date) -> list[date]:
    """Closed days, up to one, that are in no batch."""
    cursor = await connection.execute(_READ_WAITING_DAYS, [programme, through])
    return [day for (day,) in await cursor.fetchall()]


async def count_revisions(connection: AsyncConnection, programme: int, last_day: date) -> int:
    """How many batches ended with a day so far, cancelled ones too."""
    [(count,)] = await (await connection.execute(_READ_REVISIONS, [programme, last_day])).fetchall()
    return int(count)


async def add_batch(connection: AsyncConnection, batch: Batch, inputs: bytes, figures: bytes) -> None:
    """Keep a draft with its documents and days; raises UniqueViolation where another was first."""
    days = [batch.programme, batch.first_day, batch.last_day, batch.revision]
    await connection.execute(_ADD, [batch.id, *days, batch.state, batch.digest, inputs, figures])
    for day in batch.inputs.days:
        await connection.execute(_ADD_DAY, [batch.id, batch.programme, day])


async def add_step(connection: AsyncConnection, batch: Batch, step: Step, sequence: int | None = None) -> None:
    """Bring a batch into a state, and keep who did it."""
    await connection.execute(_SET_STATE, [step.state, sequence, batch.id])
    await note_step(connection, batch.id, step)


async def note_step(connection: AsyncConnection, batch: str, step: Step) -> None:
    """Keep who brought a batch into a state."""
    values = {"batch": batch, "state": step.state, "person": step.person, "reason": step.reason}
    await connection.execute(_ADD_STEP, values | {"at": to_datetime(step.at)})


async def free_days(connection: AsyncConnection, batch: str) -> None:
    """Let a cancelled batch's days be settled by another."""
    await connection.execute(_FREE_DAYS, [batch])


async def read_balances(connection: AsyncConnection, programme: int) -> dict[tuple[int, int, str], int]:
    """Balances of money, debits less credits, by account, party and currency."""
    rows = await (await connection.execute(_READ_BALANCES, [programme])).fetchall()
    return {(account, party, currency): balance for account, party, currency, balance in rows}


def party_balances(balances: dict[tuple[int, int, str], int]) -> dict[PartyPlace, PartyBalances]:
    """What stands between each party and the operator, by currency."""
    found: dict[PartyPlace, PartyBalances] = {}
    for (account, party, currency), balance in balances.items():
        if is_of_party(account, party):
            found.setdefault((party, currency), PartyBalances()).add(account, balance)
    return found


async def _one(connection: AsyncConnection, query: str, parameters: Sequence[object]) -> Batch | None:
    row = await (await connection.execute(query.encode(), parameters)).fetchone()
    return None if row is None else await _batch(connection, row)


async def _batch(connection: AsyncConnection, row: TupleRow) -> Batch:
    name, programme, first_day, last_day, revision, state, digest, inputs, figures, sequence = row
    steps = await (await connection.execute(_READ_STEPS, [name])).fetchall()
    return Batch(
        id=name,
        programme=programme,
        first_day=first_day,
        last_day=last_day,
        revision=revision,
        state=state,
        digest=digest,
        inputs=_decode_inputs(inputs),
        figures=_decode_figures(figures),
        sequence=sequence,
        steps=tuple(Step(*step) for step in steps),
    )
