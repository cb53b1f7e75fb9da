"""A replica that lags: it is never read or posted to, and after its promotion it has kept what was asked of it."""

import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from ledger.audit import AuditReport
from ledger.audit.sealing import make_seal
from ledger.audit.since_seal import audit_since_seal
from ledger.rules.seal_keys import SealKeys
from ledger.store.unit_of_work import open_pool
from tests.command_line import CommandLine
from tests.databases import LedgerDatabase
from tests.faults.clients import REQUESTS, Clients, recorded, set_up
from tests.faults.conftest import DATABASE, OwnServer
from tests.faults.standby import PORT, Standby, standby_of
from tests.service import LEDGER_KEY, Service, free_port, make_ledger, run_apart

KEYS = SealKeys(bytes(range(32)), [])
ASKED_SECONDS, PAUSE_SECONDS, PATIENCE_SECONDS = 8, 0.25, 120
KEPT, LOST = range(40), range(40, 80)


@pytest.fixture
def standby(own_server: OwnServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standby]:
    make_ledger(own_server.database)
    with standby_of(own_server, tmp_path_factory.mktemp("replica") / "standby") as standby:
        yield standby


def either(own_server: OwnServer, standby: Standby) -> LedgerDatabase:
    """The ledger's database on whichever of the two is the primary."""
    hosts = [own_server.folder / "socket", Path(standby.superuser_url.partition("host=")[2].partition("&")[0])]
    host = ",".join(quote(str(one), safe="/") for one in hosts)
    url = f"postgresql://citypoints_app@/{DATABASE}?host={host}&port=5432,{PORT}"
    return replace(own_server.database, service_url=url)


def seal(url: str, folder: Path) -> None:
    async def make() -> None:
        async with open_pool(url) as pool:
            await make_seal(pool, KEYS, folder, forced=True)

    run_apart(make())


def audited_since_seal(url: str, folder: Path) -> AuditReport:
    async def run() -> AuditReport:
        async with open_pool(url) as pool:
            return await audit_since_seal(pool, folder, KEYS.trusted)

    return run_apart(run())


def test_commands_refuse_a_standby_and_say_what_is_wanted(standby: Standby, tmp_path: Path) -> None:
    variables = {
        "DATABASE_URL": standby.database.service_url,
        "CITYPOINTS_LEDGER_KEY": LEDGER_KEY.hex(),
        "PORT": str(free_port()),
    }
    for command in (["serve"], ["worker"], ["audit"], ["keys", "list"]):
        finished = CommandLine(tmp_path / "data", variables).run(*command)
        assert finished.code == 1, command
        assert "the server is a standby" in finished.errors, command
        assert "wanted is the primary" in finished.errors, command


def test_while_only_a_standby_is_left_nothing_is_answered_from_it_and_its_promotion_brings_all_back(
    own_server: OwnServer, standby: Standby
) -> None:
    own_server.set("synchronous_standby_names", "standby")
    standby.execute("select pg_wal_replay_pause()")
    with Service.start(either(own_server, standby)) as service:
        clients = Clients([service], set_up(service))
        answers = []

        def fail_over() -> None:
            own_server.kill()
            # Long enough for each connection to be opened anew, to a standby if that were allowed.
            until = time.monotonic() + ASKED_SECONDS
            while time.monotonic() < until:
                # A look into the database in any case: who may not read is told so out of memory.
                found = service.get("/v1/transactions?key=never-used", key=clients.key)
                answers.append((found.status_code, found.json().get("code")))
                time.sleep(PAUSE_SECONDS)
            standby.execute("select pg_promote()")

        clients.run(fail_over)
        unavailable = (503, "database-unavailable")
        # A process of the killed primary may still give the answer that it was at.
        assert set(answers[answers.index(unavailable) :]) == {unavailable}
        assert set(clients.refusals) <= {"database-unavailable"}
        assert len(clients.answers) == REQUESTS
        clients.check(standby.database)


def test_what_a_replica_that_was_not_waited_for_has_lost_is_seen_by_the_seals(
    own_server: OwnServer, standby: Standby, tmp_path: Path
) -> None:
    folder = tmp_path / "seals"
    with Service.start(either(own_server, standby)) as service:
        clients = Clients([service], set_up(service))
        clients.run(numbers=KEPT)
        seal(own_server.database.service_url, folder)
        [(end,)] = _rows(own_server.database.superuser_url, "select pg_current_wal_lsn()::text")
        standby.wait_until(f"select pg_last_wal_replay_lsn() >= '{end}'")
        kept = recorded(own_server.database.service_url)
        standby.execute("alter system set primary_conninfo = ''")
        standby.execute("select pg_reload_conf()")
        standby.wait_until("select not exists (select from pg_stat_wal_receiver)")
        clients.run(numbers=LOST)
        assert recorded(own_server.database.service_url) > kept
        seal(own_server.database.service_url, folder)
        own_server.kill()
    standby.execute("select pg_promote()")
    assert recorded(standby.database.service_url) == kept > 0
    report = audited_since_seal(standby.database.service_url, folder)
    assert ("seal 2", "row", "nothing") in {(one.place, one.what, one.found) for one in report.differences}
    variables = {
        "DATABASE_URL": standby.database.service_url,
        "CITYPOINTS_LEDGER_KEY": LEDGER_KEY.hex(),
        "CITYPOINTS_SEALS": str(folder),
    }
    begun = CommandLine(tmp_path / "data", variables).json("new-epoch", "--reason", "the primary is lost")
    assert (begun["epoch"], begun["superseded_seals"]) == (1, [2])
    assert audited_since_seal(standby.database.service_url, folder).is_clean


def test_a_database_that_takes_no_changes_is_an_unavailable_one_until_it_does(own_server: OwnServer) -> None:
    with Service.start(own_server.database, workers=1) as service:
        key = set_up(service)
        clients = Clients([service], key)

        def read_only_for_a_while() -> None:
            own_server.set("default_transaction_read_only", "on")
            deadline = time.monotonic() + PATIENCE_SECONDS
            # Each connection hears of the setting when the server comes to tell it: some still take a change.
            references = (f"late{number}" for number in itertools.count())
            while (answer := service.post("/v1/members", {"reference": next(references)}, key=key)).is_success:
                assert time.monotonic() < deadline, "no member was refused"
            assert (answer.status_code, answer.json()["code"]) == (503, "database-unavailable")
            while not clients.refusals:
                assert time.monotonic() < deadline, "no posting was refused"
                time.sleep(PAUSE_SECONDS)
            own_server.set("default_transaction_read_only", "off")

        clients.run(read_only_for_a_while)
        assert set(clients.refusals) == {"database-unavailable"}
        clients.check(own_server.database)


def _rows(url: str, question: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(question.encode()).fetchall()
