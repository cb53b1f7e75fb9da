"""Rows of the money that follows a batch: payments, their files, notices of what is due."""

from collections.abc import Sequence
from datetime import date

import msgspec
from psycopg import AsyncConnection

from ledger.rules.business_day import to_datetime

_PAYMENT = """
end_to_end_id, batch, programme, party, attempt, currency, amount_minor, refundable_minor, booked_minor, state, reason,
message_id
"""
_ADD_PAYMENT = f"""
insert into payments ({_PAYMENT}) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_READ_PAYMENTS = f"select {_PAYMENT} from payments where batch = %s order by party, attempt"
_READ_PAYMENT = f"select {_PAYMENT} from payments where end_to_end_id = %s"
_READ_OF_MESSAGE = f"select {_PAYMENT} from payments where message_id = %s order by party"
_SET_PAYMENT = """
update payments set state = %s, reason = %s, message_id = coalesce(%s, message_id) where end_to_end_id = %s
"""

_NOTICE = "reference, batch, programme, party, currency, amount_minor, received_minor, due_on, state"
_ADD_NOTICE = f"insert into payment_notices ({_NOTICE}) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
_READ_NOTICES = f"select {_NOTICE} from payment_notices where batch = %s order by party"
_READ_NOTICE = f"select {_NOTICE} from payment_notices where reference = %s"
_READ_OPEN_NOTICES = f"""
select {_NOTICE} from payment_notices
where programme = %s and party = %s and currency = %s and state = 'open' order by due_on, reference
"""
_LIST_OPEN_NOTICES = f"""
select {_NOTICE} from payment_notices
where programme = %(programme)s and state = 'open' and (%(currency)s::text is null or currency = %(currency)s)
order by due_on, reference limit %(limit)s
"""
_LIST_UNFINISHED = f"""
select {", ".join(f"p.{column.strip()}" for column in _PAYMENT.split(","))}, f.made_at
from payments p join payment_files f on f.message_id = p.message_id
where p.programme = %(programme)s and p.state = any(%(states)s) and not exists(
    select from payments later where later.batch = p.batch and later.party = p.party
    and later.currency = p.currency and later.attempt > p.attempt)
order by f.made_at, p.end_to_end_id limit %(limit)s
"""
_RECEIVE = """
update payment_notices set received_minor = received_minor + %(amount)s,
       state = case when received_minor + %(amount)s = amount_minor then 'paid' else 'open' end
