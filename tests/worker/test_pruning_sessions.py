"""Sessions are forgotten when they have ended, and not before."""

import hashlib
from pathlib import Path

import psycopg

from api.settings import Settings
from api.worker.jobs import prune_signed_in
from ledger.ids import LedgerKey
from ledger.posting.engine import Engine
from tests.databases import LedgerDatabase
from tests.service import LEDGER_KEY, make_ledger

# By name: minutes since it was last seen, minutes until its absolute end.
SESSIONS = {"fresh": (0, 700), "resting": (29, 700), "forgotten": (31, 700), "over": (0, -1)}


async def test_sessions_that_have_ended_are_forgotten(database: LedgerDatabase) -> None:
    make_ledger(database)
    with psycopg.connect(database.owner_url) as owner:
        for name, (rested, left) in SESSIONS.items():
            owner.execute(
                "insert into sessions (secret_digest, kind, person, seen_at, ends_at) values (%s, 'citizen', %s,"
                " clock_timestamp() - make_interval(mins => %s), clock_timestamp() + make_interval(mins => %s))",
                [hashlib.sha256(name.encode()).digest(), name, rested, left],
            )
    async with Engine.open(database.service_url, LedgerKey(LEDGER_KEY)) as engine:
        assert await prune_signed_in(engine, Settings(data_directory=Path())) == "forgot 2 sessions"
        assert await prune_signed_in(engine, Settings(data_directory=Path())) == "forgot 0 sessions"
    with psycopg.connect(database.owner_url) as owner:
        left_over = owner.execute("select person from sessions order by 1").fetchall()
    assert left_over == [("fresh",), ("resting",)]
