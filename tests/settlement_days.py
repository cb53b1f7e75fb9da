"""The worked settlement days: their terms as contracts, and a batch's figures in the words of the files."""

from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

from ledger.posting.engine import Engine
from ledger.rules.money import from_minor
from settlement.batches import Batch
from settlement.people import Person
from settlement.proposals import TermsRequest, approve_proposal, propose

CLERK = Person("Wang Fang", frozenset({"finance-clerk"}))
APPROVER = Person("Li Na", frozenset({"finance-approver"}))

SHOWN = (
    "issue_charge",
    "clawback_refund",
    "recovery_refund",
    "expiry_refund",
    "redemption_gross",
    "redemption_commission",
    "return_gross",
    "return_commission",
)


def micros(price: str) -> int:
    return int(Decimal(price) * 1_000_000)


def contracts(file: dict[str, Any]) -> list[TermsRequest]:
    """The file's terms, one request for each party and day on which one changes."""
    days: dict[tuple[str, str], dict[str, int]] = {}
    for row in file["issuer_terms"]:
        prices = {"reserve_micros": micros(row["reserve"]), "fee_micros": micros(row["fee"])}
        days.setdefault((row["party"], row["from"]), {}).update(prices)
    for row in file["acceptor_terms"]:
        prices = {
            "reimbursement_micros": micros(row["reimbursement"]),
            "commission_micros": micros(row["commission"]),
        }
        days.setdefault((row["party"], row["from"]), {}).update(prices)
    requests, so_far = [], dict[str, dict[str, int]]()
    for party, day in sorted(days, key=lambda place: place[1]):
        terms = so_far.setdefault(party, {})
        terms.update(days[party, day])
        requests.append(TermsRequest(partner=party, starts_on=date.fromisoformat(day), **terms))  # type: ignore[arg-type]
    return requests


async def agree(engine: Engine, code: str, requests: list[TermsRequest]) -> None:
    """Have contracts proposed by one person and approved by another."""
    programme = engine.registry.current.programmes[code]
    for request in requests:
        proposal = await propose(engine, CLERK, programme, request, "signed", uuid4())
        await approve_proposal(engine, APPROVER, proposal.proposal, "signed")


def money(minor: int) -> str:
    return from_minor(minor, "CNY") if minor >= 0 else f"-{from_minor(-minor, 'CNY')}"


def figures_of(batch: Batch, codes: dict[int, str]) -> dict[str, Any]:
    """A batch as the files show a day; lines and points of zero are left out."""
    figures = batch.figures
    parties: dict[str, Counter[str]] = {}
    for line in figures.lines:
        if line.amount_minor:
            parties.setdefault(codes[line.party], Counter())[line.kind] += line.amount_minor
    totals: Counter[str] = Counter()
    by_issuer: Counter[str] = Counter()
    for position in figures.positions:
        for field in ("opening", "issued", "clawed_back", "redeemed", "restored", "expired", "recovered"):
            totals[field] += getattr(position, field)
        totals |= Counter()
        totals["shortfall"] += position.owed
        totals["closing"] += position.closing
        totals["shortfall_open"] += position.owed_closing
        by_issuer[codes[position.funding]] += position.closing
    return {
        "parties": {
            party: {kind: money(amount) for kind, amount in lines.items()} | {"net": money(figures.nets[number])}
            for number, party in codes.items()
            if (lines := parties.get(party))
        },
        "collect": money(figures.collect_minor),
        "pay_out": money(figures.pay_out_minor),
        "operator": {
            "service_fee": money(figures.service_fee_minor),
            "commission": money(figures.commission_minor),
            "reserve_variance_and_rounding": money(figures.variance_and_rounding_minor),
            "obligation_change": money(figures.obligation_change_minor),
        },
        "points": {**totals, "closing_by_issuer": {code: n for code, n in sorted(by_issuer.items()) if n}},
        "obligation_closing": money(figures.obligation_closing_minor),
    }
