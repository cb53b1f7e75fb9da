"""Changing the set-up: programmes, their dated rules, partners and what they may do.

Every function runs inside a unit of work and raises the registry's version, so that posters read the
change at their next unit of work. Nothing is overwritten: rules are dated, codes are for ever.
"""

from datetime import date

import msgspec
from psycopg import AsyncConnection

from ledger.errors import AlreadyExists, PeriodClosed
from ledger.rules.programmes import DEFAULT_GIFT_POINTS_A_MONTH, EarnRate, PartnerKind, ShortfallPolicy
from ledger.store.registry import raise_registry_version

_ADD_PARTNER = """
insert into partners (code, name, kind) values (%s, %s, %s)
on conflict (code) do nothing returning partner
"""
_ADD_FUNDING = "insert into fundings (funding, partner, parts) values (%s, %s, 1)"
_PERMIT = """
insert into programme_partners (programme, partner, may_issue, may_accept) values (%s, %s, %s, %s)
on conflict (programme, partner)
do update set may_issue = excluded.may_issue, may_accept = excluded.may_accept
"""
_ADD_PROGRAMME = """
insert into programmes (code, currency, zone, cut_off_minutes, maximum_age_days,
                        restore_grace_days, shortfall_policy, gift_points_a_month)
values (%s, %s, %s, %s, %s, %s, %s, %s)
on conflict (code) do nothing returning programme
"""
_ADD_VERSION = """
insert into programme_versions (programme, version, starts_on, earn_points, earn_per_minor,
                                validity_months, validity_days)
select %(programme)s, coalesce(max(version), 0) + 1, %(starts_on)s, %(points)s, %(per_minor)s,
       %(months)s, %(days)s
from programme_versions where programme = %(programme)s
on conflict (programme, starts_on) do nothing returning version
"""
_SET_OPEN = "update programmes set is_open = %s where programme = %s"
_SUSPEND = """
update programme_partners
set issuing_suspended_at = coalesce(issuing_suspended_at, ledger_now()), suspension_reason = %s
where programme = %s and partner = %s
"""
_RESUME = """
update programme_partners set issuing_suspended_at = null, suspension_reason = null
where programme = %s and partner = %s
"""
_CLOSE_PERIOD = """
update programmes set closed_through = %s
where programme = %s and (closed_through is null or closed_through <= %s) returning programme
"""
_SET_GIFT_POINTS = "update programmes set gift_points_a_month = %s where programme = %s"
_ADD_CAP = """
insert into caps (cap, code, programme, partner, scene, home_lane)
select next.cap, %s, %s, %s, %s, next.cap %% (select count(*) from lanes)
from (select coalesce(max(cap), 0) + 1 as cap from caps) next
on conflict (code) do nothing returning cap
"""

FIRST_DAY = date(1970, 1, 1)


class NewRules(msgspec.Struct, frozen=True):
    """Earning rules to begin on a day; both validities missing: points do not expire."""

    earn_rate: EarnRate
    validity_months: int | None = None
    validity_days: int | None = None
    starts_on: date = FIRST_DAY


class NewProgramme(msgspec.Struct, frozen=True, kw_only=True):
    """A programme to be added."""

    code: str
    currency: str
    zone: str
    rules: NewRules
    cut_off_minutes: int = 0
    maximum_age_days: int | None = None
    restore_grace_days: int = 0
    shortfall_policy: ShortfallPolicy = "member"
    gift_points_a_month: int = DEFAULT_GIFT_POINTS_A_MONTH


class NewCap(msgspec.Struct, frozen=True, kw_only=True):
    """A cap to be added, by numbers: on one partner or all, in one scene or all. Its number says its home lane."""

    code: str
    programme: int
    partner: int | None = None
    scene: str | None = None


async def add_partner(connection: AsyncConnection, code: str, name: str, kind: PartnerKind) -> int:
    """Add a partner with a funding of its own and return its number; raises AlreadyExists."""
    cursor = await connection.execute(_ADD_PARTNER, [code, name, kind])
    row = await cursor.fetchone()
    if row is None:
        msg = f"A partner with code {code} exists already."
        raise AlreadyExists(msg, field="code", got=code)
    # A partner's own funding bears the partner's number; splits get numbers of their own.
    await connection.execute(_ADD_FUNDING, [row[0], row[0]])
    await raise_registry_version(connection)
    return int(row[0])


