"""Check: each batch of the run is closed, paid once, of the journal's own points, and adds up to zero."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from loadtests.load.checks.evidence import Evidence
from loadtests.load.journal import Row
from loadtests.load.settled import Batch, Settled

CLOSING = frozenset({"obligation_closing", "deferred_fee_closing"})
TAKES = frozenset({"redeem", "capture"})


def settlement_closed(evidence: Evidence) -> Iterator[str]:
    """What is wrong with a batch."""
    if evidence.unsettled:
        yield f"the finance people could not go on: {evidence.unsettled}"
    opening = 0
    for settled in sorted(evidence.settled, key=lambda one: one.begins_at):
        batch = settled.batch
        if batch.state != "closed":
            yield f"{batch.id} is {batch.state}, wanted closed"
        yield from _paid_once(settled)
        yield from _adds_up(batch)
        yield from _points(evidence, settled, opening)
        opening = batch.points.closing


def _paid_once(settled: Settled) -> Iterator[str]:
    batch = settled.batch
    for party, times in Counter(payment.party for payment in batch.payments).items():
        if times > 1:
            yield f"{batch.id} pays {party} {times} times"
    for payment in batch.payments:
        if payment.state != "confirmed":
            yield f"{batch.id}: payment {payment.end_to_end_id} is {payment.state}, wanted confirmed"
    ordered = sum(Decimal(payment.amount.amount) for payment in batch.payments)
    paid = Decimal(settled.paid_minor).scaleb(-2)
    if not ordered == paid == Decimal(batch.pay_out.amount):
        yield f"{batch.id} pays out {batch.pay_out.amount}, ordered {ordered}, and the bank paid {paid}"


def _adds_up(batch: Batch) -> Iterator[str]:
    """What is shown of the operator is, to the fen, what the parties pay; goodwill is the operator's own giving."""
    amounts = {name: Decimal(money.amount) for name, money in batch.operator.items() if name not in CLOSING}
    goodwill = amounts.pop("goodwill", Decimal(0))
    operator = sum(amounts.values()) - goodwill
    parties = sum(Decimal(party.net.amount) for party in batch.parties)
    if parties + operator != 0:
        yield f"{batch.id}: parties get {parties} and the operator {operator}: together not zero"


def _points(evidence: Evidence, settled: Settled, opening: int) -> Iterator[str]:
    of_days = [row for row in evidence.rows if settled.begins_at <= row.recorded_at < settled.ends_at]
    wanted = {
        "opening": opening,
        "issued": sum(row.points for row in of_days if row.kind == "earn"),
        "redeemed": sum(row.points for row in of_days if row.kind in TAKES),
        "restored": sum(row.points for row in of_days if _restores(evidence, row)),
        "closing": opening + sum(row.moved + row.moved_held for row in of_days),
    }
    for name, points in wanted.items():
        said = getattr(settled.batch.points, name)
        if said != points:
            yield f"{settled.batch.id} says {said} points {name}, its part of the journal comes to {points}"


def _restores(evidence: Evidence, row: Row) -> bool:
    original = None if row.reverses is None else evidence.row_at.get(row.reverses)
    return original is not None and original.kind in TAKES
