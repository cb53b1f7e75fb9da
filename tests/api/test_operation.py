"""What those who run the service rely on: probes, metrics, request ids, logs, starting, stopping, a lost database."""

import dataclasses
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg import sql

from tests.api.street import PROGRAMME, Street, problem
from tests.databases import LedgerDatabase
from tests.service import Service, free_port, launch, make_ledger

END_LIMIT_SECONDS = 60.0
RECOVERY_LIMIT_SECONDS = 30.0


def test_probes_need_no_key(street: Street) -> None:
    assert httpx.get(f"{street.service.base_url}/healthz").json() == {"status": "alive"}
    assert httpx.get(f"{street.service.base_url}/readyz").json() == {"status": "ready"}


def test_metrics_are_those_of_all_processes_together(street: Street) -> None:
    member = street.new_member()

    def redemptions() -> float:
        lines = httpx.get(f"{street.service.base_url}/metrics").raise_for_status().text.splitlines()
        name = 'citypoints_transactions_total{kind="redeem"}'
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    member.earn(100)
    before = redemptions()
    for _ in range(12):
        member.redeem(1)
    assert {redemptions() - before for _ in range(6)} == {12.0}
    member.redeem(1_000)
    text = httpx.get(f"{street.service.base_url}/metrics").text
    for name in ("posting_seconds", "batch_commands", "queue_commands", "refusals_total", "replays_total"):
        assert f"citypoints_{name}" in text


def test_a_request_id_is_echoed_or_made(street: Street) -> None:
    given = street.service.get("/v1/programmes", headers={"X-Request-Id": "till-7.42"})
    assert given.headers["x-request-id"] == "till-7.42"
    made = [street.service.get("/nowhere").headers["x-request-id"] for _ in range(2)]
    assert len(set(made)) == 2
    for improper in ("a b", "x" * 65, "<script>", ""):
        answer = street.service.get("/v1/programmes", headers={"X-Request-Id": improper})
        assert answer.headers["x-request-id"] not in {improper, ""}


