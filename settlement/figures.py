"""The figures of a batch, from its flows: lines, money, points, positions, and what they come to for each party.

Pure: the same flows, contracts, quotes and opening give the same figures, in any order and on any machine.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction

import msgspec

from ledger.rules.decisions.clearing import settled
from ledger.rules.journal import Posting
from ledger.rules.money import minor_places
from ledger.rules.money_postings import MoneyAccount, MoneyPosting
from ledger.rules.programmes import ExchangeRate
from settlement.flows import Flow, FlowKind
from settlement.lines import AcceptorSide, ExchangeSide, Funding, IssuerSide, LineMaker, StatementLine
from settlement.money_journal import MoneyJournal
from settlement.roll_forward import Position, roll_forward
from settlement.rounding import in_minor
from settlement.terms import TermsBook

_A = MoneyAccount


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """Where a batch begins: the positions at the end of the last, what 2000 and 2300 owe, minor units."""

    positions: tuple[Position, ...] = ()
    obligation_minor: int = 0
    deferred_fee_minor: int = 0


class BatchFigures(msgspec.Struct, frozen=True, kw_only=True):
    """All that a batch comes to; amounts are minor units of the programme's currency.

    ``points`` settle what acceptors took with who funded it. ``nets`` are by party, positive what it gets. By double
    entry what parties pay is what stands with the operator: -(sum of nets) = obligation change + deferred fee change
    + service fee + commission + exchange margin + variance and rounding + VAT + breakage - goodwill.
    """

    lines: tuple[StatementLine, ...]
    positions: tuple[Position, ...]
    money: tuple[MoneyPosting, ...]
    points: tuple[Posting, ...]
    nets: dict[int, int]
    service_fee_minor: int
    commission_minor: int
    variance_and_rounding_minor: int
    obligation_change_minor: int
    obligation_closing_minor: int
    deferred_fee_closing_minor: int
    deferred_fee_change_minor: int
    vat_minor: int
    breakage_minor: int
    goodwill_minor: int
    exchange_margin_minor: int = 0

    @property
    def collect_minor(self) -> int:
        """What all parties whose net is against them come to."""
        return -sum(net for net in self.nets.values() if net < 0)

    @property
    def pay_out_minor(self) -> int:
        """What all parties whose net is in their favour come to."""
        return sum(net for net in self.nets.values() if net > 0)


def settle(
    flows: Sequence[Flow],
    book: TermsBook,
    fundings: Mapping[int, Funding],
    opening: Opening,
    currency: str,
    quotes: Mapping[str, int] | None = None,
    currencies: Mapping[int, str] | None = None,
    rates: Mapping[int, ExchangeRate] | None = None,
) -> BatchFigures:
    """Settle flows; raises ContractMissing where one has no contract, KeyError where a foreign party has no quote.

    ``currencies`` are those in which foreign parties are settled, ``quotes`` what one unit of the programme's
    currency is in each of them, in hundred-millionths; ``rates`` are those of exchanges, by number.
    """
    maker = LineMaker(book, fundings, minor_places(currency))
    journal = MoneyJournal(currency, currencies or {}, quotes or {})
    issuers, acceptors = maker.issuer_sides(flows), maker.acceptor_sides(flows)
    exchanges = maker.exchange_sides(flows, rates or {})
    for issuer in issuers:
        journal.book_issuer_side(issuer)
    for acceptor in acceptors:
        journal.book_acceptor_side(acceptor)
    for exchange in exchanges:
        journal.book_exchange_side(exchange)
    positions = roll_forward(opening.positions, flows)
    obligation = _obligation(positions, maker, currency)
    journal.true_up(_A.REDEMPTION_OBLIGATION, _A.ROUNDING, opening.obligation_minor, obligation)
    deferred = _deferred(positions, maker, currency)
    journal.true_up(_A.DEFERRED_FEE, _A.SERVICE_FEE, opening.deferred_fee_minor, deferred)
    sides: list[IssuerSide | AcceptorSide | ExchangeSide] = [*issuers, *acceptors, *exchanges]
    lines = tuple(line for side in sides for line in side.lines)
    return _figures(lines, positions, _points(flows), journal.postings, opening, currency)


def _figures(
    lines: tuple[StatementLine, ...],
    positions: tuple[Position, ...],
    points: tuple[Posting, ...],
    money: Sequence[MoneyPosting],
    opening: Opening,
    currency: str,
) -> BatchFigures:
    gained = _gained(money, currency)
    return BatchFigures(
        lines=lines,
        positions=positions,
        money=tuple(money),
        points=points,
        nets=_nets(lines),
        service_fee_minor=gained[_A.SERVICE_FEE],
        commission_minor=gained[_A.COMMISSION],
        variance_and_rounding_minor=gained[_A.RESERVE_VARIANCE] + gained[_A.ROUNDING],
        obligation_change_minor=gained[_A.REDEMPTION_OBLIGATION],
        obligation_closing_minor=opening.obligation_minor + gained[_A.REDEMPTION_OBLIGATION],
        deferred_fee_closing_minor=opening.deferred_fee_minor + gained[_A.DEFERRED_FEE],
        deferred_fee_change_minor=gained[_A.DEFERRED_FEE],
        vat_minor=gained[_A.VAT_PAYABLE],
        breakage_minor=gained[_A.BREAKAGE_INCOME],
        goodwill_minor=-gained[_A.GOODWILL],
        exchange_margin_minor=gained[_A.EXCHANGE_MARGIN],
    )


def _obligation(positions: Sequence[Position], maker: LineMaker, currency: str) -> Fraction:
    """What members' outstanding points have in reserve, each at the price of its version."""
    total, places = Fraction(0), minor_places(currency)
    for position in positions:
        if position.closing:
            terms = maker.issuers_terms(position.funding, position.version)
            total += in_minor(position.closing, terms.reserve_micros or 0, places)
    return total


def _deferred(positions: Sequence[Position], maker: LineMaker, currency: str) -> Fraction:
    """The fees of outstanding points whose service is still owed."""
    total, places = Fraction(0), minor_places(currency)
    for position in positions:
        if position.closing:
            terms = maker.issuers_terms(position.funding, position.version)
            total += in_minor(position.closing, terms.fee_micros, places) if terms.fee_is_deferred else 0
    return total


def _gained(postings: Sequence[MoneyPosting], currency: str) -> Counter[MoneyAccount]:
    """By how much each account grew on its credit side, in the programme's currency."""
    gained: Counter[MoneyAccount] = Counter()
    for posting in postings:
        if posting.currency == currency:
            gained[MoneyAccount(posting.credit)] += posting.amount_minor
            gained[MoneyAccount(posting.debit)] -= posting.amount_minor
    return gained


def _nets(lines: Sequence[StatementLine]) -> dict[int, int]:
    nets: Counter[int] = Counter()
    for line in lines:
        nets[line.party] += line.net_minor
    return {party: nets[party] for party in sorted(nets)}


def _points(flows: Sequence[Flow]) -> tuple[Posting, ...]:
    """What goes from each acceptor back to each funding, by the lots used; the other way where returns were more."""
    taken: Counter[tuple[int, int]] = Counter()
    for flow in flows:
        if flow.kind == FlowKind.REDEEM:
            taken[flow.acceptor, flow.funding] += flow.points
        elif flow.kind in (FlowKind.RETURN, FlowKind.DECIDED_RETURN):
            taken[flow.acceptor, flow.funding] -= flow.points
    return tuple(settled(*place, taken[place]) for place in sorted(taken) if taken[place])
