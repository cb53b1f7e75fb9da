"""A process that stands still while it holds a lane, and a deploy: a new service takes over as the old one drains."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg

from tests.databases import LedgerDatabase
from tests.faults.clients import REQUESTS, Clients, set_up
from tests.service import Service

LONGEST_WAIT_SECONDS = 45.0
OTHERS = 40
HOLDS_A_LANE = """
select exists(select from pg_stat_activity where datname = %s and pid = any(%s) and state = 'idle in transaction')
"""
BACKENDS = "select pid from pg_stat_activity where datname = %s and application_name = 'citypoints-poster'"


def stop_inside_a_unit_of_work(connection: psycopg.Connection, process: int, name: str, backends: list[int]) -> bool:
    """Stop a process; let it go again unless it stands inside a unit of work, holding its lanes."""
    os.kill(process, signal.SIGSTOP)
    # What it had sent may still be at work in the database; afterwards the connection waits for the process.
    time.sleep(0.05)
    [(holds,)] = connection.execute(HOLDS_A_LANE, [name, backends]).fetchall()
    if not holds:
        os.kill(process, signal.SIGCONT)
    return bool(holds)


def test_a_worker_that_stands_still_with_a_lane_in_its_hands_stops_nobody_for_long(database: LedgerDatabase) -> None:
    with (
        Service.start(database, workers=1, groups=1) as standing,
        psycopg.connect(database.superuser_url, autocommit=True) as connection,
    ):
        backends = [pid for (pid,) in connection.execute(BACKENDS, [database.name])]
        [process] = standing.worker_processes()
        clients, stopped = Clients([standing], set_up(standing)), threading.Event()

        def stand_still() -> None:
            deadline = time.monotonic() + LONGEST_WAIT_SECONDS
            while time.monotonic() < deadline and not stopped.is_set():
                if stop_inside_a_unit_of_work(connection, process, database.name, backends):
                    stopped.set()

        with Service.start(database, workers=1) as other, ThreadPoolExecutor(1) as pool:
            load = pool.submit(clients.run, stand_still)
            assert stopped.wait(LONGEST_WAIT_SECONDS), "the process was never caught inside a unit of work"
            of_other = Clients([other], clients.key)
            began = time.monotonic()
            of_other.run(numbers=range(REQUESTS, REQUESTS + OTHERS))
            waited_seconds = time.monotonic() - began
            os.kill(process, signal.SIGCONT)
            load.result()
            assert len(of_other.answers) == OTHERS
            assert waited_seconds < LONGEST_WAIT_SECONDS
            clients.answers |= of_other.answers
            clients.check(database)


def test_a_deploy_loses_no_request_while_the_new_service_takes_over(database: LedgerDatabase) -> None:
    old = Service.start(database, workers=2)
    clients = Clients([old], set_up(old))
    started: list[Service] = []

    def deploy() -> None:
        started.append(Service.start(database, workers=2))
        clients.services.append(started[0])
        old.stop()
        clients.services.remove(old)

    try:
        clients.run(deploy)
        assert len(clients.answers) == REQUESTS
        assert set(clients.refusals) <= {"shutting-down"}
        clients.check(database)
    finally:
        for service in started:
            service.stop()