async def permit(
    connection: AsyncConnection, programme: int, partner: int, *, may_issue: bool, may_accept: bool
) -> None:
    """Say what a partner may do in a programme from now on."""
    await connection.execute(_PERMIT, [programme, partner, may_issue, may_accept])
    await raise_registry_version(connection)


async def add_programme(connection: AsyncConnection, programme: NewProgramme) -> int:
    """Add a programme with its first rules and return its number; raises AlreadyExists."""
    cursor = await connection.execute(
        _ADD_PROGRAMME,
        [
            programme.code,
            programme.currency,
            programme.zone,
            programme.cut_off_minutes,
            programme.maximum_age_days,
            programme.restore_grace_days,
            programme.shortfall_policy,
            programme.gift_points_a_month,
        ],
    )
    row = await cursor.fetchone()
    if row is None:
        msg = f"A programme with code {programme.code} exists already."
        raise AlreadyExists(msg, field="code", got=programme.code)
    number = int(row[0])
    await add_rules(connection, number, programme.rules)
    return number


async def add_rules(connection: AsyncConnection, programme: int, rules: NewRules) -> int:
    """Add dated rules to a programme and return their version; raises AlreadyExists for the day."""
    cursor = await connection.execute(
        _ADD_VERSION,
        {
            "programme": programme,
            "starts_on": rules.starts_on,
            "points": rules.earn_rate.points,
            "per_minor": rules.earn_rate.per_minor,
            "months": rules.validity_months,
            "days": rules.validity_days,
        },
    )
    row = await cursor.fetchone()
    if row is None:
        msg = f"The programme has rules that start on {rules.starts_on} already."
        raise AlreadyExists(msg, field="starts_on", got=rules.starts_on.isoformat())
    await raise_registry_version(connection)
    return int(row[0])


async def set_programme_open(connection: AsyncConnection, programme: int, *, is_open: bool) -> None:
    """Open or close a programme for new earnings and redemptions."""
    await connection.execute(_SET_OPEN, [is_open, programme])
    await raise_registry_version(connection)


async def suspend_issuing(connection: AsyncConnection, programme: int, partner: int, reason: str) -> None:
    """Refuse a partner's earns in a programme from now on; all else goes on. The first suspension's instant stays."""
    await connection.execute(_SUSPEND, [reason, programme, partner])
    await raise_registry_version(connection)


async def resume_issuing(connection: AsyncConnection, programme: int, partner: int) -> None:
    """Let a partner's earns go on; nothing to do where they were not suspended."""
    await connection.execute(_RESUME, [programme, partner])
    await raise_registry_version(connection)


async def close_period(connection: AsyncConnection, programme: int, through: date) -> None:
    """Take nothing any more that occurred on a business day up to ``through``.

    Raises PeriodClosed where a later day is closed already: a period never opens again.
    """
    await raise_registry_version(connection)
    cursor = await connection.execute(_CLOSE_PERIOD, [through, programme, through])
    if await cursor.fetchone() is None:
        msg = f"A period that ends after {through} is closed already."
        raise PeriodClosed(msg, field="through", got=through.isoformat())


async def set_gift_points(connection: AsyncConnection, programme: int, points_a_month: int) -> None:
    """Say how many points a member may give, and receive, as gifts in a calendar month of a programme."""
    await connection.execute(_SET_GIFT_POINTS, [points_a_month, programme])
    await raise_registry_version(connection)


async def add_cap(connection: AsyncConnection, cap: NewCap) -> int:
    """Add a cap without points and return its number; raises AlreadyExists."""
    # Raised first: it locks the set-up, so two caps added at once get two numbers.
    await raise_registry_version(connection)
    cursor = await connection.execute(_ADD_CAP, [cap.code, cap.programme, cap.partner, cap.scene])
    row = await cursor.fetchone()
    if row is None:
        msg = f"A cap with code {cap.code} exists already."
        raise AlreadyExists(msg, field="code", got=cap.code)
    return int(row[0])
