"""Four days worked by hand for the reports: VAT, a party in THB, two prices, a late event, a shortfall, expiry.

Points are valid through the day after they were earned. The fourth day's batch stays a draft.
"""

from datetime import UTC, date, datetime
from typing import Any

import msgspec

from ledger.posting.engine import Engine
from ledger.rules.business_day import to_instant
from ledger.rules.commands import Earn, Redeem, Reverse
from settlement.proposals import TermsRequest
from settlement.store.term_rows import Quote, add_quote
from tests.acceptance.test_points_roll_forward import Worked
from tests.settlement_days import CLERK

PARTIES = ("BANK", "SHOP", "CINEMA", "THAI")
FIRST, SECOND, THIRD, FOURTH = ("2026-11-23", "2026-11-24", "2026-11-25", "2026-11-26")
APPROVED = (FIRST, SECOND, THIRD)


def _event(day: str, time: str, name: str, op: str, points: int, **more: str) -> dict[str, Any]:
    return {"day": day, "time": time, "id": name, "op": op, "points": points, **more}


FILE: dict[str, Any] = {
    "programme": {
        "code": "CITY",
        "validity_days": 1,
        "time_zone": "Asia/Shanghai",
        "currency": "CNY",
        "restore_grace_days": 0,
    },
    "parties": list(PARTIES),
    "events": [
        _event(FIRST, "09:00", "e1", "earn", 1_001, party="BANK", member="m1"),
        _event(FIRST, "09:01", "e2", "earn", 503, party="SHOP", member="m1"),
        _event(FIRST, "09:02", "e3", "earn", 3_000, party="BANK", member="m2"),
        _event(FIRST, "09:03", "e4", "earn", 1_000, party="BANK", member="m3"),
        # All of the bank's 1,001, and 199 of the shop's.
        _event(FIRST, "12:00", "r1", "redeem", 1_200, party="CINEMA", member="m1"),
        _event(FIRST, "12:01", "r2", "redeem", 2_500, party="THAI", member="m2"),
        _event(SECOND, "09:00", "e5", "earn", 999, party="BANK", member="m1"),
        _event(SECOND, "09:01", "e6", "earn", 100, party="SHOP", member="m3", occurred=f"{FIRST}T20:00+08:00"),
        # 500 are left to claw back; 700 the member owes.
        _event(SECOND, "10:00", "v1", "reverse", 1_200, of="e3"),
        _event(SECOND, "10:01", "v2", "reverse", 150, of="r1"),
        # By now 1,000 of the bank's and 304 + 150 + 100 of the shop's have expired.
        _event(THIRD, "12:00", "r3", "redeem", 600, party="SHOP", member="m1"),
        # By now the other 399 of the bank's have expired.
        _event(FOURTH, "09:00", "e7", "earn", 1_000, party="BANK", member="m3"),
    ],
}

TERMS = [
    TermsRequest(
        partner="BANK", starts_on=date(2026, 1, 1), reserve_micros=10_000, fee_micros=2_000, tax_micros=60_000
    ),
    TermsRequest(
        partner="BANK", starts_on=date(2026, 11, 24), reserve_micros=8_000, fee_micros=1_500, tax_micros=60_000
    ),
    TermsRequest(
        partner="SHOP",
        starts_on=date(2026, 1, 1),
        reserve_micros=9_500,
        fee_micros=2_500,
        reimbursement_micros=10_000,
        commission_micros=20_000,
    ),
    TermsRequest(
        partner="CINEMA",
        starts_on=date(2026, 1, 1),
        reimbursement_micros=9_000,
        commission_micros=17_500,
        tax_micros=60_000,
    ),
    TermsRequest(
        partner="THAI",
        starts_on=date(2026, 1, 1),
        reimbursement_micros=10_000,
        commission_micros=20_000,
        currency="THB",
    ),
]


class WorkedWithLateEvents(Worked):
    """Events may have occurred before they are recorded."""

    def _command(self, event: dict[str, Any]) -> tuple[int, Earn | Redeem | Reverse]:
        partner, command = super()._command(event)
        if "occurred" in event:
            assert isinstance(command, Earn)
            occurred_at = to_instant(datetime.fromisoformat(event["occurred"]))
            command = msgspec.structs.replace(command, occurred_at=occurred_at)
        return partner, command


async def quote_baht(engine: Engine, programme: int) -> None:
    """4.80 THB for 1 CNY through all of the days."""
    quote = Quote(
        programme=programme,
        currency="THB",
        quote=480_000_000,
        valid_from=to_instant(datetime(2026, 11, 1, tzinfo=UTC)),
        expires_at=to_instant(datetime(2026, 12, 1, tzinfo=UTC)),
        source="Bank of China, list of 23 November 2026",
    )
    async with engine.pool.connection() as connection:
        await add_quote(connection, quote, CLERK.name)
