"""The lines of one party's statement as they are numbered on it, and which postings each sums."""

from collections.abc import AsyncIterator

import msgspec

from settlement.batches import Range
from settlement.flows import FlowKind
from settlement.gathering import FLOW_OF_POSTING
from settlement.lines import ISSUER_KINDS, LineKind, StatementLine
from settlement.reports.drawing import Drawing
from settlement.store.report_rows import LineFilter, LinePosting, read_line_postings

PAGE = 2_000
"""Postings read at once."""

_RETURNS = frozenset({"return_gross", "return_commission", "attribution_fee_returned", "attribution_income_returned"})
_PRICE_OF_ISSUER = {"issue_charge", "clawback_refund", "recovery_refund"}


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A numbered line with its VAT; ``acceptor`` took the points, also where the line pays another for that.

    Amounts are minor units of the programme's currency, positive in the party's favour.
    """

    number: int
    line: StatementLine
    acceptor: int
    amount_minor: int
    vat_minor: int = 0

    @property
    def net_minor(self) -> int:
        """The amount and its VAT."""
        return self.amount_minor + self.vat_minor


def entries_of(lines: tuple[StatementLine, ...], party: int) -> list[Entry]:
    """A party's lines in the batch's order, which is why a line keeps its number; VAT stands with what it taxes."""
    entries: list[Entry] = []
    acceptor = 0
    for line in lines:
        if line.kind in ("redemption_gross", "return_gross", "exchange_price"):
            acceptor = line.party
        if line.party != party:
            continue
        if line.kind.startswith("vat_"):
            entries[-1] = msgspec.structs.replace(entries[-1], vat_minor=line.net_minor)
            continue
        taker = 0 if line.funding else acceptor
        entries.append(Entry(number=len(entries) + 1, line=line, acceptor=taker, amount_minor=line.net_minor))
    return entries


def price_micros(drawing: Drawing, entry: Entry) -> int:
    """The price per point, of an exchange per point issued, or of a commission or fee its rate, in millionths."""
    line = entry.line
    if line.funding:
        terms = drawing.book.issuer(drawing.lead(line.funding), line.version)
        reserve_micros = terms.reserve_micros or 0
        return reserve_micros + terms.fee_micros if line.kind in _PRICE_OF_ISSUER else reserve_micros
    if line.kind == "exchange_price":
        return next(rate.price_micros for rate in drawing.batch.inputs.rates if rate.number == line.version)
    terms = drawing.book.acceptor(entry.acceptor, line.version)
    if line.kind in ("redemption_gross", "return_gross"):
        return terms.reimbursement_micros or 0
    return terms.commission_micros if line.kind.endswith("_commission") else terms.attribution_micros


def postings_wanted(drawing: Drawing, entry: Entry) -> LineFilter:
    """How the postings that a line sums are told apart."""
    line = entry.line
    priced_by = drawing.lead(line.funding) if line.funding else entry.acceptor
    bounds = drawing.price_bounds()
    segments = [
        segment
        for segment in range(len(bounds) + 1)
        if (terms := drawing.terms_in(priced_by, segment)) is not None and terms.version == line.version
    ]
    kinds = _flow_kinds(line.kind)
    return LineFilter(
        programme=drawing.batch.programme,
        pairs=tuple(pair for pair, kind in FLOW_OF_POSTING.items() if kind in kinds),
        funding=line.funding or None,
        acceptor=entry.acceptor or None,
        exchange_rate=line.version if line.kind == "exchange_price" else None,
        bounds=tuple(bounds),
        segments=tuple(segments),
    )


async def line_postings(
    drawing: Drawing, entry: Entry, after: tuple[int, int, int] = (-1, 0, 0), page: int = PAGE
) -> AsyncIterator[LinePosting]:
    """All postings that a line sums, after a place (lane, sequence, line), by lane and in the journal's order.

    ``page`` is how many are read at once.
    """
    wanted = postings_wanted(drawing, entry)
    lane, *place = after
    for stretch in drawing.batch.inputs.ranges:
        if stretch.lane < lane:
            continue
        start = (place[0], place[1]) if stretch.lane == lane else (stretch.after + 1, -1)
        async for posting in _of_stretch(drawing, wanted, stretch, start, page):
            yield posting


async def _of_stretch(
    drawing: Drawing, wanted: LineFilter, stretch: Range, start: tuple[int, int], page: int
) -> AsyncIterator[LinePosting]:
    while True:
        found = await read_line_postings(drawing.connection, wanted, stretch, start, page)
        for posting in found:
            yield posting
        if len(found) < page:
            return
        start = (found[-1].sequence, found[-1].line)


def _flow_kinds(kind: LineKind) -> set[FlowKind]:
    """What flows a line is made of."""
    if kind == "goodwill":
        return set(ISSUER_KINDS)
    if kind == "exchange_price":
        return {FlowKind.EXCHANGE}
    of_issuer = {flow for flow, of in ISSUER_KINDS.items() if of == kind}
    return of_issuer or ({FlowKind.RETURN} if kind in _RETURNS else {FlowKind.REDEEM})
