"""Requests as they are meant, and what answers them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.stateful.model.accounts import Deal

OK = 200
CREATED = 201
CONFLICT = 409
KEY_REUSED = "idempotency-key-reused"
STATUS = {
    "amount-out-of-range": 422,
    "currency-mismatch": 422,
    "hold-expiry-out-of-range": 422,
    "hold-not-found": 404,
    "idempotency-key-reused": 422,
    "member-not-found": 404,
    "partner-not-permitted": 403,
    "programme-not-found": 404,
    "receiver-not-found": 404,
    "transaction-not-found": 404,
}
"""Every other refusal is a 409."""

TIMES = {"occurred_at", "available_from", "expires_at"}

Request = dict[str, Any]


@dataclass
class Answer:
    status: int
    code: str | None = None
    deal: Deal | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    is_replay: bool = False
    items: "list[Answer]" = field(default_factory=list)

    @property
    def posts(self) -> bool:
        return self.status in (OK, CREATED)


class Refusal(Exception):
    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.answer = Answer(STATUS.get(code, CONFLICT), code, None, facts)


def canonical(request: Request) -> Request:
    """What a request means, however it was written."""
    meant = {name: value for name, value in request.items() if value is not None}
    for name in TIMES & meant.keys():
        meant[name] = datetime.fromisoformat(meant[name]).astimezone(UTC)
    if "spend" in meant:
        meant["spend"] = (meant["spend"]["currency"], int(Decimal(meant["spend"]["amount"]) * 100))
    if "items" in meant:
        meant["items"] = [(key, canonical(item)) for key, item in meant["items"]]
    return meant
