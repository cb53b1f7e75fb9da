"""Imports over HTTP: received in a stream, worked off in the background, and never a fault for what is sent."""

import csv
import io
import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.databases import LedgerDatabase
from tests.imports.shops import SAMPLE_FILE, SAMPLE_MAPPING, counts, rows
from tests.service import Service

POUNDS = {"currency": "GBP", "zone": "Europe/London", "maximum_age_days": None}
RULES = {"earn_rate": {"points": 1, "per_amount": "1.00"}}
WAIT_SECONDS = 30.0
MEBIBYTE = 1 << 20


@pytest.fixture
def service(database: LedgerDatabase) -> Iterator[Service]:
    with Service.start(database, workers=2) as running:
        running.add_programme("SHOP", **POUNDS, rules=RULES)
        yield running


def send(service: Service, key: str, file: bytes) -> httpx.Response:
    parts = {"file": ("invoices.csv", file), "mapping": ("mapping.toml", SAMPLE_MAPPING.read_bytes())}
    return service.request("POST", "/v1/imports", key=key, files=parts)


def wait_until_done(service: Service, key: str, address: str) -> dict[str, Any]:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        answer = service.get(address, key=key).raise_for_status().json()
        if answer["state"] in {"done", "failed"}:
            return dict(answer)
        time.sleep(0.05)
    pytest.fail(f"not done within {WAIT_SECONDS} s")


def received(service: Service) -> list[str]:
    folder = service.data_directory / "imports"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_a_file_is_received_worked_off_and_its_report_downloaded(service: Service) -> None:
    key = service.add_partner("CORNER-SHOP", ["SHOP"])
    answer = send(service, key, SAMPLE_FILE.read_bytes())
    assert answer.status_code == 202, answer.text
    address = answer.headers["location"]
    assert address == f"/v1/imports/{answer.json()['id']}"
    done = wait_until_done(service, key, address)
    assert {name: done[name] for name in ("state", "lines_done", "posted", "partly_posted", "refused", "failed")} == {
        "state": "done",
        "lines_done": 10,
        "posted": 7,
        "partly_posted": 1,
        "refused": 2,
        "failed": 1,
    }
    report = service.get(done["lines"], key=key)
    assert report.headers["content-type"] == "text/csv; charset=utf-8"
    lines = list(csv.DictReader(io.StringIO(report.text)))
    assert [(line["line"], line["code"]) for line in lines] == [
        ("5", "zero-points"),
        ("8", "partly-posted"),
        ("9", "no-earlier-earn"),
        ("11", "malformed-line"),
    ]
    assert lines[0]["content"] == "700004,2024-03-01T11:31:00,20631,Ireland,85"
    assert not received(service)


def test_the_same_file_again_is_the_same_import_and_changes_nothing(service: Service, database: LedgerDatabase) -> None:
    key = service.add_partner("CORNER-SHOP", ["SHOP"])
    first = send(service, key, SAMPLE_FILE.read_bytes())
    done = wait_until_done(service, key, first.headers["location"])
    before = rows(database, "select count(*) from transactions")
    again = send(service, key, SAMPLE_FILE.read_bytes())
    assert again.status_code == 200
    assert again.json() == done
    assert again.headers["location"] == first.headers["location"]
    assert rows(database, "select count(*) from transactions") == before
    assert not received(service)


def test_an_import_is_seen_by_its_partner_alone(service: Service) -> None:
    key = service.add_partner("CORNER-SHOP", ["SHOP"])
    other = service.add_partner("OTHER", ["SHOP"])
    address = send(service, key, SAMPLE_FILE.read_bytes()).headers["location"]
    for path in (address, f"{address}/lines", "/v1/imports/00000000-0000-8000-8000-000000000000", "/v1/imports/x"):
        answer = service.get(path, key=other)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert service.get(address).status_code == 403
    assert send(service, service.operator_key, b"a").status_code == 403
    assert httpx.post(f"{service.base_url}/v1/imports").status_code == 401
    own = send(service, other, SAMPLE_FILE.read_bytes())
    assert own.headers["location"] != address


def test_a_file_larger_than_any_other_body_is_streamed_and_leaves_nothing_behind(service: Service) -> None:
    key = service.add_partner("CORNER-SHOP", ["SHOP"])
    head = SAMPLE_FILE.read_bytes()
    blank = (b" " * 1023 + b"\n") * 1024
    with_blanks = head + blank * 24
    done = wait_until_done(service, key, send(service, key, with_blanks).headers["location"])
    assert (done["lines_done"], done["posted"], done["file_bytes"]) == (10, 7, len(head) + 24 * MEBIBYTE)
    assert not received(service)


