"""Webhooks over HTTP: whose they are, what is told of them, and where their secrets are not."""

import base64
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from cryptography.exceptions import InvalidTag
from psycopg import sql

from ledger.ids import LedgerKey
from ledger.store.webhook_secrets import open_secret
from tests.api.street import problem
from tests.service import LEDGER_KEY, Service, make_staff_key
from tests.webhooks.conftest import Shop, Working
from tests.webhooks.receiver import Receiver

WHOLE = sql.SQL("select t::text from {} t")
URL = "https://93.184.215.14/hooks"


def test_a_webhook_is_made_shown_listed_and_removed(shop: Shop, service: Service) -> None:
    body = {"url": URL, "types": ["citypoints.transaction.earn.v1"], "description": "Till 3"}
    made = service.post("/v1/webhooks", body, key=shop.key).raise_for_status().json()
    assert made.pop("secret").startswith("whsec_")
    shown = shop.webhook(made["id"])
    assert shown.pop("secret") is None
    assert shown == made
    assert made | body == made
    assert (made["state"], made["pause_reason"], made["failures"]) == ("active", None, 0)
    assert service.get("/v1/webhooks", key=shop.key).json() == {
        "items": [{**made, "secret": None}],
        "next_cursor": None,
    }
    removed = service.request("DELETE", f"/v1/webhooks/{made['id']}", key=shop.key)
    assert removed.json() == {**made, "secret": None}
    problem(service.get(f"/v1/webhooks/{made['id']}", key=shop.key), 404, "not-found")
    problem(service.request("DELETE", f"/v1/webhooks/{made['id']}", key=shop.key), 404, "not-found")


def test_a_repeated_request_makes_one_webhook_and_tells_no_secret_again(shop: Shop, service: Service) -> None:
    first, again = (service.post("/v1/webhooks", {"url": URL}, key=shop.key, idempotency_key="w") for _ in range(2))
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == {**first.json(), "secret": None}
    webhook = first.json()["id"]
    path = f"/v1/webhooks/{webhook}/rotate-secret"
    rotated, again = (service.post(path, None, key=shop.key, idempotency_key="r") for _ in range(2))
    assert again.json() == {**rotated.json(), "secret": None}
    assert len({first.json()["secret"], rotated.json()["secret"], None}) == 3
    reused = service.post("/v1/webhooks", {"url": URL + "/other"}, key=shop.key, idempotency_key="w")
    problem(reused, 422, "idempotency-key-reused")
    assert len(service.get("/v1/webhooks", key=shop.key).json()["items"]) == 1


def test_another_partners_webhook_is_not_there(shop: Shop, service: Service) -> None:
    stranger = Shop(service)
    webhook, _ = shop.add_webhook(URL)
    path = f"/v1/webhooks/{webhook}"
    for key in (stranger.key, service.operator_key):
        for operation in ("pause", "resume", "rotate-secret", "ping"):
            problem(service.post(f"{path}/{operation}", None, key=key), 404, "not-found")
        problem(service.post(f"{path}/replay", {"state": "dead"}, key=key), 404, "not-found")
        for method, address in (("GET", path), ("DELETE", path), ("GET", f"{path}/deliveries")):
            problem(service.request(method, address, key=key), 404, "not-found")
        assert webhook not in service.get("/v1/webhooks?limit=200", key=key).text
    assert shop.webhook(webhook)["state"] == "active"


def test_another_partners_event_cannot_be_replayed(shop: Shop, service: Service) -> None:
    theirs = Shop(service).earn()
    webhook, _ = shop.add_webhook(URL)
    for event in (theirs, "00000000-0000-0000-0000-000000000000"):
        answer = service.post(f"/v1/webhooks/{webhook}/replay", {"event": event}, key=shop.key)
        problem(answer, 404, "transaction-not-found")


def test_members_auditors_and_strangers_have_no_webhooks(shop: Shop, service: Service) -> None:
    token = service.add_member_token(shop.member)
    auditor = make_staff_key(service.database, "auditor")
    for key in (token, auditor):
        problem(service.get("/v1/webhooks", key=key), 403, "forbidden")
        problem(service.post("/v1/webhooks", {"url": URL}, key=key), 403, "forbidden")
    assert service.get("/v1/events", key=auditor).status_code == 200
    problem(service.get("/v1/events", key=token), 403, "forbidden")


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("$.url", {}),
        ("$.url", {"url": 5}),
        ("$.url", {"url": "https://example.org/" + "x" * 2000}),
        ("$.types", {"url": URL, "types": []}),
        ("$.types[1]", {"url": URL, "types": ["citypoints.transaction.earn.v1", "earn"]}),
        ("$.from", {"url": URL, "from": "yesterday"}),
        ("$.description", {"url": URL, "description": "a\0b"}),
        ("$.secret", {"url": URL, "secret": "whsec_mine"}),
    ],
)
def test_a_malformed_request_names_its_field(shop: Shop, service: Service, field: str, body: dict[str, Any]) -> None:
    refused = problem(service.post("/v1/webhooks", body, key=shop.key), 400, "malformed-request")
    assert field.removeprefix("$.") in str(refused["field"]) + refused["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"event": "x"},
        {"state": "pending"},
        {"state": "dead", "since": "2026-01-01T00:00:00Z"},
        {"since": "2026-01-01"},
    ],
)
def test_a_replay_says_exactly_what_to_send(shop: Shop, service: Service, body: dict[str, Any]) -> None:
    webhook, _ = shop.add_webhook(URL)
    problem(service.post(f"/v1/webhooks/{webhook}/replay", body, key=shop.key), 400, "malformed-request")


