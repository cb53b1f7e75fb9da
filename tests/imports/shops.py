"""A shop with its programme on a fresh ledger, and its imports."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg

from ledger.ids import LedgerKey
from ledger.posting.engine import Engine
from ledger.posting.imports import file_digest, register_import, run_import
from ledger.rules.programmes import EarnRate
from ledger.store.imports import Import
from ledger.store.ledger_row import create_ledger
from ledger.store.registry_writes import NewProgramme, NewRules, add_partner, add_programme, permit
from ledger.store.unit_of_work import open_pool, unit_of_work
from tests.databases import LedgerDatabase

SAMPLES = Path(__file__).resolve().parents[2] / "docs" / "samples"
SAMPLE_FILE = SAMPLES / "shop_invoices.csv"
SAMPLE_MAPPING = SAMPLES / "shop_invoices.toml"
KEY_BYTES = b"k" * 32
KEY = LedgerKey(KEY_BYTES)
SHOP, PROGRAMME = "CORNER-SHOP", "SHOP"

Rows = list[tuple[Any, ...]]


def found_shop(database: LedgerDatabase) -> None:
    """Make the ledger, the programme (1 point per whole pound, no expiry, no maximum age) and the partner 1."""

    async def found() -> None:
        async with open_pool(database.service_url) as pool, pool.connection() as connection, unit_of_work(connection):
            rules = NewRules(EarnRate(1, 100))
            new = NewProgramme(code=PROGRAMME, currency="GBP", zone="Europe/London", rules=rules)
            programme = await add_programme(connection, new)
            partner = await add_partner(connection, SHOP, "Corner Shop", "merchant")
            await permit(connection, programme, partner, may_issue=True, may_accept=True)

    with psycopg.connect(database.owner_url) as owner:
        create_ledger(owner, KEY)
    asyncio.run(found())


@asynccontextmanager
async def open_engine(database: LedgerDatabase) -> AsyncIterator[Engine]:
    """An engine as a process has it."""
    async with Engine.open(database.service_url, KEY) as engine:
        yield engine


async def register(engine: Engine, path: Path, mapping: bytes | None = None, partner: int = 1) -> Import:
    """Make a file known; the mapping is the sample's unless another is given."""
    document = SAMPLE_MAPPING.read_bytes() if mapping is None else mapping
    this, _ = await register_import(engine, partner, path, document, file_name=path.name, digest=file_digest(path))
    return this


def import_file(
    database: LedgerDatabase,
    path: Path,
    mapping: bytes | None = None,
    on_progress: Callable[[Import], None] = lambda _: None,
) -> Import:
    """Import a file in this process, from wherever it stands to its end."""

    async def work() -> Import:
        async with open_engine(database) as engine:
            return await run_import(engine, await register(engine, path, mapping), path, on_progress)

    return asyncio.run(work())


def rows(database: LedgerDatabase, query: str, *parameters: object) -> Rows:
    """What a query finds."""
    with psycopg.connect(database.superuser_url) as connection:
        return connection.execute(query.encode(), parameters).fetchall()


def reports(database: LedgerDatabase) -> Rows:
    """The lines not posted, in order."""
    return rows(database, "select line, outcome, code, detail, content from import_lines order by line")


def counts(database: LedgerDatabase) -> Rows:
    """State and counts of all imports."""
    return rows(database, COUNTS)


def journal_by_member(database: LedgerDatabase) -> dict[bytes, Rows]:
    """Each member's transactions in order, without places and times of recording.

    By the digest of the shop's reference: what an interrupted run and a whole one must have in common, whichever
    lanes and numbers members got.
    """
    found: dict[bytes, Rows] = {}
    for digest, *content in rows(database, JOURNAL):
        found.setdefault(bytes(digest), []).append(tuple(content))
    return found


COUNTS = """
select state, byte_offset, lines_done, posted, refused, failed, partly_posted from imports order by created_at
"""
JOURNAL = """
select n.digest, t.key_digest, t.request_digest, t.kind, t.points, t.spend_minor, t.occurred_at, t.partner,
       t.scene, t.channel, t.available_after, t.pending_after, o.key_digest,
       (select array_agg((p.debit_kind, p.credit_kind, p.amount)::text order by p.line)
        from postings p where p.lane = t.lane and p.sequence = t.sequence)
from transactions t
join member_names n on n.lane = t.lane and n.member = t.member and n.kind = 'reference'
left join transactions o on o.lane = t.reverses_lane and o.sequence = t.reverses_sequence
order by n.digest, t.sequence
"""
