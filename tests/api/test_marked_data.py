"""Marked data, planted in every door that takes text, is looked for everywhere that it must not be.

Before a member is erased, its texts lie in the vault's own tables and nowhere else; after it, they lie in no
file of the database. Write-ahead log and backups age out by themselves, so the log is left out here.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from ledger.embedded import EmbeddedPostgres
from ledger.posting.import_pruning import KEPT_DAYS, prune_imports
from ledger.store.migrate import upgrade
from ledger.store.unit_of_work import open_pool
from tests.api.street import PROGRAMME, Street
from tests.databases import LedgerDatabase
from tests.service import Service, run_apart

NAME = "marked"
VAULT = {"details", "personal_data", "consents", "import_lines", "imports"}
REWRITTEN = "vacuum full details, personal_data, consents, import_lines, imports, member_names, member_tokens"
WAIT_SECONDS = 30.0

# Doors whose text is kept in the vault until the member is erased, or the import pruned.
KEPT = ("reference", "evidence", "metadata-name", "metadata", "reason", "region", "line", "file", "mapping")

# Doors whose text is kept nowhere, or as a keyed digest only.
NOT_KEPT = (
    "member",
    "idempotency-key",
    "path",
    "query",
    "user-agent",
    "wrong-field",
    "wrong-region",
    "wrong-purpose",
    "wrong-json",
    "quoted",
    "refused",
    "item-key",
    "wrong-token",
    "card-name",
)

MAPPING = """
# {mapping}
programme = "CITY"
scene = "food"
points.column = "points"
key.column = "invoice"
member.column = "guest"
"""


@dataclass(frozen=True)
class Planted:
    """A service over a database of its own, in which marks have been planted."""

    service: Service
    server: EmbeddedPostgres
    marks: Mapping[str, str]
    member: str
    secrets: Mapping[str, str]

    def found_in(self, data: bytes, names: "set[str] | None" = None) -> set[str]:
        """The marks and secrets that stand in some bytes, as they are or in hexadecimal."""
        sought = {**self.marks, **self.secrets}
        return {
            name
            for name, mark in sought.items()
            if (names is None or name in names) and (mark.encode() in data or mark.encode().hex().encode() in data)
        }


@pytest.fixture
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """Marks in every door, planted through a service that logs everything."""
    with EmbeddedPostgres.start(tmp_path_factory.mktemp("marked")) as server:
        server.create_database(NAME)
        upgrade(server.owner_url(NAME))
        database = LedgerDatabase(
            NAME, server.service_url(NAME), server.owner_url(NAME), server.superuser_url(NAME), server.bin_directory
        )
        with Service.start(database, sandbox=True, environment={"CITYPOINTS_LOG_LEVEL": "debug"}) as service:
            marks = {door: f"mark-{door}-{uuid4().hex[:10]}" for door in (*KEPT, *NOT_KEPT)}
            street = Street(service)
            member, secrets = plant(street, marks)
            plant_wrong_requests(street, marks)
            import_marked_file(street, marks)
            yield Planted(service, server, marks, member, secrets)


def plant(street: Street, marks: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
    """Create a member and post with every text there is; return its id, and what is secret about it."""
    service, cafe = street.service, street.cafe
    new = {"reference": marks["member"], "region": marks["region"], "consents": [{"purpose": "offers"}]}
    created = service.post("/v1/members", new, key=cafe).raise_for_status().json()
    # Others of whom as much is known: a column's statistics repeat values only where there are several.
    for number in range(20):
        service.post("/v1/members", {"reference": f"other-{number}", "region": f"r{number}"}, key=cafe)
    common = {"programme": PROGRAMME, "member": f"ref:{marks['member']}", "scene": "food"}
    texts = {
        "reference": marks["reference"],
        "evidence": marks["evidence"],
        "metadata": {marks["metadata-name"]: marks["metadata"]},
    }
    headers = {"User-Agent": marks["user-agent"], "Cookie": marks["user-agent"]}
    key = marks["idempotency-key"]
    body = {**common, "points": 50, **texts}
    earned, again = (
        service.post("/v1/earnings", body, key=cafe, idempotency_key=key, headers=headers) for _ in range(2)
    )
    assert (earned.status_code, again.status_code) == (201, 201)
    reversal = f"/v1/transactions/{earned.json()['id']}/reversals"
    service.post(reversal, {"reason": marks["reason"], "points": 5}, key=cafe).raise_for_status()
    refused = service.post("/v1/redemptions", {**common, "points": 999, "evidence": marks["refused"]}, key=cafe)
    assert refused.status_code == 409
    quote = {**common, "operation": "earn", "points": 5, "evidence": marks["quoted"]}
    service.post("/v1/quotes", quote, key=cafe).raise_for_status()
    item = {**common, "operation": "earn", "key": marks["item-key"], "points": 1}
    service.post("/v1/bulk", {"mode": "independent", "items": [item]}, key=cafe).raise_for_status()
    token = service.add_member_token(created["id"])
    read = f"/v1/members/ref:{marks['member']}/balances?programme={PROGRAMME}"
    service.get(read, key=cafe, headers={"Member-Token": token}).raise_for_status()
    return created["id"], {"card": created["card"], "token": token, "api key": cafe}


def plant_wrong_requests(street: Street, marks: Mapping[str, str]) -> None:
    """Send requests that are refused for their form, and names that nobody has."""
    service, cafe = street.service, street.cafe
    common = {"programme": PROGRAMME, "scene": "food", "points": 1}
    members = "/v1/members"
    statuses = [
        service.get(f"{members}/ref:{marks['path']}", key=cafe).status_code,
        service.post("/v1/earnings", {**common, "member": f"card:{marks['card-name']}"}, key=cafe).status_code,
        service.get(f"/v1/transactions?reference={marks['query']}&key={marks['query']}", key=cafe).status_code,
        service.post(members, {"reference": "a", marks["wrong-field"]: 1}, key=cafe).status_code,
        service.post(members, {"reference": "a", "region": f"{marks['wrong-region']} street"}, key=cafe).status_code,
        service.post(
            members, {"reference": "a", "consents": [{"purpose": marks["wrong-purpose"]}]}, key=cafe
        ).status_code,
        service.request(
            "POST",
            members,
            key=cafe,
            content=f'{{"reference": "{marks["wrong-json"]}",',
            headers={"Idempotency-Key": "broken", "Content-Type": "application/json"},
        ).status_code,
        service.get(f"{members}/ref:a/lots?programme=CITY", key=f"cpm_{marks['wrong-token']}").status_code,
    ]
    assert statuses == [404, 404, 400, 400, 400, 400, 400, 401]


def import_marked_file(street: Street, marks: Mapping[str, str]) -> None:
    """Import a file of which a line is refused, and wait for its end."""
    lines = [
        "invoice,guest,points",
        f"i1,{marks['line']},5",
        *(f"i{number},nobody-{number},5" for number in range(2, 20)),
    ]
    files = {
        "file": (marks["file"], "\n".join(lines).encode()),
        "mapping": ("m.toml", MAPPING.format(mapping=marks["mapping"]).encode()),
    }
    sent = street.service.request("POST", "/v1/imports", key=street.cafe, files=files).raise_for_status()
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        answer = street.service.get(sent.headers["location"], key=street.cafe).json()
        if answer["state"] == "done":
            break
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)
    assert answer["refused"] == len(lines) - 1
    assert marks["line"] in street.service.get(answer["lines"], key=street.cafe).text
    while any((street.service.data_directory / "imports").iterdir()):
        assert time.monotonic() < deadline, "the file received is still there"
        time.sleep(0.05)


def found_in_files(planted: Planted, directory: Path) -> set[str]:
    """Marks that stand in any file below a directory, the write-ahead log aside."""
    found = set()
    for path in directory.rglob("*"):
        if path.is_file() and "pg_wal" not in path.parts:
            found |= planted.found_in(path.read_bytes())
    return found


def found_in_database(planted: Planted) -> set[str]:
    """Marks that stand in the database's files once everything is written to them."""
    with psycopg.connect(planted.service.database.superuser_url, autocommit=True) as connection:
        connection.execute("checkpoint")
    return found_in_files(planted, planted.server.data_directory)


