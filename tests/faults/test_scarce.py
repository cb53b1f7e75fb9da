"""What runs short: connections of the database, room in the posters' queues, speed and space of the disk."""

import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from ledger.embedded.cluster import SERVICE_ROLE
from ledger.posting.poster import MAXIMUM_QUEUE
from tests.databases import LedgerDatabase
from tests.faults.clients import MEMBERS, REQUESTS, Clients, audited, recorded, set_up
from tests.faults.conftest import OwnServer
from tests.service import ROOT, Service

ITEMS_PER_BULK = 1_000
SMALL_DISK = "96m"
CUT_THE_SERVICE = "select pg_terminate_backend(pid) from pg_stat_activity where usename = %s"
LONGEST_SECONDS = 300


def test_a_service_that_gets_no_connection_asks_to_try_again_and_goes_on_by_itself(own_server: OwnServer) -> None:
    database = own_server.database
    with Service.start(database, workers=1, groups=1) as service:
        clients = Clients([service], set_up(service))

        def run_out_of_connections() -> None:
            with psycopg.connect(database.superuser_url, autocommit=True) as superuser:
                superuser.execute(sql.SQL("alter role {} connection limit 0").format(sql.Identifier(SERVICE_ROLE)))
                superuser.execute(CUT_THE_SERVICE, [SERVICE_ROLE])
                deadline = time.monotonic() + LONGEST_SECONDS
                while not clients.refusals and time.monotonic() < deadline:
                    time.sleep(0.05)
                assert service.get("/healthz").is_success
                assert service.get("/readyz").status_code == HTTPStatus.SERVICE_UNAVAILABLE
                superuser.execute(sql.SQL("alter role {} connection limit -1").format(sql.Identifier(SERVICE_ROLE)))

        clients.run(run_out_of_connections)
        assert set(clients.refusals) == {"database-unavailable"}
        assert len(clients.answers) == REQUESTS
        service.wait_until_ready()
        clients.check(database)


def test_a_full_queue_is_said_and_what_it_did_not_take_is_posted_later_once(database: LedgerDatabase) -> None:
    with (
        Service.start(database, workers=1, groups=1) as service,
        psycopg.connect(database.superuser_url) as holder,
    ):
        key = set_up(service)
        holder.execute("select from lanes for update")
        bulks = MAXIMUM_QUEUE // ITEMS_PER_BULK + 2
        with ThreadPoolExecutor(bulks) as pool:
            running = [pool.submit(send_bulk, service, key, number) for number in range(bulks)]
            # Until all have come and the queue is full; the lanes are let go well within a unit's patience.
            time.sleep(6)
            holder.rollback()
            results = [one.result() for one in running]
        statuses = [status for statuses in results for status in statuses]
        assert statuses.count(HTTPStatus.SERVICE_UNAVAILABLE) > 0
        assert set(statuses) == {HTTPStatus.CREATED, HTTPStatus.SERVICE_UNAVAILABLE}
        assert recorded(database.service_url) == statuses.count(HTTPStatus.CREATED)
        again = [status for number in range(bulks) for status in send_bulk(service, key, number)]
        assert set(again) == {HTTPStatus.CREATED}
        assert recorded(database.service_url) == bulks * ITEMS_PER_BULK
    report = audited(database.service_url)
    assert report.is_clean, report.differences


def send_bulk(service: Service, key: str, number: int) -> list[int]:
    """The statuses of a bulk of earnings, each under a key of its own."""
    items: list[dict[str, Any]] = [
        {
            "operation": "earn",
            "key": f"bulk-{number}-{item}",
            "programme": "CITY",
            "member": f"ref:m{item % MEMBERS}",
            "points": 1,
            "scene": "food",
        }
        for item in range(ITEMS_PER_BULK)
    ]
    answer = service.post("/v1/bulk", {"mode": "independent", "items": items}, key=key).raise_for_status()
    return [result["status"] for result in answer.json()["results"]]


def test_on_a_slow_disk_all_is_answered_and_nothing_is_lost(own_server: OwnServer) -> None:
    own_server.set("commit_siblings", "0")
    own_server.set("commit_delay", "100000")
    with Service.start(own_server.database, workers=2) as service:
        clients = Clients([service], set_up(service))
        clients.run()
        assert len(clients.answers) == REQUESTS
        clients.check(own_server.database)


def test_on_a_full_disk_nothing_answered_is_lost_and_clients_go_on_once_there_is_room(tmp_path: Path) -> None:
    if not may_mount(tmp_path):
        pytest.skip("this machine lets nobody mount a small disk in a namespace of its own")
    found = subprocess.run(
        [*IN_A_NAMESPACE, sys.executable, "-m", "tests.faults.on_a_small_disk", str(tmp_path), SMALL_DISK],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_SECONDS,
    )
    assert found.returncode == 0, found.stderr[-4_000:]
    told = json.loads(found.stdout)
    assert told["asked_to_try_again"] > 0, "the disk was never full"
    assert told["answered"] == told["requests"]


IN_A_NAMESPACE = ("unshare", "--mount", "--propagation", "private")


def may_mount(folder: Path) -> bool:
    """Whether this process may mount a small disk where only it sees it."""
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(
        [*IN_A_NAMESPACE, "mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)],
        capture_output=True,
        check=False,
    )
    return tried.returncode == 0
