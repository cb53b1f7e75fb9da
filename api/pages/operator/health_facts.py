"""What the overview tells of: read from the database and from what is measured, at one moment."""

import asyncio
from pathlib import Path

import msgspec

from api.measurements_read import Measured, read_measured
from api.pages.operator.operator_view import OperatorView
from api.requests import CityRequest
from ledger.embedded.backup_folder import BackupFolder
from ledger.embedded.errors import EmbeddedPostgresError
from ledger.reading.operation import (
    Deliveries,
    DueHolds,
    JobState,
    LogStoring,
    count_recorded,
    read_deliveries,
    read_due_holds,
    read_jobs,
    read_log_storing,
)
from ledger.rules.business_day import to_datetime, to_instant, zone
from ledger.rules.seals import Seal
from ledger.store.appeals import OpenAppeals, read_open_appeals
from ledger.store.audits import Audited, AuditKind, read_latest_audits
from ledger.store.epochs import Epoch, read_epochs
from ledger.store.jobs import read_real_time
from ledger.store.ledger_row import read_clock, read_revision
from ledger.store.readiness import partitions_ahead
from ledger.store.seals import list_seals

HOURS_SHOWN = 24
_MINUTES_NOW = 5


class Bases(msgspec.Struct, frozen=True):
    """The base backups in a folder: when the newest began (microseconds since 1970 UTC), if one can be found."""

    newest_at: int | None
    is_readable: bool = True


class Posting(msgspec.Struct, frozen=True):
    """How many transactions were recorded: in each of the last hours, in the last minutes, and today."""

    hours: list[tuple[int, int]]
    lately: int
    today: int


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything. ``now`` is the ledger's time, which a sandbox's operator sets; ``real_now`` the machine's."""

    now: int
    real_now: int
    revision: str | None
    ahead: int
    audits: dict[AuditKind, Audited]
    seal: Seal | None
    epochs: list[Epoch]
    jobs: list[JobState]
    holds: DueHolds
    deliveries: Deliveries
    appeals: OpenAppeals
    log: LogStoring
    bases: Bases | None
    posting: Posting
    measured: Measured


async def read_facts(request: CityRequest, view: OperatorView) -> Facts:
    """Read all of it."""
    async with view.wiring.engine.pool.connection() as connection:
        now = await read_clock(connection)
        hours = _hours(now, view.zone)
        midnight = _midnight(now, view.zone)
        counts = await count_recorded(connection, hours)
        [lately] = await count_recorded(connection, [now - _MINUTES_NOW * 60 * 1_000_000])
        [today] = await count_recorded(connection, [midnight])
        seals = await list_seals(connection, before=None, limit=1)
        return Facts(
            now=now,
            real_now=await read_real_time(connection),
            revision=await read_revision(connection),
            ahead=await partitions_ahead(connection),
            audits=await read_latest_audits(connection),
            seal=seals[0] if seals else None,
            epochs=await read_epochs(connection),
            jobs=await read_jobs(connection),
            holds=await read_due_holds(connection),
            deliveries=await read_deliveries(connection),
            appeals=await read_open_appeals(connection),
            log=await read_log_storing(connection),
            bases=await asyncio.to_thread(_read_bases, request.app.state.backup_directory),
            posting=Posting(list(zip(hours, counts, strict=True)), lately, today),
            measured=await asyncio.to_thread(read_measured, request.app.state.metrics_directory),
        )


def _hours(now: int, zone_name: str) -> list[int]:
    """When each of the last hours began, the present one the last."""
    present = to_datetime(now).astimezone(zone(zone_name)).replace(minute=0, second=0, microsecond=0)
    start = to_instant(present)
    return [start - before * 3_600 * 1_000_000 for before in reversed(range(HOURS_SHOWN))]


def _midnight(now: int, zone_name: str) -> int:
    local = to_datetime(now).astimezone(zone(zone_name))
    return to_instant(local.replace(hour=0, minute=0, second=0, microsecond=0))


def _read_bases(directory: Path | None) -> Bases | None:
    """None where no backup folder is set; a folder that this process may not read is not an empty one."""
    if directory is None:
        return None
    try:
        bases = BackupFolder(directory).list_bases()
    except (EmbeddedPostgresError, OSError):
        return Bases(None, is_readable=False)
    return Bases(bases[-1].about.began_at if bases else None)