def test_a_partner_may_have_ten_webhooks(shop: Shop, service: Service) -> None:
    for _ in range(10):
        shop.add_webhook(URL)
    refused = service.post("/v1/webhooks", {"url": URL}, key=shop.key)
    assert "at most 10" in problem(refused, 409, "conflict")["detail"]
    seen: list[str] = []
    address = "/v1/webhooks?limit=3"
    for _ in range(4):
        page = service.get(address, key=shop.key)
        seen += [item["id"] for item in page.json()["items"]]
        if page.json()["next_cursor"]:
            address = page.links["next"]["url"]
    assert seen == sorted(shop.webhooks)


def test_deliveries_are_listed_in_pages_and_by_state(shop: Shop, working: Working, service: Service) -> None:
    with Receiver() as receiver, working():
        webhook, _ = shop.add_webhook(receiver.url)
        earned = [shop.earn() for _ in range(7)]
        shop.wait_for_state(webhook, "delivered", 7)
    path = f"/v1/webhooks/{webhook}/deliveries"
    first = service.get(path, key=shop.key, params={"limit": 4, "state": "delivered"}).json()
    second = service.get(
        path, key=shop.key, params={"limit": 4, "state": "delivered", "cursor": first["next_cursor"]}
    ).json()
    listed = [item["event"] for item in first["items"] + second["items"]]
    assert listed == sorted(earned, reverse=True)
    assert second["next_cursor"] is None
    other_list = service.get(path, key=shop.key, params={"cursor": first["next_cursor"]})
    problem(other_list, 400, "malformed-cursor")
    problem(service.get(path, key=shop.key, params={"state": "lost"}), 400, "malformed-request")


def test_a_secret_is_nowhere_in_the_database_or_the_log_in_clear(
    shop: Shop, service: Service, capfd: pytest.CaptureFixture[str], working: Working
) -> None:
    with Receiver() as receiver, working():
        webhook, first = shop.add_webhook(receiver.url)
        second = shop.ask(webhook, "rotate-secret")["secret"]
        shop.earn()
        receiver.wait_for(1)
    with psycopg.connect(service.database.owner_url) as owner:
        tables = [name for (name,) in owner.execute("select tablename from pg_tables where schemaname = 'public'")]
        assert "webhooks" in tables
        rows = "\n".join(row for name in tables for (row,) in owner.execute(WHOLE.format(sql.Identifier(name))))
        [(sealed, former)] = owner.execute(
            "select secret, former_secret from webhooks where webhook = %s", [webhook]
        ).fetchall()
    log = (Path(service.data_directory) / "service.log").read_text() + "".join(capfd.readouterr())
    key = LedgerKey(LEDGER_KEY)
    for secret, stored in ((first, former), (second, sealed)):
        raw = base64.b64decode(secret.removeprefix("whsec_"))
        assert open_secret(key, UUID(webhook), stored) == secret
        for form in (secret, secret.removeprefix("whsec_"), raw.hex(), secret.encode().hex()):
            assert form not in rows
            assert form not in log
    assert "in-the-address" not in log


def test_a_sealed_secret_opens_for_its_webhook_and_under_its_key_alone(shop: Shop, service: Service) -> None:

    webhook, _ = shop.add_webhook(URL)
    other, _ = shop.add_webhook(URL)
    with psycopg.connect(service.database.owner_url) as owner:
        [(sealed,)] = owner.execute("select secret from webhooks where webhook = %s", [webhook]).fetchall()
    for key, name in ((LedgerKey(bytes(32)), webhook), (LedgerKey(LEDGER_KEY), other)):
        with pytest.raises(InvalidTag):
            open_secret(key, UUID(name), sealed)


def test_an_operators_webhook_gets_what_the_ledger_does_by_itself(service: Service) -> None:
    made = service.post("/v1/webhooks", {"url": URL}).raise_for_status().json()
    assert made["id"] in service.get("/v1/webhooks?limit=200").text
    service.request("DELETE", f"/v1/webhooks/{made['id']}").raise_for_status()
