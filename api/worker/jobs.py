"""The jobs that the worker does by a schedule: a line each.

A job may be run at any time and any number of times: one that was cut short is simply run again. It
returns what it did, in a few words that name nobody.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Literal, Protocol

import msgspec
from psycopg import AsyncConnection

from api.seal_key_file import read_seal_keys
from api.settings import Settings
from api.webhooks.measurements import BACKLOG
from api.worker.measurements import STORING_FAILS
from api.worker.schedules import Daily, Every, Schedule
from ledger.audit.sealing import SealMade, make_seal
from ledger.posting.engine import Engine
from ledger.posting.expiry import post_lapses
from ledger.posting.import_pruning import prune_imports
from ledger.posting.notices import post_notices
from ledger.store.member_codes import prune_codes
from ledger.store.readiness import storing_the_log_fails
from ledger.store.sessions import prune_sessions
from ledger.store.unit_of_work import unit_of_work
from ledger.store.webhook_queue import count_backlog, prune_deliveries
from settlement.covers import post_cover_movements, suspend_overdue

HOUR = 60 * 60
DAYS_KEPT: tuple[tuple[Literal["delivered", "dead"], int], ...] = (("delivered", 30), ("dead", 90))

_PRUNED_PER_UNIT = 5_000
_MOST_UNITS = 400

Work = Callable[[Engine, Settings], Awaitable[str]]


class Job(msgspec.Struct, frozen=True):
    """What to do and when; its name is what the database knows it by."""

    name: str
    schedule: Schedule
    work: Work


class _PruneSome(Protocol):
    """Forgets up to ``limit`` rows and returns how many."""

    async def __call__(self, connection: AsyncConnection, /, *, limit: int) -> int:
        """Forget some, inside a unit of work."""


async def _in_steps(engine: Engine, prune_some: _PruneSome) -> int:
    """Forget a few thousand rows in a unit of work, until few are left or it is enough for once."""
    forgotten = 0
    for _number in range(_MOST_UNITS):
        async with engine.pool.connection() as connection, unit_of_work(connection):
            count = await prune_some(connection, limit=_PRUNED_PER_UNIT)
        forgotten += count
        if count < _PRUNED_PER_UNIT:
            break
    return forgotten


async def expire(engine: Engine, _: Settings) -> str:
    """Post what has lapsed."""
    lapses = await post_lapses(engine)
    return f"expired {lapses.points} points in {lapses.expiries} lots, released {lapses.holds} holds"


async def notify(engine: Engine, _: Settings) -> str:
    """Record the notices of expiry that are due."""
    notices = await post_notices(engine)
    return f"recorded {notices.notices} notices of {notices.points} points"


async def seal(engine: Engine, settings: Settings) -> str:
    """Seal the day; where today's seal is there already, only see that its file is."""
    made = await make_seal(engine.pool, read_seal_keys(settings), settings.seals_directory)
    if isinstance(made, SealMade):
        return f"seal {made.number} covers {made.transactions} transactions"
    return f"seal {made.number} is the last"


async def prune(engine: Engine, _: Settings) -> str:
    """Forget deliveries that ended long ago."""
    forgotten = 0
    for state, days in DAYS_KEPT:
        forgotten += await _in_steps(engine, partial(prune_deliveries, state=state, older_than_days=days))
    return f"forgot {forgotten} deliveries"


async def prune_signed_in(engine: Engine, _: Settings) -> str:
    """Forget sessions of the pages that have ended."""
    return f"forgot {await _in_steps(engine, prune_sessions)} sessions"


async def prune_shown_codes(engine: Engine, _: Settings) -> str:
    """Forget members' codes that ended over an hour ago."""
    return f"forgot {await _in_steps(engine, prune_codes)} codes"


async def prune_files(engine: Engine, settings: Settings) -> str:
    """Remove what is still held of callers' files long after their import."""
    pruned = await prune_imports(engine.pool, settings.imports_directory)
    return f"removed {pruned.lines} lines and {pruned.files} files of {pruned.imports} imports"


async def measure(engine: Engine, _: Settings) -> str:
    """Tell Prometheus how many deliveries wait, and whether the database's log is being stored."""
    async with engine.pool.connection() as connection:
        backlog = await count_backlog(connection)
        storing_fails = await storing_the_log_fails(connection)
    BACKLOG.set(backlog)
    STORING_FAILS.set(storing_fails)
    return f"{backlog} deliveries wait{'; the database cannot store its log' if storing_fails else ''}"


async def move_covers(engine: Engine, _: Settings) -> str:
    """Add to covers what issuers have paid."""
    return f"moved {await post_cover_movements(engine)} covers"


async def suspend(engine: Engine, _: Settings) -> str:
    """Suspend issuers whose payment is overdue; let go on those that have paid."""
    suspended, resumed = await suspend_overdue(engine)
    return f"suspended {suspended} issuers, resumed {resumed}"


JOBS = (
    Job("expire", Every(HOUR), expire),
    Job("notices", Daily(1, 0), notify),
    Job("seal", Daily(0, 15), seal),
    Job("prune-deliveries", Daily(3, 30), prune),
    Job("prune-imports", Daily(3, 45), prune_files),
    Job("prune-codes", Every(HOUR // 6), prune_shown_codes),
    Job("prune-sessions", Every(HOUR), prune_signed_in),
    Job("measure-backlog", Every(15), measure),
    Job("covers", Every(10), move_covers),
    Job("overdue", Every(HOUR), suspend),
)