def found_in_rows(planted: Planted) -> dict[str, set[str]]:
    """Marks that stand in rows, by table."""
    listed = "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"
    with psycopg.connect(planted.service.database.superuser_url) as connection:
        tables = [row[0] for row in connection.execute(listed).fetchall()]
        assert {"transactions", "idempotency_keys", "lots", "postings", *VAULT} <= set(tables)
        found = {}
        for table in tables:
            query = sql.SQL("select coalesce(string_agg(t::text, ' '), '') from {} t").format(sql.Identifier(table))
            [(text,)] = connection.execute(query).fetchall()
            found[table] = planted.found_in(text.encode())
    return {table: marks for table, marks in found.items() if marks}


def test_nothing_that_callers_wrote_lies_outside_the_vault_and_nothing_lies_anywhere_once_it_is_erased(
    planted: Planted,
) -> None:
    service, database = planted.service, planted.service.database
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute("analyze")

    assert found_in_files(planted, service.data_directory) == set()
    for path in ("/metrics", "/v1/events", "/readyz", "/schema/openapi.json"):
        assert planted.found_in(service.get(path).content) == set(), path
    rows = found_in_rows(planted)
    assert rows.keys() <= VAULT
    assert set().union(*rows.values()) == set(KEPT)
    # What is looked for can be found: the vault's texts lie in the files, and nothing else does.
    assert found_in_database(planted) == set(KEPT)

    with psycopg.connect(database.superuser_url) as connection:
        connection.execute("update members set status = 'closed' where public_id = %s", [planted.member])
        connection.execute("update imports set finished_at = finished_at - %s * interval '1 day'", [KEPT_DAYS + 1])
    erasure = service.post(f"/v1/members/{planted.member}/erasure", {"reason": "member-asked"})
    assert erasure.status_code == 201
    run_apart(_prune(database, service.data_directory / "imports"))
    assert found_in_rows(planted) == {}

    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute(REWRITTEN)
    assert found_in_database(planted) == set()
    assert found_in_files(planted, service.data_directory) == set()


async def _prune(database: LedgerDatabase, directory: Path) -> None:
    async with open_pool(database.service_url) as pool:
        await prune_imports(pool, directory)
