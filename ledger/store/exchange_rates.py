"""Adding rates of exchange between programmes."""

from datetime import date

import msgspec
from psycopg import AsyncConnection

from ledger.errors import AlreadyExists
from ledger.store.registry import raise_registry_version

_ADD = """
insert into exchange_rates (rate, source, target, issuer, starts_on, give, get, price_micros)
select next.rate, %s, %s, %s, %s, %s, %s, %s
from (select coalesce(max(rate), 0) + 1 as rate from exchange_rates) next
on conflict (source, target, starts_on) do nothing returning rate
"""


class NewExchangeRate(msgspec.Struct, frozen=True):
    """A rate to be added, by numbers; fields as of ``ExchangeRate``."""

    source: int
    target: int
    issuer: int
    starts_on: date
    give: int
    get: int
    price_micros: int


async def add_exchange_rate(connection: AsyncConnection, rate: NewExchangeRate) -> int:
    """Add a rate and return its number; raises AlreadyExists where one of both programmes starts on its day."""
    # Raised first: it locks the set-up, so two rates added at once get two numbers.
    await raise_registry_version(connection)
    cursor = await connection.execute(_ADD, msgspec.structs.astuple(rate))
    row = await cursor.fetchone()
    if row is None:
        msg = f"A rate of both programmes that starts on {rate.starts_on} exists already."
        raise AlreadyExists(msg, field="starts_on", got=rate.starts_on.isoformat())
    return int(row[0])
