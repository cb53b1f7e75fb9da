"""Prefunding covers: opened for an issuer, with what its points cost it and the level at which it is told.

A cover begins empty; what it is granted, and what is taken from it, are transactions (``GrantCover``).
"""

from datetime import date

from psycopg import AsyncConnection

from ledger.errors import AlreadyExists, NoCoverPrice
from ledger.store.registry import raise_registry_version

_OPEN = """
insert into caps (cap, code, programme, partner, home_lane, measure, alert_level)
select next.cap, 'cover:' || programmes.code || ':' || partners.code, programmes.programme, partners.partner,
       next.cap %% (select count(*) from lanes), 'cover', %(alert_level)s
from (select coalesce(max(cap), 0) + 1 as cap from caps) next, programmes, partners
where programmes.programme = %(programme)s and partners.partner = %(partner)s
on conflict (code) do nothing returning code
"""
_HAS_PRICE = "select 1 from cover_prices where programme = %s and partner = %s limit 1"
_ADD_PRICE = """
insert into cover_prices (programme, partner, starts_on, price_micros)
select %(programme)s, %(partner)s, %(starts_on)s, %(price_micros)s
where not exists (
    select from cover_prices
    where programme = %(programme)s and partner = %(partner)s and starts_on >= %(starts_on)s
)
returning programme
"""
_SET_ALERT_LEVEL = """
update caps set alert_level = %s where measure = 'cover' and programme = %s and partner = %s
"""


async def add_cover_price(
    connection: AsyncConnection, programme: int, partner: int, starts_on: date, price_micros: int
) -> None:
    """Say what an issuer's points cost it, reserve and fee, in millionths of the currency from a business day on.

    Whether it has a cover or not: of a campaign that it leads others may have one. The first price holds before
    its day, too. Raises AlreadyExists where one is there that starts on that day or later.
    """
    await raise_registry_version(connection)
    cursor = await connection.execute(
        _ADD_PRICE,
        {"programme": programme, "partner": partner, "starts_on": starts_on, "price_micros": price_micros},
    )
    if await cursor.fetchone() is None:
        msg = f"A price that starts on {starts_on} or later exists already."
        raise AlreadyExists(msg, field="starts_on", got=starts_on.isoformat())


async def open_cover(
    connection: AsyncConnection, programme: int, partner: int, *, alert_level: int | None = None
) -> str:
    """Limit an issuer's earns to what is granted to it from now on, and return the code of its cap.

    ``alert_level`` is in 1/10,000 of the programme's currency: of what falls below it the issuer is told. Raises
    NoCoverPrice where nothing says what its points cost, AlreadyExists where it has a cover.
    """
    # Raised first: it locks the set-up, so two caps added at once get two numbers.
    await raise_registry_version(connection)
    cursor = await connection.execute(_HAS_PRICE, [programme, partner])
    if await cursor.fetchone() is None:
        msg = "Nothing says what the issuer's points cost it: its contract comes first."
        raise NoCoverPrice(msg)
    cursor = await connection.execute(_OPEN, {"programme": programme, "partner": partner, "alert_level": alert_level})
    row = await cursor.fetchone()
    if row is None:
        msg = "The issuer has a cover in this programme already."
        raise AlreadyExists(msg, field="partner", got=partner)
    return str(row[0])


async def set_alert_level(connection: AsyncConnection, programme: int, partner: int, alert_level: int | None) -> None:
    """Change the level, in 1/10,000 of the currency, below which an issuer is told; None: it is not told."""
    await connection.execute(_SET_ALERT_LEVEL, [alert_level, programme, partner])
    await raise_registry_version(connection)
