"""A lively ledger with seals: what a test needs to seal, to go on posting, and to look at what an audit says."""

from collections.abc import Collection
from itertools import count
from pathlib import Path

from ledger.audit import AuditReport
from ledger.audit.sealing import NothingToSeal, SealMade, make_seal
from ledger.audit.since_seal import audit_since_seal
from ledger.posting.engine import Engine
from ledger.rules.business_day import MICROSECONDS_PER_DAY
from ledger.rules.commands import Earn
from ledger.rules.outcomes import Posted
from ledger.rules.seal_keys import SealKeys
from ledger.store.ledger_row import read_clock, set_sandbox_clock
from ledger.store.unit_of_work import open_pool
from tests.audit.lively_ledger import KEY
from tests.audit.tampering import connect
from tests.databases import LedgerDatabase

KEYS = SealKeys(bytes(range(32)))
OTHER_KEYS = SealKeys(bytes(32))

_keys = count(1)


async def seal(
    database: LedgerDatabase, folder: Path, *, keys: SealKeys = KEYS, forced: bool = True
) -> SealMade | NothingToSeal:
    """Seal over the service's role."""
    async with open_pool(database.service_url, maximum_size=1) as pool:
        return await make_seal(pool, keys, folder, forced=forced)


async def seal_now(database: LedgerDatabase, folder: Path, keys: SealKeys = KEYS) -> SealMade:
    """Seal where something is new."""
    made = await seal(database, folder, keys=keys)
    assert isinstance(made, SealMade)
    return made


async def post_more(database: LedgerDatabase, transactions: int = 10) -> None:
    """Post some more earnings, of members of all lanes in turn, where no cap binds."""
    async with Engine.open(database.service_url, KEY, groups=1) as engine:
        async with engine.pool.connection() as connection:
            cursor = await connection.execute(
                "select public_id::text from members where status = 'active' "
                "order by row_number() over (partition by lane order by member), lane"
            )
            members = [member for (member,) in await cursor.fetchall()]
            cursor = await connection.execute("select max(partner) from partners")
            [(partner,)] = await cursor.fetchall()
        for number in range(transactions):
            earn = Earn(
                programme="BORNE",
                member=members[number % len(members)],
                scene="food",
                points=1,
                reference=f"bill {number}",
            )
            submission = await engine.intake.prepare(partner, f"more-{next(_keys)}", earn, shows_balance=False)
            assert isinstance(await engine.posters.submit(submission), Posted)


async def pass_a_day(database: LedgerDatabase) -> None:
    """Let the sandbox clock go to the same time of the next day."""
    async with open_pool(database.service_url, maximum_size=1) as pool, pool.connection() as connection:
        await set_sandbox_clock(connection, await read_clock(connection) + MICROSECONDS_PER_DAY)


async def audit_daily(
    database: LedgerDatabase, folder: Path, trusted: Collection[str] | None = KEYS.trusted
) -> AuditReport:
    """Audit since the last seal, as the service does."""
    async with open_pool(database.service_url, maximum_size=1) as pool:
        return await audit_since_seal(pool, folder, trusted)


def recorded_in(database: LedgerDatabase, *, after_seal: int = 0) -> int:
    """How many transactions are recorded, or how many since a seal: an earning may post a lapse before it."""
    with connect(database) as connection:
        [row] = connection.execute(
            "select sum(next_sequence - 1 - coalesce((select lasts[lane + 1] from seals where number = %s), 0))::int "
            "as recorded from lanes",
            [after_seal],
        ).fetchall()
    return int(row["recorded"])


def places(report: AuditReport) -> set[tuple[int | None, str, str]]:
    """What differs and where."""
    return {(difference.lane, difference.place, difference.what) for difference in report.differences}
