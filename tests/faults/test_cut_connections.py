"""Connections that are cut between a till and the service, or between the service and its database."""

from dataclasses import replace

import psycopg
import pytest

from tests.databases import LedgerDatabase
from tests.faults.clients import REQUESTS, Clients, set_up
from tests.faults.cutting_proxy import Cut, CuttingProxy
from tests.service import Service

CUT_EVERY = 3


@pytest.mark.parametrize("cut", ["before the request is whole", "before the answer"])
def test_a_till_whose_connection_is_cut_asks_again_and_has_one_effect(database: LedgerDatabase, cut: Cut) -> None:
    with Service.start(database, workers=2) as service:
        port = int(service.base_url.rpartition(":")[2])
        with CuttingProxy(port, cut, CUT_EVERY) as proxy:
            clients = Clients([replace(service, base_url=proxy.base_url)], set_up(service))
            clients.run()
            assert proxy.cuts >= REQUESTS // CUT_EVERY
            assert clients.transport_errors >= proxy.cuts - 1
        replayed = sum(answer.headers.get("Idempotency-Replayed") == "true" for answer in clients.answers.values())
        assert (replayed > 0) == (cut == "before the answer")
        clients.services[:] = [service]
        assert len(clients.answers) == REQUESTS
        clients.check(database)


def test_a_service_whose_database_connections_are_cut_again_and_again_loses_nothing(database: LedgerDatabase) -> None:
    with Service.start(database, workers=2) as service:
        clients = Clients([service], set_up(service))

        def cut_all() -> None:
            with psycopg.connect(database.superuser_url, autocommit=True) as connection:
                for _ in range(20):
                    connection.execute(
                        "select pg_terminate_backend(pid) from pg_stat_activity"
                        " where datname = %s and application_name like 'citypoints%%'",
                        [database.name],
                    )
                    connection.execute("select pg_sleep(0.05)")

        clients.run(cut_all)
        assert len(clients.answers) == REQUESTS
        clients.check(database)
