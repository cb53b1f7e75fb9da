"""Members' codes are forgotten an hour after their end, and not before."""

import hashlib
from pathlib import Path

import psycopg

from api.settings import Settings
from api.worker.jobs import prune_shown_codes
from ledger.ids import LedgerKey
from ledger.posting.engine import Engine
from tests.databases import LedgerDatabase
from tests.service import LEDGER_KEY, make_ledger

# By name: seconds until its end.
CODES = {"fresh": 100, "expired": -100, "remembered": -3_590, "forgotten": -3_610}


async def test_codes_that_ended_over_an_hour_ago_are_forgotten(database: LedgerDatabase) -> None:
    make_ledger(database)
    with psycopg.connect(database.owner_url) as owner:
        for name, left in CODES.items():
            owner.execute(
                "insert into member_codes (digest, lane, member, made_at, expires_at) values (%s, 1, %s,"
                " clock_timestamp() - interval '1 day', clock_timestamp() + make_interval(secs => %s))",
                [hashlib.sha256(name.encode()).digest(), len(name), left],
            )
    async with Engine.open(database.service_url, LedgerKey(LEDGER_KEY)) as engine:
        assert await prune_shown_codes(engine, Settings(data_directory=Path())) == "forgot 1 codes"
        assert await prune_shown_codes(engine, Settings(data_directory=Path())) == "forgot 0 codes"
    with psycopg.connect(database.owner_url) as owner:
        [(left_over,)] = owner.execute("select count(*) from member_codes").fetchall()
    assert left_over == len(CODES) - 1
