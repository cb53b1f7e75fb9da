"""All reports on a batch, by the names under which they are asked for."""

from collections.abc import Awaitable, Callable

from settlement.reports.ageing import ageing_report
from settlement.reports.breakage import breakage_report
from settlement.reports.document import Report
from settlement.reports.drawing import Drawing
from settlement.reports.reserve_proof import reserve_proof_report
from settlement.reports.roll_forward_report import roll_forward_report
from settlement.reports.shortfalls import shortfalls_report
from settlement.reports.trial_balance import trial_balance_report

REPORTS: dict[str, Callable[[Drawing], Awaitable[Report]]] = {
    "trial-balance": trial_balance_report,
    "roll-forward": roll_forward_report,
    "ageing": ageing_report,
    "reserve-proof": reserve_proof_report,
    "breakage": breakage_report,
    "shortfalls": shortfalls_report,
}
