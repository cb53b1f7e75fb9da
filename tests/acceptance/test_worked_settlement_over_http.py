"""The worked settlement days through HTTP alone, as partners and finance would: every figure, to the fen."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.acceptance.worked_city import (
    BENEFICIARY,
    WorkedCity,
    command_of,
    contracts_of,
    refuse_other_figures,
    worked_file,
)
from tests.databases import LedgerDatabase
from tests.service import Service, make_staff_key


class Finance:
    """A clerk and an approver at the service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._clerk = make_staff_key(service.database, "finance-clerk")
        self._approver = make_staff_key(service.database, "finance-approver")

    def ask(self, path: str, body: Any, *, method: str = "POST", key: str = "") -> dict[str, Any]:
        """Send a request that must succeed: the clerk's, where nobody else's key is given."""
        headers = {"Idempotency-Key": str(uuid4())}
        answer = self._service.request(method, path, key=key or self._clerk, json=body, headers=headers)
        document: dict[str, Any] = answer.raise_for_status().json()
        return document

    def agree(self, proposal: dict[str, Any]) -> None:
        """Have the approver approve what the clerk proposed."""
        path = f"/v1/settlement-proposals/{proposal['id']}/approval"
        self.ask(path, {"reason": "seen"}, key=self._approver)

    def settle(self, programme: str, day: str) -> dict[str, Any]:
        """Close a day, run, submit, approve and instruct its batch; return it as it was approved."""
        self.ask(f"/v1/settlement-days/{programme}/{day}/close", None)
        batch = self.ask("/v1/settlement-batches", {"programme": programme, "through": day})
        path = f"/v1/settlement-batches/{batch['id']}"
        self.ask(f"{path}/submit", {"reason": "agrees with the partners' books"})
        approved = self.ask(f"{path}/approve", {"reason": "checked"}, key=self._approver)
        assert approved["digest"] == batch["digest"]
        self.ask(f"{path}/instruct", {"reason": "pay"})
        return approved


@pytest.mark.parametrize("name", ["settlement_day.json", "settlement_hard_days.json"])
def test_every_figure_of_the_worked_days_comes_out_over_http(
    name: str, database: LedgerDatabase, tmp_path: Path
) -> None:
    file = worked_file(name)
    terms = file["programme"]
    with Service.start(database, sandbox=True) as service:
        service.set_clock("2026-01-01T00:00:00+08:00")
        service.add_programme(
            terms["code"],
            currency=terms["currency"],
            zone=terms["time_zone"],
            restore_grace_days=terms["restore_grace_days"],
            rules={"earn_rate": {"points": 1, "per_amount": "1.00"}, "validity_days": terms["validity_days"]},
        )
        keys = {party: service.add_partner(party, [terms["code"]]) for party in file["parties"]}
        city = WorkedCity(service, command_of(service, tmp_path), file, keys)
        finance = Finance(service)
        named = {"programme": terms["code"], "reason": "contract"}
        for party, day, prices in contracts_of(file):
            body = {**named, "starts_on": day, "beneficiary": {"name": party, **BENEFICIARY}, **prices}
            finance.agree(finance.ask(f"/v1/partners/{party}/terms", body, method="PUT"))
        ours = {**named, "operation": "account", "currency": "CNY", "beneficiary": {"name": "City", **BENEFICIARY}}
        finance.agree(finance.ask("/v1/settlement-proposals", ours))
        settled = {}
        for day in file["expected"]:
            city.live(day)
            settled[day] = finance.settle(city.programme, day)
        again = finance.ask("/v1/settlement-batches", {"programme": city.programme})
        assert (again["id"], again["digest"]) == (settled[day]["id"], settled[day]["digest"])
    refuse_other_figures(city, settled)