def test_an_import_cut_off_by_a_crash_is_gone_on_with_by_the_next_start(
    database: LedgerDatabase, tmp_path: Path
) -> None:
    lines = ["invoice,invoice_at,customer,country,amount_pence"]
    lines += [f"{number},2024-03-01T09:00:00,{number % 50},UK,{number + 100}" for number in range(20_000)]
    environment = {"CITYPOINTS_DATA": str(tmp_path)}
    first = Service.start(database, environment=environment)
    first.add_programme("SHOP", **POUNDS, rules=RULES)
    key = first.add_partner("CORNER-SHOP", ["SHOP"])
    address = send(first, key, "\n".join(lines).encode()).headers["location"]
    deadline = time.monotonic() + WAIT_SECONDS
    while first.get(address, key=key).json()["lines_done"] < 2_000 and time.monotonic() < deadline:
        time.sleep(0.01)
    first.kill()
    [(state, _, done, *_)] = counts(database)
    assert (state, done < 20_000) == ("running", True)
    with Service.start(database, workers=2, environment=environment) as second:
        finished = wait_until_done(second, key, address)
    assert (finished["lines_done"], finished["posted"]) == (20_000, 20_000)
    assert rows(database, "select count(*), count(distinct key_digest), sum(spend_minor) from transactions") == [
        (20_000, 20_000, sum(range(20_000)) + 100 * 20_000)
    ]


BOUNDARY = "xyz"


def part(name: str, content: bytes, headers: bytes = b"") -> bytes:
    disposition = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n'.encode()
    return disposition + headers + b"\r\n" + content + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()
FILE = part("file", SAMPLE_FILE.read_bytes())
MAPPING = part("mapping", SAMPLE_MAPPING.read_bytes())


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"", "malformed-request", id="an empty body"),
        pytest.param(END, "malformed-request", id="no part"),
        pytest.param(FILE + END, "malformed-request", id="no mapping"),
        pytest.param(MAPPING + END, "malformed-request", id="no file"),
        pytest.param(FILE + MAPPING, "malformed-request", id="no end"),
        pytest.param(FILE + FILE + MAPPING + END, "malformed-request", id="two files"),
        pytest.param(FILE + MAPPING + part("more", b"1") + END, "malformed-request", id="an unknown part"),
        pytest.param(part("", b"1") + END, "malformed-request", id="a part without a name"),
        pytest.param(part("file", b"a", b"X: " + b"y" * 100_000) + END, "malformed-request", id="a huge header"),
        pytest.param(part("file", b"a", b"\xff\xfe: 1\r\n") + END, "malformed-request", id="a header of junk"),
        pytest.param(part("file", b"") + MAPPING + END, "malformed-request", id="an empty file"),
        pytest.param(part("file", os.urandom(4096)) + MAPPING + END, None, id="a file of junk"),
        pytest.param(os.urandom(4096), "malformed-request", id="a body of junk"),
        pytest.param(FILE + part("mapping", b"\xff") + END, "import-mapping-invalid", id="a mapping of junk"),
        pytest.param(FILE + part("mapping", b"a" * 70_000) + END, "import-mapping-invalid", id="a huge mapping"),
        pytest.param(FILE + part("mapping", b'scene = "food"') + END, "import-mapping-invalid", id="half a mapping"),
        pytest.param(part("file", b"a,b\n1,2\n") + MAPPING + END, "import-mapping-invalid", id="other columns"),
    ],
)
def test_what_cannot_be_imported_is_a_clear_problem_and_leaves_nothing(
    shared_service: tuple[Service, str], body: bytes, code: str | None
) -> None:
    service, key = shared_service
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    answer = service.request("POST", "/v1/imports", key=key, content=body, headers=headers)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert code is None or answer.json()["code"] == code, answer.text
    assert not received(service)
    assert counts(service.database) == []


@pytest.mark.parametrize(
    ("content_type", "status"),
    [("application/json", 415), ("multipart/form-data", 400), ("multipart/form-data; boundary=", 400), ("", 415)],
)
def test_another_media_type_is_refused(shared_service: tuple[Service, str], content_type: str, status: int) -> None:
    service, key = shared_service
    answer = service.request("POST", "/v1/imports", key=key, content=b"x", headers={"Content-Type": content_type})
    assert answer.status_code == status, answer.text


def descendants(process: int) -> list[int]:
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *(each for child in children for each in descendants(int(child)))]


def test_a_full_disk_is_told_as_busy_and_the_part_is_removed(shared_service: tuple[Service, str]) -> None:
    service, key = shared_service
    processes = descendants(service.process.pid)
    limits = [resource.prlimit(process, resource.RLIMIT_FSIZE) for process in processes]
    try:
        for process, (_, hard) in zip(processes, limits, strict=True):
            resource.prlimit(process, resource.RLIMIT_FSIZE, (MEBIBYTE, hard))
        answer = send(service, key, SAMPLE_FILE.read_bytes() + b"\n" * (4 * MEBIBYTE))
    finally:
        for process, limit in zip(processes, limits, strict=True):
            resource.prlimit(process, resource.RLIMIT_FSIZE, limit)
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert answer.headers["retry-after"] == "60"
    assert not received(service)
    assert counts(service.database) == []


def test_a_partner_without_the_programme_is_told_before_anything_is_recorded(
    shared_service: tuple[Service, str],
) -> None:
    service, _ = shared_service
    stranger = service.add_partner("STRANGER")
    answer = send(service, stranger, SAMPLE_FILE.read_bytes())
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (
        (422, "import-mapping-invalid", "programme")
    )


@pytest.fixture(scope="module")
def shared_service(module_database: LedgerDatabase) -> Iterator[tuple[Service, str]]:
    """A service for requests that change nothing, with a partner's key."""
    with Service.start(module_database) as running:
        running.add_programme("SHOP", **POUNDS, rules=RULES)
        yield running, running.add_partner("CORNER-SHOP", ["SHOP"])
