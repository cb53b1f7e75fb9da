"""A worked settlement day by the command line: set-up, contracts, days and batches, with the credential of each."""

from pathlib import Path

from tests.acceptance.worked_city import (
    BENEFICIARY,
    WorkedCity,
    command_of,
    contracts_of,
    refuse_other_figures,
    worked_file,
)
from tests.databases import LedgerDatabase
from tests.service import Service

ACCOUNT = "/".join(BENEFICIARY.values())


def test_every_figure_of_the_worked_days_comes_out_by_the_command_line(
    database: LedgerDatabase, tmp_path: Path
) -> None:
    file = worked_file("settlement_day.json")
    terms, code = file["programme"], file["programme"]["code"]
    of = ("--programme", code)
    with Service.start(database, sandbox=True) as service:
        service.set_clock("2026-01-01T00:00:00+08:00")
        command = command_of(service, tmp_path)
        named = {"--zone": "time_zone", "--currency": "currency", "--validity-days": "validity_days"}
        named["--restore-grace-days"] = "restore_grace_days"
        command.done("programmes", "add", code, *(text for name in named for text in (name, str(terms[named[name]]))))
        for party in file["parties"]:
            command.done("partners", "add", party, "--kind", "merchant", "--name", party, *of)
        keys = {party: command.json("keys", "create", "--partner", party)["key"] for party in file["parties"]}
        staff = {
            role: command.json("keys", "create", "--staff", name, "--role", role)["key"]
            for name, role in (("Wang Fang", "finance-clerk"), ("Li Na", "finance-approver"))
        }
        clerk = command_of(service, tmp_path, CITYPOINTS_KEY=staff["finance-clerk"])
        approver = command_of(service, tmp_path, CITYPOINTS_KEY=staff["finance-approver"])
        proposed = [clerk.json("settle", "account", f"City/{ACCOUNT}", *of, "--reason", "opened")]
        for party, day, prices in contracts_of(file):
            options = [text for name, price in prices.items() for text in (f"--{name}", price)]
            paid_at = ("--pay-to", f"{party}/{ACCOUNT}")
            proposed.append(
                clerk.json("terms", "set", party, *of, "--from", day, *options, *paid_at, "--reason", "contract")
            )
        for proposal in proposed:
            approver.json("terms", "approve", proposal["id"], "--reason", "seen")
        city = WorkedCity(service, command, file, keys)
        settled, batch = {}, ""
        for day in file["expected"]:
            city.live(day)
            clerk.done("settle", "close-day", day, *of)
            batch = clerk.json("settle", "run", *of)["id"]
            clerk.json("settle", "submit", batch, "--reason", "agrees")
            assert "finance-approver" in clerk.fails("settle", "approve", batch, "--reason", "me")
            settled[day] = approver.json("settle", "approve", batch, "--reason", "checked")
            clerk.json("settle", "instruct", batch, "--reason", "pay")
        assert clerk.json("settle", "show", batch)["state"] == "instructed"
        command.done("audit")
    refuse_other_figures(city, settled)
