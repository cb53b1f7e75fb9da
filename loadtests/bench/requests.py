"""Whole HTTP messages for the client, made before the clock starts."""

import random
from uuid import uuid4

import msgspec

from loadtests.bench.city import HOT_MERCHANTS, HOT_SHARE, PROGRAMME, REDEMPTIONS, City

_encode = msgspec.json.encode


class Merchants(msgspec.Struct):
    """API keys of the city's partners, by their order in the city, and one of the operator."""

    keys: list[str]
    operator_key: str


def earnings(city: City, merchants: Merchants, count: int, *, hot: bool = False) -> list[bytes]:
    """Single earns with keys of their own; ``hot`` sends most of them to three merchants."""
    chance = random.Random(count)
    messages = []
    for _ in range(count):
        few = hot and chance.random() < HOT_SHARE
        key = merchants.keys[chance.randrange(HOT_MERCHANTS)] if few else chance.choice(merchants.keys)
        body = _encode(_earning(city, chance))
        messages.append(_message("POST", "/v1/earnings", key, body, idempotency_key=uuid4().hex))
    return messages


def bulks(city: City, merchants: Merchants, count: int, items: int) -> list[bytes]:
    """Independent bulks of so many items each, three in ten of them redemptions."""
    chance = random.Random(count)
    messages = []
    for _ in range(count):
        bulk = [_bulk_item(city, chance) for _ in range(items)]
        body = _encode({"mode": "independent", "items": bulk})
        messages.append(_message("POST", "/v1/bulk", chance.choice(merchants.keys), body))
    return messages


def balances(city: City, merchants: Merchants, count: int) -> list[bytes]:
    """Reads of random members' balances."""
    chance = random.Random(count)
    return [
        _message(
            "GET",
            f"/v1/members/{chance.choice(city.members)}/balances?programme={PROGRAMME}",
            merchants.operator_key,
            b"",
        )
        for _ in range(count)
    ]


def _earning(city: City, chance: random.Random) -> dict[str, object]:
    return {
        "programme": PROGRAMME,
        "member": chance.choice(city.members),
        "points": chance.randint(1, 200),
        "scene": "food",
    }


def _bulk_item(city: City, chance: random.Random) -> dict[str, object]:
    item = _earning(city, chance) | {"key": uuid4().hex, "operation": "earn"}
    if chance.random() < REDEMPTIONS:
        item |= {"operation": "redeem", "points": chance.randint(1, 60)}
    return item


def _message(method: str, path: str, key: str, body: bytes, idempotency_key: str | None = None) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {key}"]
    if idempotency_key is not None:
        lines.append(f"Idempotency-Key: {idempotency_key}")
    if method == "POST":
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body
