"""A worked file's city on a real sandbox service: its events over HTTP, its days settled by whoever is asked to."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from tests.command_line import CommandLine
from tests.conftest import SHARED
from tests.service import LEDGER_KEY, Service
from tests.shared_input import find_shared

BENEFICIARY = {"account": "6222020200112233445", "clearing_code": "102290000010"}
PATHS = {"earn": "/v1/earnings", "redeem": "/v1/redemptions"}


def worked_file(name: str) -> dict[str, Any]:
    """A file of worked days by its name."""
    file: dict[str, Any] = msgspec.json.decode(find_shared(SHARED / "acceptance", name).read_bytes())
    return file


def contracts_of(file: dict[str, Any]) -> list[tuple[str, str, dict[str, str]]]:
    """Each party's terms and the day from which they hold, in order; a change keeps what it does not name."""
    changes: dict[tuple[str, str], dict[str, str]] = {}
    for row in file["issuer_terms"] + file["acceptor_terms"]:
        prices = {name: price for name, price in row.items() if name not in ("party", "from")}
        changes.setdefault((row["from"], row["party"]), {}).update(prices)
    so_far: dict[str, dict[str, str]] = {}
    found = []
    for day, party in sorted(changes):
        so_far[party] = so_far.get(party, {}) | changes[day, party]
        found.append((party, day, so_far[party]))
    return found


@dataclass
class WorkedCity:
    """The service with the file's programme and parties; ``keys`` are the parties'."""

    service: Service
    command: CommandLine
    file: dict[str, Any]
    keys: dict[str, str]
    refused: Counter[str] = field(default_factory=Counter)
    cards: dict[str, str] = field(default_factory=dict)
    ids: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def programme(self) -> str:
        """The programme's code."""
        return str(self.file["programme"]["code"])

    def live(self, day: str) -> None:
        """Live a day to its end: what lapses first, then its events, until the clock stands at its end."""
        self._set_clock(day, "00:00")
        self.command.done("expire")
        for event in self.file["events"]:
            if event["day"] == day:
                self._set_clock(day, event["time"])
                self._post(event)
        self._set_clock((date.fromisoformat(day) + timedelta(days=1)).isoformat(), "00:00")

    def _post(self, event: dict[str, Any]) -> None:
        if event["op"] == "reverse":
            transaction, party = self.ids[event["of"]]
            path, body = f"/v1/transactions/{transaction}/reversals", {"reason": "returned"}
        else:
            party, path = event["party"], PATHS[event["op"]]
            body = {"programme": self.programme, "member": self._card(event["member"], party), "scene": "leisure"}
        answer = self.service.post(
            path, {**body, "points": event["points"]}, key=self.keys[party], idempotency_key=event["id"]
        )
        if answer.status_code == 409:
            self.refused[event["day"]] += 1
            return
        self.ids[event["id"]] = (answer.raise_for_status().json()["id"], party)

    def _card(self, member: str, party: str) -> str:
        if member not in self.cards:
            made = self.service.post("/v1/members", {"reference": member}, key=self.keys[party]).raise_for_status()
            self.cards[member] = f"card:{made.json()['card']}"
        return self.cards[member]

    def _set_clock(self, day: str, time: str) -> None:
        zone = ZoneInfo(self.file["programme"]["time_zone"])
        self.service.set_clock(datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=zone).isoformat())


def command_of(service: Service, folder: Path, **variables: str) -> CommandLine:
    """The command on a service's ledger; CITYPOINTS_KEY among the variables says as whom."""
    of_ledger = {"DATABASE_URL": service.database.service_url, "CITYPOINTS_LEDGER_KEY": LEDGER_KEY.hex()}
    return CommandLine(folder, {**of_ledger, **variables})


def refuse_other_figures(city: WorkedCity, settled: dict[str, dict[str, Any]]) -> None:
    """Check every expected figure of every day against the batches' JSON; a wrong one fails the test."""
    assert list(settled) == list(city.file["expected"])
    for day, batch in settled.items():
        expected = city.file["expected"][day]
        points = dict(expected["points"])
        assert city.refused[day] == points.pop("refused", 0), day
        assert {line: batch["points"][line] for line in points} == points, day
        operator = {name: amount["amount"] for name, amount in batch["operator"].items()}
        assert operator.pop("obligation_closing") == expected["obligation_closing"], day
        assert {name: operator[name] for name in expected["operator"]} == expected["operator"], day
        _refuse_what_does_not_add_up(batch)
        assert (batch["collect"]["amount"], batch["pay_out"]["amount"]) == (expected["collect"], expected["pay_out"])
        assert {party["party"]: _lines(party) for party in batch["parties"]} == expected["parties"], day


def _refuse_what_does_not_add_up(batch: dict[str, Any]) -> None:
    """Check that what is shown of the operator is, to the fen, what the parties pay."""
    operator = {name: Decimal(amount["amount"]) for name, amount in batch["operator"].items()}
    closing = {"obligation_closing", "deferred_fee_closing"}
    of_operator = sum(amount for name, amount in operator.items() if name not in closing) - 2 * operator["goodwill"]
    assert of_operator == -sum(Decimal(party["net"]["amount"]) for party in batch["parties"]), batch["id"]


def _lines(party: dict[str, Any]) -> dict[str, str]:
    """A party's lines as the file shows them: of both price versions together, none of nothing, and the net."""
    sums: Counter[str] = Counter()
    for line in party["lines"]:
        sums[line["kind"]] += int(line["amount"]["amount"].lstrip("-").replace(".", ""))
    shown = {kind: f"{minor // 100}.{minor % 100:02}" for kind, minor in sums.items() if minor}
    return {**shown, "net": party["net"]["amount"]}
