"""A finance office over HTTP: a sandbox service, named people with keys of their roles, partners and a programme."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import psycopg

from ledger.audit import audit
from ledger.audit.report import AuditReport
from ledger.store.credentials import StaffRole, add_staff_key
from ledger.store.unit_of_work import open_pool, unit_of_work
from settlement.audit import check_settlement
from tests.service import Service, run_apart

PROGRAMME = "CITY"
ZONE = ZoneInfo("Asia/Shanghai")
TODAY = "2026-11-23"
PAID_AT = {"name": "某某咖啡有限公司", "account": "6222020200112233445", "clearing_code": "102290000010"}
ROLES: tuple[StaffRole, ...] = ("finance-clerk", "finance-approver", "manager", "operator", "auditor", "support")


@dataclass
class FinanceOffice:
    """People by their roles; ``keys`` are theirs, those of the partners and of a member."""

    service: Service
    keys: dict[str, str] = field(init=False)
    member: str = field(init=False)

    def __post_init__(self) -> None:
        self.service.set_clock(f"{TODAY}T09:00:00+08:00")
        self.service.add_programme(PROGRAMME)
        self.keys = {role: self.staff_key(f"{role} one", role) for role in ROLES}
        for code in ("BANK", "CAFE"):
            self.keys[code] = self.service.add_partner(code, [PROGRAMME])
        self.member = self.service.add_member(self.keys["BANK"], "m-1")
        self.keys["member"] = self.service.add_member_token(self.member)

    def staff_key(self, name: str, *roles: StaffRole) -> str:
        """Another key of a person."""

        async def make() -> str:
            url = self.service.database.service_url
            async with open_pool(url) as pool, pool.connection() as connection, unit_of_work(connection):
                return (await add_staff_key(connection, name, roles)).key

        return run_apart(make())

    def send(self, method: str, path: str, body: Any = None, *, by: str = "finance-clerk", **headers: str) -> Any:
        """Send a request under a fresh idempotency key, by a role, a partner, or whoever has the key given."""
        key = self.keys.get(by, by)
        named = {"Idempotency-Key": str(uuid4())} | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.service.request(method, path, key=key, json=body, headers=named)

    def new_partner(self) -> str:
        """A partner that no other test knows."""
        code = f"P{uuid4().hex[:12]}"
        self.keys[code] = self.service.add_partner(code, [PROGRAMME])
        return code

    def terms(self, partner: str, *, by: str = "finance-clerk", headers: Any = None, **fields: Any) -> httpx.Response:
        """Propose terms; a field of None is left out."""
        whole = {
            "programme": PROGRAMME,
            "starts_on": "2026-12-01",
            "reason": "contract of 20 November",
            "reserve": "0.0095",
            "fee": "0.0025",
            "reimbursement": "0.0098",
            "commission": "0.02",
            "beneficiary": PAID_AT,
            **fields,
        }
        body = {name: value for name, value in whole.items() if value is not None}
        answer: httpx.Response = self.send("PUT", f"/v1/partners/{partner}/terms", body, by=by, **(headers or {}))
        return answer

    def propose(self, *, by: str = "finance-clerk", **fields: Any) -> httpx.Response:
        """Propose another change."""
        body = {"programme": PROGRAMME, "reason": "agreed", **fields}
        answer: httpx.Response = self.send("POST", "/v1/settlement-proposals", body, by=by)
        return answer

    def decide(self, proposed: httpx.Response, what: str = "approval", *, by: str = "finance-approver") -> Any:
        """Approve or reject what was proposed."""
        assert proposed.status_code == 202, proposed.text
        return self.send(
            "POST", f"/v1/settlement-proposals/{proposed.json()['id']}/{what}", {"reason": "checked"}, by=by
        )

    def agree(self, proposed: httpx.Response) -> dict[str, Any]:
        """Have what was proposed approved by another person."""
        answer: dict[str, Any] = self.decide(proposed).raise_for_status().json()
        return answer

    def history(self, partner: str, *, by: str = "finance-clerk") -> httpx.Response:
        """Read a contract."""
        answer: httpx.Response = self.send("GET", f"/v1/partners/{partner}/terms?programme={PROGRAMME}", by=by)
        return answer

    def settle_day(self, day: str, programme: str = PROGRAMME) -> dict[str, Any]:
        """Set the clock after a day's end, close it and run its batch."""
        following = datetime.fromisoformat(day).replace(tzinfo=ZONE) + timedelta(days=1)
        self.service.set_clock(following.isoformat())
        self.send("POST", f"/v1/settlement-days/{programme}/{day}/close").raise_for_status()
        batch: dict[str, Any] = (
            self.send("POST", "/v1/settlement-batches", {"programme": programme}).raise_for_status().json()
        )
        return batch

    def step(self, batch: str, step: str, *, by: str = "finance-clerk", reason: str = "agrees") -> httpx.Response:
        """Take a step with a batch."""
        answer: httpx.Response = self.send("POST", f"/v1/settlement-batches/{batch}/{step}", {"reason": reason}, by=by)
        return answer

    def balances(self) -> dict[tuple[int, str], int]:
        """Every balance of money that is not zero, in minor units, by account and the party's code."""
        with psycopg.connect(self.service.database.superuser_url) as connection:
            rows = connection.execute(
                "select b.account, coalesce(p.code, ''), b.balance_minor from money_balances b"
                " left join partners p on p.partner = b.party where b.balance_minor <> 0"
            )
            return {(account, party): balance for account, party, balance in rows}

    def audit(self) -> AuditReport:
        """Audit the whole ledger, settlement too."""

        async def look() -> AuditReport:
            async with open_pool(self.service.database.service_url) as pool:
                return await audit(pool, more_checks=[check_settlement])

        return run_apart(look())
