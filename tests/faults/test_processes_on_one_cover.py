"""A service of several processes on one issuer's credit limit, one of them killed: used to its end, never beyond."""

import os
import signal
from collections import Counter

from ledger.ids import LedgerKey
from ledger.posting.engine import Engine
from settlement.covers import post_cover_movements
from tests.databases import LedgerDatabase
from tests.faults.clients import MEMBERS, Clients
from tests.service import LEDGER_KEY, Service, run_apart
from tests.settlement.finance_office import TODAY, FinanceOffice

PROCESSES = 3
EARNINGS = 300
# Each earning is of 7 points, which cost 0.084 of the currency at a reserve of 0.01 and a fee of 0.002 each; what is
# over of the limit would pay for less than one more.
FITTING = 200
LIMIT = "16.88"
# As `citypoints serve` does.
REPLACES_THE_KILLED = {"GRANIAN_RESPAWN_FAILED_WORKERS": "true"}


def limited_office(service: Service) -> FinanceOffice:
    """An office whose bank may owe up to a limit, and members to give its points to."""
    office = FinanceOffice(service)
    limit = {"currency": "CNY", "amount": LIMIT}
    office.agree(office.terms("BANK", starts_on=TODAY, reserve="0.01", fee="0.002", credit_limit=limit))
    for number in range(MEMBERS):
        service.add_member(office.keys["BANK"], f"m{number}")

    async def grant() -> None:
        async with Engine.open(service.database.service_url, LedgerKey(LEDGER_KEY)) as engine:
            await post_cover_movements(engine)

    run_apart(grant())
    return office


def test_processes_use_a_cover_to_its_end_and_never_beyond_although_one_is_killed(database: LedgerDatabase) -> None:
    with Service.start(database, workers=PROCESSES, sandbox=True, environment=REPLACES_THE_KILLED) as service:
        office = limited_office(service)
        clients = Clients([service], office.keys["BANK"], spends_every=None)
        clients.run(lambda: os.kill(service.worker_processes()[-1], signal.SIGKILL), range(EARNINGS))
        outcomes = Counter(answer.json().get("code", "posted") for answer in clients.answers.values())
        assert outcomes == {"posted": FITTING, "issuer-cover-exhausted": EARNINGS - FITTING}
        report = office.audit()
        assert report.is_clean, report.differences