def test_head_answers_as_get_without_a_body(street: Street) -> None:
    path = f"/v1/programmes/{PROGRAMME}"
    got, head = street.service.get(path), street.service.request("HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("etag", "content-type", "content-length"):
        assert head.headers[name] == got.headers[name]
    assert street.service.request("HEAD", "/nowhere").status_code == 404


def test_options_and_a_wrong_method_tell_what_is_allowed(street: Street) -> None:
    options = street.service.request("OPTIONS", "/v1/earnings")
    assert (options.status_code, options.headers["allow"]) == (204, "OPTIONS, POST")
    wrong = street.service.request("DELETE", "/v1/earnings")
    problem(wrong, 405, "method-not-allowed")
    assert "POST" in wrong.headers["allow"]


def test_the_log_tells_what_failed_and_no_secret_or_personal_data(street: Street) -> None:
    member = street.new_member()
    token = member.token()
    secrets = [street.cafe, token, member.ref.removeprefix("ref:"), member.id, "evidence-text", "key-in-log"]
    request_id = uuid4().hex
    headers = {"X-Request-Id": request_id, "Member-Token": token}
    refused = member.redeem(
        10**9, evidence="evidence-text", idempotency_key=f"key-in-log-{request_id}", headers=headers
    )
    problem(refused, 409, "insufficient-points")
    street.service.get(f"/v1/members/{member.id}/balances?programme=NOPE")
    log = (street.service.data_directory / "service.log").read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    [line] = [line for line in lines if line.get("request_id") == request_id]
    assert (line["event"], line["method"], line["status"]) == ("request", "POST", 409)
    assert line["route"] == "/v1/redemptions"
    assert "/v1/members/{member}/balances" in {line.get("route") for line in lines}
    for secret in secrets:
        assert secret not in log


def test_requests_served_together_log_their_own_ids(database: LedgerDatabase) -> None:
    with Service.start(database, sandbox=True, environment={"CITYPOINTS_LOG_LEVEL": "debug"}) as service:
        street = Street(service)
        member = street.new_member()
        items = [
            {
                "operation": "earn",
                "key": f"k{number}",
                "programme": PROGRAMME,
                "member": member.ref,
                "points": 1,
                "scene": "food",
            }
            for number in range(500)
        ]
        with ThreadPoolExecutor(8) as together:
            slow = [
                together.submit(
                    service.post,
                    "/v1/bulk",
                    {"mode": "independent", "items": items},
                    key=street.cafe,
                    headers={"X-Request-Id": f"bulk-{n}"},
                )
                for n in range(4)
            ]
            fast = [
                together.submit(service.get, "/v1/nothing", headers={"X-Request-Id": f"lost-{n}"}) for n in range(40)
            ]
        assert {answer.result().status_code for answer in slow} == {200}
        assert {answer.result().status_code for answer in fast} == {404}
        log = (service.data_directory / "service.log").read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    statuses = {line["request_id"]: line["status"] for line in lines if line["event"] == "request"}
    assert {statuses[f"bulk-{n}"] for n in range(4)} == {200}
    assert {statuses[f"lost-{n}"] for n in range(40)} == {404}


def test_replays_are_the_same_bytes_after_a_crash_and_a_restart(database: LedgerDatabase) -> None:
    def requests(street: Street) -> Iterator[httpx.Response]:
        post, key = street.service.post, street.cafe
        member = {"programme": PROGRAMME, "member": "ref:m", "scene": "food"}
        yield post("/v1/members", {"reference": "m"}, key=key, idempotency_key="1")
        yield post("/v1/earnings", {**member, "points": 10}, key=key, idempotency_key="2")
        yield post("/v1/redemptions", {**member, "points": 11}, key=key, idempotency_key="3")
        yield post("/v1/redemptions", {**member, "points": 4}, key=key, idempotency_key="4")
        redeemed = street.service.get("/v1/transactions?key=4", key=key).json()["transactions"][0]["id"]
        yield post(f"/v1/transactions/{redeemed}/reversals", {"reason": "r"}, key=key, idempotency_key="5")
        yield post(
            "/v1/earnings", {**member, "spend": {"currency": "CNY", "amount": "0.10"}}, key=key, idempotency_key="6"
        )

    service = Service.start(database, sandbox=True)
    street = Street(service)
    firsts = [(answer.status_code, answer.content) for answer in requests(street)]
    assert [status for status, _ in firsts] == [201, 201, 409, 201, 201, 409]
    service.kill()
    with Service.start(database, workers=2) as again:
        street.service = again
        rows = street.rows()
        for _ in range(3):
            answers = list(requests(street))
            assert [(answer.status_code, answer.content) for answer in answers] == firsts
            assert {answer.headers["idempotency-replayed"] for answer in answers} == {"true"}
        assert street.rows() == rows


def test_while_the_database_is_away_the_service_says_so_and_recovers(database: LedgerDatabase) -> None:
    with Service.start(database, sandbox=True) as service:
        street = Street(service)
        member = street.new_member()
        member.earn(1)
        administration = database.superuser_url.replace(database.name, "postgres")
        name = sql.Identifier(database.name)
        with psycopg.connect(administration, autocommit=True) as connection:
            connection.execute(sql.SQL("alter database {} with allow_connections false").format(name))
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [database.name]
            )
            answer = member.earn(5, idempotency_key="while-away")
            assert answer.headers["retry-after"]
            problem(answer, 503, "database-unavailable")
            problem(service.get("/readyz"), 503, "database-unavailable")
            assert service.get("/healthz").status_code == 200
            connection.execute(sql.SQL("alter database {} with allow_connections true").format(name))
        deadline = time.monotonic() + RECOVERY_LIMIT_SECONDS
        while (answer := member.earn(5, idempotency_key="while-away")).status_code == 503:
            assert time.monotonic() < deadline, answer.text
        assert answer.status_code == 201
        assert member.balance()["available"] == 6


