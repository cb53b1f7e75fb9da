"""The set-up as decisions see it, read whole: programmes, partners, fundings, caps, campaigns."""

from collections import defaultdict
from collections.abc import Mapping

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from ledger.errors import DatabaseUnavailable
from ledger.rules.programmes import (
    Campaign,
    Cap,
    CoverPrice,
    EarnRate,
    ExchangeRate,
    Partner,
    Programme,
    ProgrammeVersion,
    Registry,
)

_VERSION = "select version from registry"
_PARTNERS = "select partner, code, name, kind from partners"
_FUNDINGS = "select funding, partner, parts from fundings order by funding, partner"
_VERSIONS = """
select programme, version, starts_on, earn_points, earn_per_minor, validity_months, validity_days
from programme_versions order by programme, starts_on
"""
_PERMISSIONS = """
select programme, partner, may_issue, may_accept, issuing_suspended_at is not null from programme_partners
"""
_PROGRAMMES = """
select programme, code, currency, zone, cut_off_minutes, is_open, maximum_age_days,
       restore_grace_days, shortfall_policy, gift_points_a_month, closed_through
from programmes
"""
_CAPS = """
select cap, code, programme, partner, scene, home_lane, is_swept, measure, alert_level from caps order by cap
"""
_CAMPAIGNS = "select campaign, code, programme, funding, lead from campaigns order by code"
_COVER_PRICES = """
select programme, partner, starts_on, price_micros, added_at from cover_prices order by programme, partner, starts_on
"""
_EXCHANGE_RATES = """
select rate, source, target, issuer, starts_on, give, get, price_micros, added_at
from exchange_rates order by starts_on, rate
"""
_LANES = "select count(*)::int from lanes"
_TABLES = (
    _PARTNERS,
    _FUNDINGS,
    _VERSIONS,
    _PERMISSIONS,
    _PROGRAMMES,
    _CAPS,
    _LANES,
    _CAMPAIGNS,
    _COVER_PRICES,
    _EXCHANGE_RATES,
)
_RAISE_VERSION = "update registry set version = version + 1"


_MOST_READINGS = 20


async def raise_registry_version(connection: AsyncConnection) -> None:
    """Tell every poster, at its next unit of work, that the set-up changed."""
    await connection.execute(_RAISE_VERSION)


async def read_registry_version(connection: AsyncConnection) -> int:
    """The version of the set-up now."""
    [(version,)] = await (await connection.execute(_VERSION)).fetchall()
    return int(version)


async def read_registry(connection: AsyncConnection) -> Registry:
    """Read the set-up as of one instant; raises DatabaseUnavailable where it changed again at every reading.

    Every change of it raises its version. So what was read between two readings of the same version is whole,
    also in a unit of work, whose statements see what others commit between them.
    """
    for _ in range(_MOST_READINGS):
        async with connection.pipeline():
            cursors = [await connection.execute(query.encode()) for query in (_VERSION, *_TABLES, _VERSION)]
        [(before,)], *tables, [(after,)] = [await cursor.fetchall() for cursor in cursors]
        if before == after:
            return _registry(before, dict(zip(_TABLES, tables, strict=True)))
    raise DatabaseUnavailable("The set-up kept changing while it was read; try again.", retry_after_seconds=1)


def _registry(version: int, read: Mapping[str, list[TupleRow]]) -> Registry:
    fundings: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for funding, partner, parts in read[_FUNDINGS]:
        fundings[funding].append((partner, parts))
    versions: dict[int, list[ProgrammeVersion]] = defaultdict(list)
    for programme, number, starts_on, points, per_minor, months, days in read[_VERSIONS]:
        rate = EarnRate(points, per_minor)
        versions[programme].append(ProgrammeVersion(number, starts_on, rate, months, days))
    return Registry(
        version,
        {row[1]: _programme(row, versions[row[0]], read[_PERMISSIONS]) for row in read[_PROGRAMMES]},
        {number: Partner(number, code, name, kind, number) for number, code, name, kind in read[_PARTNERS]},
        {number: tuple(parts) for number, parts in fundings.items()},
        caps=tuple(Cap(*row) for row in read[_CAPS]),
        lanes=read[_LANES][0][0],
        campaigns={row[1]: Campaign(*row) for row in read[_CAMPAIGNS]},
        cover_prices=_cover_prices(read[_COVER_PRICES]),
        exchange_rates={row[0]: ExchangeRate(*row) for row in read[_EXCHANGE_RATES]},
    )


def _cover_prices(rows: list[TupleRow]) -> dict[tuple[int, int], tuple[CoverPrice, ...]]:
    prices: dict[tuple[int, int], list[CoverPrice]] = defaultdict(list)
    for programme, partner, *price in rows:
        prices[programme, partner].append(CoverPrice(*price))
    return {place: tuple(dated) for place, dated in prices.items()}


def _programme(row: TupleRow, versions: list[ProgrammeVersion], permissions: list[TupleRow]) -> Programme:
    number, code, currency, zone, cut_off, is_open, maximum_age, grace, policy, gifts, closed_through = row
    mine = [permission for permission in permissions if permission[0] == number]
    return Programme(
        number=number,
        code=code,
        currency=currency,
        zone=zone,
        cut_off_minutes=cut_off,
        is_open=is_open,
        maximum_age_days=maximum_age,
        restore_grace_days=grace,
        shortfall_policy=policy,
        versions=tuple(versions),
        issuers=frozenset(partner for _, partner, may_issue, *_ in mine if may_issue),
        acceptors=frozenset(partner for _, partner, _, may_accept, _ in mine if may_accept),
        gift_points_a_month=gifts,
        suspended=frozenset(partner for _, partner, *_, is_suspended in mine if is_suspended),
        closed_through=closed_through,
    )
