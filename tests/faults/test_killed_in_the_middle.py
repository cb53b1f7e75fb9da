"""``kill -9`` under load: what was answered is there, once; what was not is there once after a retry."""

import os
import signal
import time
from dataclasses import replace

from ledger.embedded import EmbeddedPostgres
from tests.databases import LedgerDatabase
from tests.faults.clients import REQUESTS, Clients, set_up
from tests.faults.conftest import OwnServer
from tests.service import Service, free_port, launch

STARTED_LIMIT_SECONDS, PAUSE_SECONDS = 60, 0.05


def test_a_killed_service_has_kept_every_answer_and_takes_the_rest_again(database: LedgerDatabase) -> None:
    service = Service.start(database, workers=2)
    clients = Clients([service], set_up(service))

    def kill_and_start_again() -> None:
        service.kill()
        clients.services[:] = [Service.start(database, workers=2)]

    try:
        clients.run(kill_and_start_again)
        assert clients.transport_errors > 0
        assert len(clients.answers) == REQUESTS
        clients.check(database)
    finally:
        clients.services[0].stop()


def test_a_killed_worker_is_replaced_while_clients_go_on(database: LedgerDatabase) -> None:
    replaced = {"GRANIAN_RESPAWN_FAILED_WORKERS": "true"}
    with Service.start(database, workers=2, environment=replaced) as service:
        clients = Clients([service], set_up(service))
        clients.run(lambda: os.kill(service.worker_processes()[0], signal.SIGKILL))
        assert len(clients.answers) == REQUESTS
        clients.check(database)


def test_a_killed_database_comes_back_with_every_answer_and_clients_go_on(own_server: OwnServer) -> None:
    restarted: list[EmbeddedPostgres] = []

    def kill_and_restart() -> None:
        own_server.kill()
        restarted.append(EmbeddedPostgres.start(own_server.folder))

    with Service.start(own_server.database, workers=2) as service:
        clients = Clients([service], set_up(service))
        clients.run(kill_and_restart)
        assert len(clients.answers) == REQUESTS
        clients.check(own_server.database)
    [server] = restarted
    server.stop()


def test_a_process_that_starts_while_the_database_restarts_waits_for_it(own_server: OwnServer) -> None:
    with Service.start(own_server.database, workers=2) as running:
        data_directory, port = running.data_directory, free_port()
        own_server.kill()
        process = launch(own_server.database, data_directory, port, workers=2, environment={})
        late = replace(running, base_url=f"http://127.0.0.1:{port}", process=process)
        try:
            deadline = time.monotonic() + STARTED_LIMIT_SECONDS
            while "database_awaited" not in late.log():
                assert time.monotonic() < deadline, late.log()
                time.sleep(PAUSE_SECONDS)
            with EmbeddedPostgres.start(own_server.folder):
                late.wait_until_ready()
                late.process.terminate()
                assert late.process.wait(STARTED_LIMIT_SECONDS) == 0
                running.stop()
        finally:
            late.kill()


def test_what_an_impatient_client_lost_can_still_be_asked_for(database: LedgerDatabase) -> None:
    service = Service.start(database, workers=2)
    impatient = Clients([service], set_up(service), is_patient=False)
    impatient.run(service.kill)
    assert impatient.transport_errors > 0
    with Service.start(database, workers=2) as again:
        clients = Clients([again], impatient.key)
        clients.run()
        for number, answer in impatient.answers.items():
            assert clients.answers[number].content == answer.content
            assert clients.answers[number].headers["Idempotency-Replayed"] == "true"
        clients.check(database)
