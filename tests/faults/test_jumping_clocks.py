"""The database's clock jumps, forwards and backwards, under load."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest

from tests.databases import LedgerDatabase
from tests.faults.clients import REQUESTS, Clients, recorded, set_up
from tests.service import Service

# In place of the clock that the ledger asks, one that somebody may set: found before the catalogue's own.
SHADOW = """
create schema shadow;
create table shadow.jump (ahead interval not null);
insert into shadow.jump values ('0');
create function shadow.clock_timestamp() returns timestamptz language sql volatile as
$$ select pg_catalog.clock_timestamp() + (select ahead from shadow.jump) $$;
grant usage on schema shadow to citypoints_app;
grant select on shadow.jump to citypoints_app;
"""
TOLERATED = timedelta(seconds=40)
TOO_FAR = timedelta(minutes=5)
STANDS_SECONDS = 1.0


@pytest.fixture
def jump(database: LedgerDatabase) -> Iterator[Callable[[timedelta], None]]:
    """Sets the clock so far ahead of, or behind, the true one."""
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute(SHADOW)
        connection.execute(f"alter database {database.name} set search_path = shadow, pg_catalog, public")

        def set_clock(ahead: timedelta) -> None:
            connection.execute("update shadow.jump set ahead = %s", [ahead])

        yield set_clock


@pytest.mark.parametrize(
    "steps",
    [[TOO_FAR], [timedelta(0), -TOLERATED], [TOLERATED, timedelta(0), TOLERATED]],
    ids=["forwards", "backwards", "to and fro"],
)
def test_a_clock_that_jumps_a_little_stops_nobody_and_each_lane_stays_in_order(
    database: LedgerDatabase, jump: Callable[[timedelta], None], steps: list[timedelta]
) -> None:
    with Service.start(database, workers=2) as service:
        clients = Clients([service], set_up(service))

        def jump_about() -> None:
            for ahead in steps:
                jump(ahead)

        clients.run(jump_about)
        assert clients.refusals == {}
        assert len(clients.answers) == REQUESTS
        clients.check(database)
    assert lanes_out_of_order(database) == 0


def test_a_clock_that_falls_far_behind_is_waited_for_and_nothing_is_recorded_meanwhile(
    database: LedgerDatabase, jump: Callable[[timedelta], None]
) -> None:
    with Service.start(database, workers=2) as service:
        clients = Clients([service], set_up(service))
        clients.run(numbers=range(REQUESTS))
        posted = recorded(database.service_url)
        jump(-TOO_FAR)
        later = Clients([service], clients.key)
        with ThreadPoolExecutor(1) as pool:
            load = pool.submit(later.run, numbers=range(REQUESTS, 2 * REQUESTS))
            time.sleep(STANDS_SECONDS)
            assert set(later.refusals) == {"clock-behind"}
            assert later.answers == {}
            assert recorded(database.service_url) == posted
            jump(timedelta(0))
            load.result()
        clients.answers |= later.answers
        assert len(clients.answers) == 2 * REQUESTS
        clients.check(database)
    assert lanes_out_of_order(database) == 0


def lanes_out_of_order(database: LedgerDatabase) -> int:
    """Transactions that are recorded before the one before them in their lane."""
    with psycopg.connect(database.superuser_url) as connection:
        [(number,)] = connection.execute(
            "select count(*) from (select recorded_at, lag(recorded_at) over (partition by lane order by sequence)"
            " as before from transactions) placed where recorded_at < before"
        ).fetchall()
    return int(number)
