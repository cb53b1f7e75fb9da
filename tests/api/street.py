"""A street of shops on one service, for tests that share it: every test brings members of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import psycopg
from psycopg import sql

from ledger.store.credentials import StaffRole
from tests.service import Service, make_staff_key

PROGRAMME = "CITY"
COUNTED_TABLES = (
    "transactions",
    "postings",
    "lots",
    "particulars",
    "holds",
    "gift_months",
    "approvals",
    "caps",
    "idempotency_keys",
    "details",
    "members",
    "member_names",
    "member_codes",
    "member_tokens",
    "partners",
    "programmes",
    "programme_versions",
    "programme_partners",
    "credentials",
)


@dataclass
class Street:
    """A service with a programme and two shops, CAFE and BOOKS; the shops' keys are API keys."""

    service: Service
    cafe: str = field(init=False)
    books: str = field(init=False)

    def __post_init__(self) -> None:
        self.service.add_programme(PROGRAMME)
        self.cafe = self.service.add_partner("CAFE", [PROGRAMME])
        self.books = self.service.add_partner("BOOKS", [PROGRAMME])

    def new_member(self, key: str | None = None) -> "Regular":
        """A member of the café's, or of another partner's, that nobody has used before."""
        key = key or self.cafe
        reference = uuid4().hex
        answer = self.service.post("/v1/members", {"reference": reference}, key=key).raise_for_status().json()
        return Regular(self, key, answer["id"], f"ref:{reference}", f"card:{answer['card']}")

    def capture(self, hold: str, key: str | None = None, **options: Any) -> httpx.Response:
        """Capture a hold of the café's, or of another partner's; without points all of the rest."""
        idempotency_key = options.pop("idempotency_key", None)
        path = f"/v1/holds/{hold}/captures"
        return self.service.post(path, options, key=key or self.cafe, idempotency_key=idempotency_key)

    def void(self, hold: str, key: str | None = None, **options: Any) -> httpx.Response:
        """Void a hold of the café's, or of another partner's."""
        idempotency_key = options.pop("idempotency_key", None)
        path = f"/v1/holds/{hold}/void"
        return self.service.post(path, options, key=key or self.cafe, idempotency_key=idempotency_key)

    def staff_key(self, *roles: StaffRole) -> str:
        """A key of a staff person who is named for the roles."""
        return make_staff_key(self.service.database, *roles)

    def rows(self) -> dict[str, int]:
        """How many rows each table holds that a request could add to."""
        with psycopg.connect(self.service.database.superuser_url) as connection:
            return {table: _count(connection, table) for table in COUNTED_TABLES}

    def close(self, member: str) -> None:
        """End a membership; its points go back to their issuers."""
        body = {"reason": "moved away", "give_up_points": True}
        self.service.post(f"/v1/members/{member}/close", body).raise_for_status()

    def set_status(self, member: str, status: str) -> None:
        """Set a member's status where only that matters, without a transaction."""
        with psycopg.connect(self.service.database.superuser_url) as connection:
            connection.execute("update members set status = %s where public_id = %s", [status, member])


@dataclass(frozen=True)
class Regular:
    """A member as one partner knows it."""

    street: Street
    key: str
    id: str
    ref: str
    card: str

    def earn(self, points: int = 100, **options: Any) -> httpx.Response:
        """Have the partner give points; ``idempotency_key`` and ``headers`` are not of the body."""
        return self._post("/v1/earnings", {"points": points}, options)

    def spend(self, amount: str, **options: Any) -> httpx.Response:
        """Have the member earn by a spend in CNY."""
        return self._post("/v1/earnings", {"spend": {"currency": "CNY", "amount": amount}}, options)

    def redeem(self, points: int, **options: Any) -> httpx.Response:
        """Have the member pay with points."""
        return self._post("/v1/redemptions", {"points": points}, options)

    def hold(self, points: int, **options: Any) -> httpx.Response:
        """Have the partner hold points of the member."""
        return self._post("/v1/holds", {"points": points}, options)

    def reverse(
        self,
        transaction: str,
        *,
        idempotency_key: str | None = None,
        **body: Any,
    ) -> httpx.Response:
        """Have the partner take a transaction back."""
        return self.street.service.post(
            f"/v1/transactions/{transaction}/reversals",
            {"reason": "returned", **body},
            key=self.key,
            idempotency_key=idempotency_key,
        )

    def balance(self) -> Mapping[str, Any]:
        """What the operator reads of the member."""
        path = f"/v1/members/{self.id}/balances?programme={PROGRAMME}"
        balance: Mapping[str, Any] = self.street.service.get(path).raise_for_status().json()
        return balance

    def token(self) -> str:
        """A token of the member's."""
        return self.street.service.add_member_token(self.id)

    def _post(self, path: str, body: dict[str, Any], options: dict[str, Any]) -> httpx.Response:
        key = options.pop("key", self.key)
        idempotency_key = options.pop("idempotency_key", None)
        headers = options.pop("headers", None)
        whole = {"programme": PROGRAMME, "member": self.ref, "scene": "food", **body, **options}
        whole = {name: value for name, value in whole.items() if value is not None}
        return self.street.service.post(path, whole, key=key, idempotency_key=idempotency_key, headers=headers)

    def give(self, receiver: str, points: int, *, idempotency_key: str | None = None, **body: Any) -> httpx.Response:
        """Have the member give points with a token of its own."""
        return self.street.service.post(
            "/v1/gifts",
            {"programme": PROGRAMME, "to": receiver, "points": points, **body},
            key=self.token(),
            idempotency_key=idempotency_key,
        )


def _count(connection: psycopg.Connection, table: str) -> int:
    row = connection.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(table))).fetchone()
    assert row is not None
    return int(row[0])


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is the problem expected, whole and in its own media type; return its document."""
    document: dict[str, Any] = answer.json()
    assert (answer.status_code, document.get("code")) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert document["status"] == status
    assert document["type"] == f"/problems/{code}"
    assert document["title"]
    assert document["detail"]
    return document