where reference = %(reference)s
"""

_ADD_FILE = """
insert into payment_files (message_id, batch, number, currency, made_at, content) values (%s, %s, %s, %s, %s, %s)
"""
_READ_FILES = "select message_id, currency, content from payment_files where batch = %s order by number"
_COUNT_FILES = "select count(*) from payment_files where batch = %s"


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """A payment to a party. Amounts are minor units of ``currency``; ``refundable_minor`` stands on 2110.

    ``booked_minor`` is what the amount was booked at in the programme's currency.
    """

    end_to_end_id: str
    batch: str
    programme: int
    party: int
    attempt: int
    currency: str
    amount_minor: int
    refundable_minor: int
    booked_minor: int
    state: str = "planned"
    reason: str | None = None
    message_id: str | None = None

    def is_superseded_by(self, others: Sequence["Payment"]) -> bool:
        """Whether one of its batch's other payments is a newer attempt at it."""
        return any(
            (one.batch, one.party, one.currency) == (self.batch, self.party, self.currency)
            and one.attempt > self.attempt
            for one in others
        )


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What a party is asked to pay, by when, under which reference; minor units."""

    reference: str
    batch: str
    programme: int
    party: int
    currency: str
    amount_minor: int
    received_minor: int = 0
    due_on: date
    state: str = "open"

    @property
    def open_minor(self) -> int:
        """What of it has not been received."""
        return self.amount_minor - self.received_minor


async def add_payment(connection: AsyncConnection, payment: Payment) -> None:
    """Keep a payment to be made."""
    await connection.execute(_ADD_PAYMENT, [getattr(payment, column) for column in _fields(_PAYMENT)])


async def read_payments(connection: AsyncConnection, batch: str) -> list[Payment]:
    """All payments of a batch, every attempt."""
    cursor = await connection.execute(_READ_PAYMENTS, [batch])
    return [_payment(row) for row in await cursor.fetchall()]


async def read_payment(connection: AsyncConnection, end_to_end_id: str) -> Payment | None:
    """A payment by the id that the bank sends back."""
    row = await (await connection.execute(_READ_PAYMENT, [end_to_end_id])).fetchone()
    return None if row is None else _payment(row)


async def read_payments_of_message(connection: AsyncConnection, message_id: str) -> list[Payment]:
    """The payments of a payment file."""
    cursor = await connection.execute(_READ_OF_MESSAGE, [message_id])
    return [_payment(row) for row in await cursor.fetchall()]


async def set_payment(
    connection: AsyncConnection, payment: Payment, state: str, reason: str | None = None, message_id: str | None = None
) -> None:
    """Bring a payment into a state; ``message_id`` is that of the file that orders it."""
    await connection.execute(_SET_PAYMENT, [state, reason, message_id, payment.end_to_end_id])


async def add_notice(connection: AsyncConnection, notice: Notice) -> None:
    """Keep a notice."""
    await connection.execute(_ADD_NOTICE, [getattr(notice, column) for column in _fields(_NOTICE)])


async def read_notices(connection: AsyncConnection, batch: str) -> list[Notice]:
    """All notices of a batch."""
    return [_notice(row) for row in await (await connection.execute(_READ_NOTICES, [batch])).fetchall()]


async def read_notice(connection: AsyncConnection, reference: str) -> Notice | None:
    """A notice by its reference."""
    row = await (await connection.execute(_READ_NOTICE, [reference])).fetchone()
    return None if row is None else _notice(row)


async def read_open_notices(connection: AsyncConnection, programme: int, party: int, currency: str) -> list[Notice]:
    """What a party has been asked for and has not paid, the oldest first."""
    cursor = await connection.execute(_READ_OPEN_NOTICES, [programme, party, currency])
    return [_notice(row) for row in await cursor.fetchall()]


async def list_open_notices(
    connection: AsyncConnection, programme: int, limit: int, currency: str | None = None
) -> list[Notice]:
    """What the parties of a programme have been asked for and have not paid, in a currency or all, the oldest first."""
    sent = {"programme": programme, "currency": currency, "limit": limit}
    return [_notice(row) for row in await (await connection.execute(_LIST_OPEN_NOTICES, sent)).fetchall()]


async def list_unfinished(
    connection: AsyncConnection, programme: int, states: Sequence[str], limit: int
) -> list[tuple[Payment, int]]:
    """Latest attempts of payments that stand in a state, with when their file was made (microseconds), oldest first."""
    sent = {"programme": programme, "states": list(states), "limit": limit}
    rows = await (await connection.execute(_LIST_UNFINISHED.encode(), sent)).fetchall()
    return [(_payment(row[:-1]), row[-1]) for row in rows]


async def receive(connection: AsyncConnection, reference: str, amount_minor: int) -> None:
    """Count what was paid of a notice, or netted with it."""
    await connection.execute(_RECEIVE, {"reference": reference, "amount": amount_minor})


class PaymentFile(msgspec.Struct, frozen=True):
    """A payment file as it was made, once: one paying account's, so of one currency."""

    message_id: str
    currency: str
    content: bytes


async def add_file(connection: AsyncConnection, batch: str, number: int, at: int, file: PaymentFile) -> None:
    """Keep a payment file, once for ever."""
    values = [file.message_id, batch, number, file.currency, to_datetime(at), file.content]
    await connection.execute(_ADD_FILE, values)


async def read_files(connection: AsyncConnection, batch: str) -> list[PaymentFile]:
    """The payment files of a batch, the oldest first."""
    return [PaymentFile(*row) for row in await (await connection.execute(_READ_FILES, [batch])).fetchall()]


async def count_files(connection: AsyncConnection, batch: str) -> int:
    """How many files of a batch were made."""
    [(count,)] = await (await connection.execute(_COUNT_FILES, [batch])).fetchall()
    return int(count)


def _fields(columns: str) -> list[str]:
    return [column.strip() for column in columns.split(",")]


def _payment(row: Sequence[object]) -> Payment:
    return msgspec.convert(dict(zip(_fields(_PAYMENT), row, strict=True)), Payment)


def _notice(row: Sequence[object]) -> Notice:
    return msgspec.convert(dict(zip(_fields(_NOTICE), row, strict=True)), Notice)
