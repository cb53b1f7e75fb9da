"""The ledger's own row: its lanes, its kind, its key's check value; and what it asks of a database."""

import msgspec
from psycopg import AsyncConnection, Connection, errors

from ledger.errors import ClockCannotGoBack, SandboxOnly, UnsafeDatabase
from ledger.ids import MAX_LANES, LedgerKey
from ledger.rules.business_day import to_datetime
from ledger.rules.journal import CHAIN_START

DEFAULT_LANES = 64

_INSERT_LEDGER = """
insert into ledger (id, lanes, is_sandbox, key_check) values (1, %s, %s, %s)
on conflict do nothing returning id
"""
_INSERT_LANES = """
insert into lanes (lane, head, recorded_at)
select lane, %s, 'epoch' from generate_series(0, %s - 1) as lane
"""
_INSERT_CLOCK = "insert into sandbox_clock (id, now) values (1, clock_timestamp())"
_READ = "select lanes, is_sandbox, has_demo, key_check from ledger"
_REVISION = "select version_num from alembic_version"
_MARK_DEMO = "update ledger set has_demo = true"
_SETTINGS = """
select current_setting('fsync'), current_setting('synchronous_commit'),
       current_setting('server_version_num')::int, r.rolsuper, current_user::text,
       exists(select from pg_class c where c.relname = 'transactions' and c.relowner = r.oid)
from pg_roles r where r.rolname = current_user
"""
_SET_CLOCK = """
update sandbox_clock set now = %(now)s, running_since = null
where ledger_now() <= %(now)s or not exists (select from lanes where next_sequence > 1)
returning now
"""
_RUN_CLOCK = """
update sandbox_clock set now = greatest(ledger_now(), clock_timestamp()), running_since = clock_timestamp()
where running_since is null
"""
_READ_CLOCK = "select ledger_now()"
OLDEST_SERVER = 160_000


class LedgerRow(msgspec.Struct, frozen=True):
    """What kind of ledger a database holds."""

    lanes: int
    is_sandbox: bool
    has_demo: bool
    key_check: bytes


def create_ledger(owner: Connection, key: LedgerKey, *, lanes: int = DEFAULT_LANES, is_sandbox: bool = False) -> bool:
    """Create the ledger's row and lanes, as the owner; False where one exists already.

    A sandbox's clock stands still until it is set. What kind a ledger is can never be changed.
    """
    if not 1 <= lanes <= MAX_LANES:
        msg = f"lanes: {lanes} was given; 1 to {MAX_LANES} are wanted"
        raise ValueError(msg)
    with owner.transaction():
        created = owner.execute(_INSERT_LEDGER, [lanes, is_sandbox, key.check_value()]).fetchone()
        if created is None:
            return False
        owner.execute(_INSERT_LANES, [CHAIN_START, lanes])
        if is_sandbox:
            owner.execute(_INSERT_CLOCK)
    return True


def mark_demo(owner: Connection) -> None:
    """Remember that the ledger holds invented data, so that every page can say so."""
    owner.execute(_MARK_DEMO)


async def read_ledger(connection: AsyncConnection) -> LedgerRow | None:
    """Read the ledger's row; None before ``init``."""
    cursor = await connection.execute(_READ)
    row = await cursor.fetchone()
    return None if row is None else LedgerRow(*row)


async def read_revision(connection: AsyncConnection) -> str | None:
    """The migration that the database is at; None for an empty database."""
    try:
        cursor = await connection.execute(_REVISION)
    except errors.UndefinedTable:
        return None
    row = await cursor.fetchone()
    return None if row is None else str(row[0])


async def refuse_unsafe(connection: AsyncConnection) -> None:
    """Raise UnsafeDatabase where the settings or the role would break a promise.

    An answered posting must survive a crash, and the service must not be able to alter history.
    """
    cursor = await connection.execute(_SETTINGS)
    row = await cursor.fetchone()
    if row is None:
        msg = "the database did not tell its settings"
        raise UnsafeDatabase(msg)
    fsync, synchronous_commit, version, is_superuser, role, is_owner = row
    if version < OLDEST_SERVER:
        msg = f"the server is PostgreSQL {version // 10_000}; 16 or newer is wanted"
        raise UnsafeDatabase(msg)
    if fsync == "off" or synchronous_commit == "off":
        msg = (
            f"fsync is {fsync}, synchronous_commit is {synchronous_commit}: an answered posting "
            "could be lost; both must be on"
        )
        raise UnsafeDatabase(msg)
    if is_superuser or is_owner:
        msg = (
            f"the role {role} is a superuser or owns the tables; the service must log in as a role "
            "that owns nothing (citypoints_app in DATABASE_URL)"
        )
        raise UnsafeDatabase(msg)


def refuse_other_key(row: LedgerRow, key: LedgerKey) -> None:
    """Raise UnsafeDatabase where the ledger was made under another key."""
    if row.key_check != key.check_value():
        msg = (
            "the ledger key is not the one that this ledger was made with; with another key no "
            "idempotency key and no member would be found"
        )
        raise UnsafeDatabase(msg)


async def read_clock(connection: AsyncConnection) -> int:
    """The ledger's time now, in microseconds since 1970 UTC; a sandbox's is set by its operator."""
    cursor = await connection.execute(_READ_CLOCK)
    [(now,)] = await cursor.fetchall()
    return int(now)


async def run_sandbox_clock(connection: AsyncConnection) -> None:
    """Let a sandbox's clock run until it is set again, from where it stands, or from the real time where that is later.

    A clock that runs goes on as it does, and so does a live ledger's.
    """
    await connection.execute(_RUN_CLOCK)


async def set_sandbox_clock(connection: AsyncConnection, now: int) -> None:
    """Set a sandbox's clock, which then stands: freely until the first transaction, then only forward.

    Raises SandboxOnly on a live ledger, ClockCannotGoBack for an earlier time.
    """
    row = await read_ledger(connection)
    if row is None or not row.is_sandbox:
        msg = "Only a sandbox ledger's clock can be set; this ledger is live."
        raise SandboxOnly(msg)
    cursor = await connection.execute(_SET_CLOCK, {"now": to_datetime(now)})
    if cursor.rowcount == 0:
        current = to_datetime(await read_clock(connection)).isoformat()
        msg = f"The sandbox clock stands at {current} and moves only forward now."
        raise ClockCannotGoBack(msg, now=current, got=to_datetime(now).isoformat())
