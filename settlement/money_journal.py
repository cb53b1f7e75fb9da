"""The money journal of a batch: its lines as double entry, and the true-up of what is still owed to members.

The source of each row is the operator's chart of accounts: an issuer owes reserve and fee (1100), the reserve is the
obligation towards members (2000), an acceptor is owed what it gave (2100), what lapsed goes back to its issuer
(2110). Differences of price go to 5120, of an exchange to 4030, of rounding to 5110.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction

from ledger.rules.money import minor_places
from ledger.rules.money_postings import OPERATOR, MoneyAccount, MoneyPosting
from settlement.flows import FlowKind
from settlement.lines import IN_FAVOUR, AcceptorSide, ExchangeSide, IssuerSide, LineKind, StatementLine
from settlement.rounding import half_even

RATE = 100_000_000
"""A quote is so many units of the foreign currency for this many of the programme's."""

_A = MoneyAccount
Account = tuple[MoneyAccount, int]

ACCOUNT_OF_LINE: dict[LineKind, MoneyAccount] = {
    "issue_charge": _A.ISSUER_RECEIVABLE,
    "clawback_refund": _A.ISSUER_RECEIVABLE,
    "recovery_refund": _A.ISSUER_RECEIVABLE,
    "vat_on_fee": _A.ISSUER_RECEIVABLE,
    "vat_on_fee_returned": _A.ISSUER_RECEIVABLE,
    "expiry_refund": _A.REFUNDABLE,
    "redemption_gross": _A.ACCEPTOR_PAYABLE,
    "redemption_commission": _A.ACCEPTOR_PAYABLE,
    "return_gross": _A.ACCEPTOR_PAYABLE,
    "return_commission": _A.ACCEPTOR_PAYABLE,
    "vat_on_commission": _A.ACCEPTOR_PAYABLE,
    "vat_on_commission_returned": _A.ACCEPTOR_PAYABLE,
    "attribution_fee": _A.ACCEPTOR_PAYABLE,
    "attribution_fee_returned": _A.ACCEPTOR_PAYABLE,
    "attribution_income": _A.ACCEPTOR_PAYABLE,
    "attribution_income_returned": _A.ACCEPTOR_PAYABLE,
    "goodwill": _A.GOODWILL,
    "exchange_price": _A.ACCEPTOR_PAYABLE,
}
"""Where a line stands with its party."""


class MoneyJournal:
    """Collects a batch's money postings. ``currencies`` are those of parties, ``quotes`` per foreign currency."""

    def __init__(self, currency: str, currencies: Mapping[int, str], quotes: Mapping[str, int]) -> None:
        self._currency = currency
        self._currencies = currencies
        self._quotes = quotes
        self.postings: list[MoneyPosting] = []

    def book_issuer_side(self, side: IssuerSide) -> None:
        """Book what issuers are charged or have back."""
        of_fee = _A.DEFERRED_FEE if side.terms.fee_is_deferred else _A.SERVICE_FEE
        # From the obligation towards the issuer, but for an issue, which goes the other way.
        sign = -1 if side.kind == FlowKind.ISSUE else 1
        reserve_minor = 0
        for line in side.lines:
            party = self._party(line)
            if line.kind in ("vat_on_fee", "vat_on_fee_returned"):
                self._move((_A.VAT_PAYABLE, OPERATOR), party, sign * line.amount_minor)
                continue
            reserve_minor += line.reserve_minor
            self._move((_A.REDEMPTION_OBLIGATION, OPERATOR), party, sign * line.reserve_minor)
            self._move((of_fee, OPERATOR), party, sign * (line.amount_minor - line.reserve_minor))
        rest_minor = side.moved_reserve_minor - reserve_minor
        if side.kind != FlowKind.ISSUE:
            keeps = side.kind == FlowKind.EXPIRE and side.terms.breakage == "operator"
            rest = _A.BREAKAGE_INCOME if keeps else _A.RESERVE_VARIANCE
            self._move((_A.REDEMPTION_OBLIGATION, OPERATOR), (rest, OPERATOR), rest_minor)
        self._book_foreign(side.lines)

    def book_acceptor_side(self, side: AcceptorSide) -> None:
        """Book what an acceptor is owed for redemptions, or owes for returns."""
        sign = -1 if side.is_return else 1
        gross, *others = side.lines
        acceptor = self._party(gross)
        obligation = (_A.REDEMPTION_OBLIGATION, OPERATOR)
        self._move(obligation, acceptor, sign * (side.gross_minor - side.commission_minor))
        self._move(obligation, (_A.COMMISSION, OPERATOR), sign * side.commission_minor)
        self._move(obligation, (_A.RESERVE_VARIANCE, OPERATOR), sign * (side.reserve_minor - side.gross_minor))
        for line in others[1:]:
            if line.kind in ("vat_on_commission", "vat_on_commission_returned"):
                self._move(acceptor, (_A.VAT_PAYABLE, OPERATOR), sign * line.amount_minor)
            elif line.party != gross.party:
                self._move(acceptor, self._party(line), sign * line.amount_minor)
        self._book_foreign(side.lines)

    def book_exchange_side(self, side: ExchangeSide) -> None:
        """Book what an issuer in another programme is paid out of the reserve; the rest is the operator's margin."""
        obligation = (_A.REDEMPTION_OBLIGATION, OPERATOR)
        [line] = side.lines
        self._move(obligation, self._party(line), line.amount_minor)
        self._move(obligation, (_A.EXCHANGE_MARGIN, OPERATOR), side.reserve_minor - line.amount_minor)
        self._book_foreign(side.lines)

    def true_up(self, account: MoneyAccount, against: MoneyAccount, before_minor: int, exact: Fraction) -> None:
        """Set what is owed on an account, ``before_minor`` before this batch, to its exact value, rounded once."""
        owed = before_minor
        for posting in self.postings:
            if posting.currency == self._currency:
                owed += posting.amount_minor * ((posting.credit == account) - (posting.debit == account))
        self._move((against, OPERATOR), (account, OPERATOR), half_even(exact) - owed)

    def _party(self, line: StatementLine) -> Account:
        """The account of a line in the programme's currency: of a foreign party, its position in it."""
        account = ACCOUNT_OF_LINE[line.kind]
        if account == _A.GOODWILL:
            return account, OPERATOR
        if self._currencies.get(line.party, self._currency) != self._currency:
            return _A.FX_POSITION, line.party
        return account, line.party

    def _book_foreign(self, lines: Iterable[StatementLine]) -> None:
        for line in lines:
            currency = self._currencies.get(line.party, self._currency)
            if currency == self._currency or IN_FAVOUR[line.kind] == 0:
                continue
            foreign_minor = foreign_amount(line.amount_minor, self._currency, currency, self._quotes[currency])
            account, position = (ACCOUNT_OF_LINE[line.kind], line.party), (_A.FX_POSITION, line.party)
            self._move(position, account, IN_FAVOUR[line.kind] * foreign_minor, currency)

    def _move(self, debit: Account, credit: Account, amount_minor: int, currency: str | None = None) -> None:
        if amount_minor < 0:
            debit, credit, amount_minor = credit, debit, -amount_minor
        if amount_minor and debit != credit:
            self.postings.append(MoneyPosting(currency or self._currency, *debit, *credit, amount_minor))


def foreign_amount(amount_minor: int, currency: str, foreign: str, quote: int) -> int:
    """An amount of the programme's currency at a quote, in minor units of the foreign one, half to even."""
    scale = Fraction(10) ** (minor_places(foreign) - minor_places(currency))
    return half_even(Fraction(amount_minor * quote, RATE) * scale)
