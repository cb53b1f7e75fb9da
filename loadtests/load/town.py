"""The town of a load test: merchants, an agency with a cap, members with tokens; set up over HTTP by its operator."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import httpx
import msgspec

PROGRAMME = "CITY"
GIFT_LIMIT_POINTS = 5_000
"""What a member of the programme that every ledger has may give, and receive, in a month."""

AGENCY = "AGENCY"
MERCHANTS = 12
AMPLE_POINTS = 100_000_000
REQUEST_TIMEOUT_SECONDS = 30
TOKEN_SECONDS = 24 * 60 * 60
TERMS = {"reserve": "0.01", "fee": "0.002", "reimbursement": "0.01", "commission": "0.02"}
CLEARING_CODE = "102290000010"


class Shop(msgspec.Struct, frozen=True):
    """A partner and its API key."""

    code: str
    key: str


class Person(msgspec.Struct, frozen=True):
    """A member and its token."""

    id: str
    token: str


class Town(msgspec.Struct, frozen=True):
    """Who takes part, merchants and members by how often they are met; written to a file for the clients."""

    url: str
    merchants: list[Shop]
    agency: Shop
    cap_points: int
    members: list[Person]


class Staff(msgspec.Struct, frozen=True):
    """Keys of the operator and of two persons of the finance office."""

    operator: str
    clerk: str
    approver: str


class Office:
    """Sends what the operator and the finance people ask for, and wants it done."""

    def __init__(self, url: str, staff: Staff) -> None:
        self.staff = staff
        self._client = httpx.Client(base_url=url, timeout=REQUEST_TIMEOUT_SECONDS)

    def close(self) -> None:
        """Send nothing more."""
        self._client.close()

    def ask(self, method: str, path: str, body: object = None, *, key: str | None = None) -> Any:  # noqa: ANN401 - JSON
        """Send a request, as the operator where no other key is given; raises HTTPStatusError for a refusal."""
        headers = {"Authorization": f"Bearer {key or self.staff.operator}", "Idempotency-Key": str(uuid4())}
        answer = self._client.request(method, path, json=body, headers=headers)
        if answer.is_error:
            raise httpx.HTTPStatusError(answer.text, request=answer.request, response=answer)
        return answer.json()

    def set_clock(self, moment: str) -> None:
        """Set the ledger's clock (RFC 3339)."""
        self.ask("PUT", "/v1/sandbox/clock", {"now": moment})

    def agree(self, proposed: dict[str, Any]) -> None:
        """Have the other person approve what the clerk proposed."""
        path = f"/v1/settlement-proposals/{proposed['id']}/approval"
        self.ask("POST", path, {"reason": "as signed"}, key=self.staff.approver)

    def add_shop(self, code: str, kind: str) -> Shop:
        """A partner that may issue and accept, with a contract."""
        self.ask("POST", "/v1/partners", {"code": code, "kind": kind, "name": f"Partner {code}"})
        self.ask("PUT", f"/v1/programmes/{PROGRAMME}/partners/{code}", {"may_issue": True, "may_accept": True})
        beneficiary = {"name": f"{code} Ltd", "account": f"6222{code}".replace("-", ""), "clearing_code": CLEARING_CODE}
        terms = {
            "programme": PROGRAMME,
            "starts_on": "2026-01-01",
            "reason": "signed",
            "beneficiary": beneficiary,
            **TERMS,
        }
        self.agree(self.ask("PUT", f"/v1/partners/{code}/terms", terms, key=self.staff.clerk))
        return Shop(code, self.ask("POST", "/v1/keys", {"partner": code})["key"])

    def add_account(self, iban: str) -> None:
        """The operator's own account, from which parties are paid."""
        account = {"name": "City Points", "account": iban, "clearing_code": "102100000012"}
        body = {"programme": PROGRAMME, "operation": "account", "currency": "CNY", "reason": "opened"}
        proposed = self.ask("POST", "/v1/settlement-proposals", body | {"beneficiary": account}, key=self.staff.clerk)
        self.agree(proposed)

    def add_webhook(self, shop: Shop, url: str) -> str:
        """Have a partner told of its transactions; gives the secret of the signatures."""
        return str(self.ask("POST", "/v1/webhooks", {"url": url}, key=shop.key)["secret"])

    def add_members(self, shop: Shop, count: int) -> list[Person]:
        """Members of a partner, each with a token that outlives the run."""
        people = []
        for number in range(count):
            member = self.ask("POST", "/v1/members", {"reference": f"guest-{number}"}, key=shop.key)["id"]
            token = self.ask("POST", f"/v1/members/{member}/tokens", {"lifetime_seconds": TOKEN_SECONDS})
            people.append(Person(member, token["token"]))
        return people


def build_town(office: Office, url: str, members: int, cap_points: int) -> Town:
    """Add everybody to a fresh ledger."""
    merchants = [office.add_shop(f"SHOP-{number:02}", "merchant") for number in range(MERCHANTS)]
    agency = office.add_shop(AGENCY, "government")
    # The one runs out; the other is never used up, so that lanes get allotments of it.
    for code, partner, points in (("BUDGET", AGENCY, cap_points), ("AMPLE", merchants[0].code, AMPLE_POINTS)):
        cap = {"code": code, "programme": PROGRAMME, "partner": partner, "points": points}
        office.ask("POST", "/v1/caps", cap)
    return Town(url, merchants, agency, cap_points, office.add_members(merchants[0], members))


def by_zipf(count: int) -> Sequence[float]:
    """Cumulated weights of ranks by Zipf's law: the second is met half as often as the first."""
    total, weights = 0.0, []
    for rank in range(1, count + 1):
        total += 1 / rank
        weights.append(total)
    return weights
