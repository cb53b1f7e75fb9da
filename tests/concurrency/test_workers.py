"""Several workers give the same results as one."""

import random
from typing import Any
from uuid import uuid4

import pytest

from ledger.embedded import EmbeddedPostgres
from tests.databases import LedgerDatabase
from tests.service import Service

COMMANDS = 150
MEMBERS = 4
PARTS = ("kind", "points", "balance_after", "available_after", "pending_after", "scene")


def live(service: Service) -> dict[str, Any]:
    """The same day of one merchant, one call after the other; returns what its members then see."""
    service.add_programme("CITY")
    key = service.add_partner("CAFE", programmes=["CITY"])
    members = [service.add_member(key, f"m{number}") for number in range(MEMBERS)]
    chance = random.Random(7)
    posted: list[str] = []
    statuses = []
    for number in range(COMMANDS):
        member = f"ref:m{chance.randrange(MEMBERS)}"
        body: dict[str, Any] = {"programme": "CITY", "member": member, "scene": "food"}
        what = chance.choice(("earn", "earn", "redeem", "reverse", "repeat"))
        path, body = {
            "earn": ("/v1/earnings", body | {"points": chance.randint(1, 90)}),
            "redeem": ("/v1/redemptions", body | {"points": chance.randint(1, 90)}),
            "repeat": ("/v1/earnings", body | {"points": 5}),
            "reverse": (
                f"/v1/transactions/{chance.choice(posted) if posted else uuid4()}/reversals",
                {"points": chance.randint(1, 40), "reason": "returned"},
            ),
        }[what]
        answer = service.post(path, body, key=key, idempotency_key=f"k{number}")
        statuses.append((what, answer.status_code))
        if answer.status_code == 201 and what != "reverse":
            posted.append(answer.json()["id"])
        if what == "repeat":
            again = service.post(path, body, key=key, idempotency_key=f"k{number}")
            assert (again.status_code, again.content) == (answer.status_code, answer.content)
    return {"statuses": statuses} | {str(number): seen(service, member) for number, member in enumerate(members)}


def seen(service: Service, member: str) -> dict[str, Any]:
    balance = service.get(f"/v1/members/{member}/balances?programme=CITY").raise_for_status().json()
    statement = service.get(f"/v1/members/{member}/statement?programme=CITY&limit=200").raise_for_status().json()
    return {
        "balance": {name: balance[name] for name in ("available", "held", "pending", "shortfall")},
        "statement": [{part: line.get(part) for part in PARTS} for line in statement["lines"]],
    }


def test_four_workers_give_the_same_results_as_one(
    database: LedgerDatabase, postgres: EmbeddedPostgres, migrated_template: str, request: pytest.FixtureRequest
) -> None:
    name = f"{database.name}_alone"
    postgres.create_database(name, template=migrated_template)
    request.addfinalizer(lambda: postgres.drop_database(name))
    alone = LedgerDatabase(
        name, postgres.service_url(name), postgres.owner_url(name), postgres.superuser_url(name), postgres.bin_directory
    )
    with Service.start(alone, workers=1, groups=1) as one:
        expected = live(one)
    with Service.start(database, workers=4, groups=4) as four:
        assert live(four) == expected
    assert {status for _, status in expected["statuses"]} >= {201, 409}
