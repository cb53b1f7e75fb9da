"""Statement lines: what a batch's flows mean in money for each party, computed exactly and rounded once per line.

The rules are the contract's: an issuer is charged reserve and fee of what it issues, and has them back of what is
taken back or recovered, the reserve alone of what expires; an acceptor has its reimbursement less commission. A
line is one price version of one funding or acceptor. A lot never brings its issuer more than it was charged.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Literal

import msgspec

from ledger.rules.programmes import ExchangeRate
from settlement.flows import Flow, FlowKind
from settlement.rounding import MICROS, half_even, in_minor, share
from settlement.terms import ContractTerms, TermsBook, missing

LineKind = Literal[
    "issue_charge",
    "clawback_refund",
    "recovery_refund",
    "expiry_refund",
    "redemption_gross",
    "redemption_commission",
    "return_gross",
    "return_commission",
    "vat_on_fee",
    "vat_on_fee_returned",
    "vat_on_commission",
    "vat_on_commission_returned",
    "attribution_fee",
    "attribution_fee_returned",
    "attribution_income",
    "attribution_income_returned",
    "goodwill",
    "exchange_price",
]

IN_FAVOUR: dict[LineKind, int] = {
    "issue_charge": -1,
    "clawback_refund": 1,
    "recovery_refund": 1,
    "expiry_refund": 1,
    "redemption_gross": 1,
    "redemption_commission": -1,
    "return_gross": -1,
    "return_commission": 1,
    "vat_on_fee": -1,
    "vat_on_fee_returned": 1,
    "vat_on_commission": -1,
    "vat_on_commission_returned": 1,
    "attribution_fee": -1,
    "attribution_fee_returned": 1,
    "attribution_income": 1,
    "attribution_income_returned": -1,
    # The operator's own points: it owes nobody for them, and takes no fee of itself.
    "goodwill": 0,
    "exchange_price": 1,
}
"""Whether a line's amount is in the party's favour, 1, or against it, -1."""

ISSUER_KINDS: dict[FlowKind, LineKind] = {
    FlowKind.ISSUE: "issue_charge",
    FlowKind.CLAWBACK: "clawback_refund",
    FlowKind.RECOVERY: "recovery_refund",
    FlowKind.EXPIRE: "expiry_refund",
}


class Funding(msgspec.Struct, frozen=True):
    """Who pays for points: ``lead`` is the partner whose contract sets the price, ``shares`` are partners and parts."""

    lead: int
    shares: tuple[tuple[int, int], ...]


class StatementLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a party's statement: ``amount_minor`` is never negative, ``IN_FAVOUR`` says for whom it is.

    Minor units of the programme's currency. ``reserve_minor`` is the reserve within the amount of an issuer's
    line. ``version`` is of the lead's or acceptor's contract, or the number of a rate of exchange; ``funding`` is 0 on
    the line of who takes points.
    """

    party: int
    kind: LineKind
    version: int
    amount_minor: int
    points: int
    funding: int = 0
    reserve_minor: int = 0
    late_points: int = 0
    transactions: int = 0

    @property
    def net_minor(self) -> int:
        """The amount as the party sees it: positive what it gets, negative what it pays."""
        return IN_FAVOUR[self.kind] * self.amount_minor


class IssuerSide(msgspec.Struct, frozen=True, kw_only=True):
    """What one kind of event did to one funding's points of one price version, as a whole, in minor units.

    ``moved_reserve_minor`` is what the lots that moved had in reserve, also where that is another's: of a recovery,
    the reserve of the points that repaid. ``lines`` are the parties' shares of it.
    """

    kind: FlowKind
    terms: ContractTerms
    moved_reserve_minor: int
    lines: tuple[StatementLine, ...]


class AcceptorSide(msgspec.Struct, frozen=True, kw_only=True):
    """What an acceptor's redemptions or returns of one price version come to, in minor units."""

    is_return: bool
    terms: ContractTerms
    reserve_minor: int
    gross_minor: int
    commission_minor: int
    lines: tuple[StatementLine, ...]