def test_the_clock_of_a_sandbox_moves_forward_and_a_live_one_is_not_set(
    database: LedgerDatabase, live_street: Street
) -> None:
    with Service.start(database, sandbox=True) as service:
        service.set_clock("2026-05-01T00:00:00Z")
        answer = service.request("PUT", "/v1/sandbox/clock", json={"now": "2026-01-01T08:00:00+08:00"})
        assert answer.json() == {"now": "2026-01-01T00:00:00.000000Z"}
        street = Street(service)
        street.new_member().earn(1)
        back = service.request("PUT", "/v1/sandbox/clock", json={"now": "2025-12-31T23:59:59Z"})
        problem(back, 409, "clock-cannot-go-back")
        for wrong in ({"now": "2026-05-01T00:00:00"}, {"now": "9999-05-01T00:00:00Z"}, {}, {"now": 5}):
            answer = service.request("PUT", "/v1/sandbox/clock", json=wrong)
            problem(answer, 400, "malformed-request")
    answer = live_street.service.request("PUT", "/v1/sandbox/clock", json={"now": "2999-01-01T00:00:00Z"})
    problem(answer, 409, "sandbox-only")


def started(database: LedgerDatabase, folder: Path, **environment: str) -> tuple[int, str]:
    """Exit code and log of a service that ends by itself."""
    process = launch(database, folder, free_port(), 1, environment)
    try:
        code = process.wait(END_LIMIT_SECONDS)
    finally:
        process.kill()
    return code, (folder / "service.log").read_text()


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"CITYPOINTS_LEDGER_KEY": "ab" * 32}, "ledger key is not the one"),
        ({"CITYPOINTS_LEDGER_KEY": "ab"}, "CITYPOINTS_LEDGER_KEY: got"),
        ({"DATABASE_URL": ""}, "DATABASE_URL is not set"),
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nowhere"}, "cannot be reached"),
        ({"CITYPOINTS_LANE_GROUPS": "none"}, "CITYPOINTS_LANE_GROUPS: got 'none', wanted"),
    ],
)
def test_a_service_that_must_not_run_says_why_in_one_line_and_ends(
    database: LedgerDatabase, tmp_path: Path, environment: dict[str, str], said: str
) -> None:
    make_ledger(database)
    code, log = started(database, tmp_path, **environment)
    assert code == 1
    [line] = [line for line in log.splitlines() if "The service does not start" in line]
    assert said in line
    assert "Traceback" not in log


def test_a_service_refuses_the_owners_and_the_superusers_role(database: LedgerDatabase, tmp_path: Path) -> None:
    make_ledger(database)
    for url in (database.owner_url, database.superuser_url):
        code, log = started(dataclasses.replace(database, service_url=url), tmp_path)
        assert code == 1
        assert "is a superuser or owns the tables" in log


def test_a_service_refuses_a_database_that_is_not_migrated_or_holds_no_ledger(
    bare_database: LedgerDatabase, database: LedgerDatabase, tmp_path: Path
) -> None:
    assert "citypoints migrate" in started(bare_database, tmp_path)[1]
    assert "citypoints init" in started(database, tmp_path)[1]


def test_what_was_taken_is_finished_before_the_service_leaves(database: LedgerDatabase) -> None:
    service = Service.start(database, sandbox=True)
    street = Street(service)
    member = street.new_member()
    with ThreadPoolExecutor(16) as together:
        answers = [together.submit(member.earn, 1, idempotency_key=f"last-{n}") for n in range(200)]
        time.sleep(0.05)
        service.stop()
        posted = 0
        for answer in answers:
            try:
                posted += answer.result().status_code == 201
            except httpx.TransportError:
                continue
    assert posted > 0
    with psycopg.connect(database.superuser_url) as connection:
        [(recorded,)] = connection.execute("select count(*) from transactions").fetchall()
    assert recorded >= posted