class ExchangeSide(msgspec.Struct, frozen=True, kw_only=True):
    """What the points that became another programme's at a rate had in reserve, and what their new issuer is paid."""

    reserve_minor: int
    lines: tuple[StatementLine, ...]


class _Sum:
    """What flows of one line come to."""

    def __init__(self) -> None:
        self.points = 0
        self.refunded = 0
        self.late_points = 0
        self.transactions = 0
        self.reserve = Fraction(0)

    def add(self, flow: Flow, reserve: Fraction) -> None:
        self.points += flow.points
        self.refunded += flow.refunded
        self.late_points += flow.late_points
        self.transactions += flow.transactions
        self.reserve += reserve


class LineMaker:
    """Makes the lines of a batch from its flows; ``places`` are the decimal places of the programme's currency."""

    def __init__(self, book: TermsBook, fundings: Mapping[int, Funding], places: int) -> None:
        self._book = book
        self._fundings = fundings
        self._places = places

    def issuers_terms(self, funding: int, version: int) -> ContractTerms:
        """The contract by which a funding's points are charged; raises ContractMissing."""
        return self._book.issuer(self._fundings[funding].lead, version)

    def reserve(self, flow: Flow) -> Fraction:
        """What the points that a flow moves have in reserve, exactly."""
        terms = self.issuers_terms(flow.funding, flow.version)
        return in_minor(flow.points, terms.reserve_micros or 0, self._places)

    def issuer_sides(self, flows: Iterable[Flow]) -> list[IssuerSide]:
        """Charges and refunds, by kind, funding and price version."""
        sums: defaultdict[tuple[FlowKind, int, int], _Sum] = defaultdict(_Sum)
        for flow in flows:
            if flow.kind not in ISSUER_KINDS:
                continue
            place = (flow.kind, flow.funding, flow.version)
            if flow.kind == FlowKind.RECOVERY:
                place = (flow.kind, flow.debtor_funding, flow.debtor_version)
            sums[place].add(flow, self.reserve(flow))
        return [self._issuer_side(*place, sums[place]) for place in sorted(sums)]

    def acceptor_sides(self, flows: Iterable[Flow]) -> list[AcceptorSide]:
        """Redemptions and returns, by acceptor and price version."""
        sums: defaultdict[tuple[FlowKind, int, int], _Sum] = defaultdict(_Sum)
        for flow in flows:
            if flow.kind in (FlowKind.REDEEM, FlowKind.RETURN):
                sums[flow.kind, flow.acceptor, flow.acceptor_version].add(flow, self.reserve(flow))
        return [self._acceptor_side(*place, sums[place]) for place in sorted(sums)]

    def exchange_sides(self, flows: Iterable[Flow], rates: Mapping[int, ExchangeRate]) -> list[ExchangeSide]:
        """What issuers in other programmes are paid for the points that they issued there, by rate."""
        sums: defaultdict[int, _Sum] = defaultdict(_Sum)
        for flow in flows:
            if flow.kind == FlowKind.EXCHANGE:
                sums[flow.acceptor_version].add(flow, self.reserve(flow))
        return [self._exchange_side(rates[number], sums[number]) for number in sorted(sums)]

    def _exchange_side(self, rate: ExchangeRate, found: _Sum) -> ExchangeSide:
        self._first(rate.issuer, "acceptor")
        issued = Fraction(found.points * rate.get, rate.give)
        line = StatementLine(
            party=rate.issuer,
            kind="exchange_price",
            version=rate.number,
            amount_minor=half_even(in_minor(1, rate.price_micros, self._places) * issued),
            points=found.points,
            late_points=found.late_points,
            transactions=found.transactions,
        )
        return ExchangeSide(reserve_minor=half_even(found.reserve), lines=(line,))

    def _issuer_side(self, kind: FlowKind, funding: int, version: int, found: _Sum) -> IssuerSide:
        terms = self.issuers_terms(funding, version)
        reserve = in_minor(found.refunded, terms.reserve_micros or 0, self._places)
        fee = in_minor(found.refunded, terms.fee_micros, self._places)
        if kind == FlowKind.EXPIRE:
            fee = Fraction(0)
        if kind == FlowKind.EXPIRE and terms.breakage == "operator":
            reserve = Fraction(0)
        amounts = {"amount": half_even(reserve + fee), "reserve": half_even(reserve), "vat": self._vat(fee, terms)}
        parts = self._fundings[funding].shares
        shares = {what: share(amount, parts) for what, amount in amounts.items()}
        of_points, late = share(found.points, parts), share(found.late_points, parts)
        lines: list[StatementLine] = []
        for party, _ in sorted(parts):
            is_goodwill = self._is_own_account(party, terms)
            line = StatementLine(
                party=party,
                kind="goodwill" if is_goodwill else ISSUER_KINDS[kind],
                version=version,
                funding=funding,
                amount_minor=shares["reserve" if is_goodwill else "amount"][party],
                reserve_minor=shares["reserve"][party],
                points=of_points[party],
                late_points=late[party],
                transactions=found.transactions,
            )
            lines.append(line)
            if shares["vat"][party] and not is_goodwill:
                of_vat: LineKind = "vat_on_fee" if kind == FlowKind.ISSUE else "vat_on_fee_returned"
                lines.append(_beside(line, of_vat, shares["vat"][party]))
        return IssuerSide(kind=kind, terms=terms, moved_reserve_minor=half_even(found.reserve), lines=tuple(lines))

    def _acceptor_side(self, kind: FlowKind, acceptor: int, version: int, found: _Sum) -> AcceptorSide:
        terms = self._book.acceptor(acceptor, version)
        exact = in_minor(found.points, terms.reimbursement_micros or 0, self._places)
        commission = exact * terms.commission_micros / MICROS
        attribution = exact * terms.attribution_micros / MICROS
        is_return = kind == FlowKind.RETURN
        gross = StatementLine(
            party=acceptor,
            kind="return_gross" if is_return else "redemption_gross",
            version=version,
            amount_minor=half_even(exact),
            points=found.points,
            late_points=found.late_points,
            transactions=found.transactions,
        )
        of_commission: LineKind = "return_commission" if is_return else "redemption_commission"
        lines = [gross, _beside(gross, of_commission, half_even(commission))]
        if vat := self._vat(commission, terms):
            lines.append(_beside(gross, "vat_on_commission_returned" if is_return else "vat_on_commission", vat))
        if terms.attribution_partner is not None and (amount := half_even(attribution)):
            self._first(terms.attribution_partner, "acceptor")
            lines.append(_beside(gross, "attribution_fee_returned" if is_return else "attribution_fee", amount))
            income = _beside(gross, "attribution_income_returned" if is_return else "attribution_income", amount)
            lines.append(msgspec.structs.replace(income, party=terms.attribution_partner))
        return AcceptorSide(
            is_return=is_return,
            terms=terms,
            reserve_minor=half_even(found.reserve),
            gross_minor=lines[0].amount_minor,
            commission_minor=lines[1].amount_minor,
            lines=tuple(lines),
        )

    def _is_own_account(self, party: int, terms: ContractTerms) -> bool:
        """Whether a share is the operator's own goodwill, by the party's own contract; raises ContractMissing.

        A party that only shares in another's points is charged by the other's prices, yet has a contract, which says
        how it pays. Its first version decides: that never changes, so neither does what was settled.
        """
        return (terms if party == terms.partner else self._first(party, "issuer")).is_own_account

    def _first(self, party: int, side: str) -> ContractTerms:
        versions = self._book.versions(party)
        if not versions:
            raise missing(party, side, None)
        return versions[0]

    @staticmethod
    def _vat(taxed: Fraction, terms: ContractTerms) -> int:
        return half_even(taxed * terms.tax_micros / MICROS)


def _beside(line: StatementLine, kind: LineKind, amount_minor: int) -> StatementLine:
    """A line that rests on another: a commission, a tax."""
    return msgspec.structs.replace(line, kind=kind, amount_minor=amount_minor, reserve_minor=0)
