"""A simple model of settlement: one event at a time, in exact fractions, sharing no code with what it checks.

It knows the rules of the money journal as a table of what each event means, rounds each line once, and says what
every account must then have moved by. Money is in minor units, debits positive.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from fractions import Fraction
from math import floor
from typing import NamedTuple

from settlement.terms import ContractTerms

RECEIVABLE, OBLIGATION, PAYABLE, REFUNDABLE, VAT, DEFERRED = 1100, 2000, 2100, 2110, 2200, 2300
FEE, COMMISSION, BREAKAGE, MARGIN = 4000, 4010, 4020, 4030
GOODWILL, ROUNDING, VARIANCE, POSITION = 5000, 5110, 5120, 9100

ISSUERS_LINES = {
    "issue": "issue_charge",
    "clawback": "clawback_refund",
    "recovery": "recovery_refund",
    "expire": "expiry_refund",
}
CENT_PLACES = {"CNY": 2, "THB": 2, "JPY": 0}


class Event(NamedTuple):
    """What happened to some points of a lot."""

    what: str
    funding: int
    version: int
    points: int
    acceptor: int = 0
    acceptor_version: int = 0
    debtor: int = 0
    debtor_version: int = 0
    excess: int = 0
    is_late: bool = False


class Rate(NamedTuple):
    """So many points given for so many, and what whoever issues those has for each, in millionths."""

    issuer: int
    give: int
    get: int
    price_micros: int


class City(NamedTuple):
    """Contracts by partner and version, shares and leads by funding, rates of exchange, and who is settled in what."""

    contracts: dict[tuple[int, int], ContractTerms]
    shares: dict[int, dict[int, int]]
    leads: dict[int, int]
    currencies: dict[int, str]
    quotes: dict[str, int]
    rates: dict[int, Rate]


class Line(NamedTuple):
    """A line as a party sees it: below zero what it pays."""

    party: int
    kind: str
    funding: int
    version: int
    net: int


def fen(points: int, micros: int | None) -> Fraction:
    return Fraction(points * (micros or 0), 10_000)


def nearest(exact: Fraction) -> int:
    low = floor(exact)
    above = exact - low
    return low + (above > Fraction(1, 2) or (above == Fraction(1, 2) and low % 2 == 1))


def divided(amount: int, parts: dict[int, int]) -> dict[int, int]:
    """One unit after the other to whom most is missing."""
    wanted = {party: Fraction(amount * part, sum(parts.values())) for party, part in parts.items()}
    given = dict.fromkeys(parts, 0)
    for _ in range(amount):
        given[min(parts, key=lambda party: (given[party] - wanted[party], party))] += 1
    return given


def in_foreign(amount: int, currency: str, quote: int) -> int:
    exact = Fraction(abs(amount) * quote, 100_000_000) / 100 * 10 ** CENT_PLACES[currency]
    return nearest(exact) * (1 if amount >= 0 else -1)


def outstanding(events: Iterable[Event]) -> Counter[tuple[int, int]]:
    points: Counter[tuple[int, int]] = Counter()
    for event in events:
        came = event.what in ("issue", "return", "decided_return")
        moves = event.what not in ("owed", "forgiven")
        points[event.funding, event.version] += (event.points if came else -event.points) * moves
    return points


class ModelOfABatch:
    """What a batch of ``events`` must come to, after those ``before`` it."""

    def __init__(self, city: City, events: list[Event], before: list[Event]) -> None:
        self.city = city
        self.lines: list[Line] = []
        self.accounts: Counter[tuple[str, int, int]] = Counter()
        self.variance = Fraction(0)
        self._issuers: defaultdict[tuple[str, int, int], list[Event]] = defaultdict(list)
        self._acceptors: defaultdict[tuple[str, int, int], list[Event]] = defaultdict(list)
        for event in events:
            self._sort_in(event)
        for (what, funding, version), found in self._issuers.items():
            self._charge(what, funding, version, found)
        for (what, acceptor, version), found in self._acceptors.items():
            self._pay(what, acceptor, version, found)
        for number in sorted({event.acceptor_version for event in events if event.what == "exchange"}):
            self._exchange(number, [e for e in events if e.what == "exchange" and e.acceptor_version == number])
        for account, price in ((OBLIGATION, "reserve_micros"), (DEFERRED, "fee_micros")):
            now, then = self.owed(before + events, price), self.owed(before, price)
            self.accounts["CNY", account, 0] += then - now
            # A fee that is still owed is not earned yet.
            self.accounts["CNY", FEE, 0] += (now - then) * (account == DEFERRED)
        of_cny = sum(amount for (currency, _, _), amount in self.accounts.items() if currency == "CNY")
        self.accounts["CNY", VARIANCE, 0] -= of_cny

    def owed(self, events: list[Event], price: str) -> int:
        exact = Fraction(0)
        for (funding, version), points in outstanding(events).items():
            terms = self.terms(funding, version)
            if price == "reserve_micros" or terms.fee_is_deferred:
                exact += fen(points, getattr(terms, price))
        return nearest(exact)

    def terms(self, funding: int, version: int) -> ContractTerms:
        return self.city.contracts[self.city.leads[funding], version]

    def _sort_in(self, event: Event) -> None:
        if event.what == "recovery":
            self._issuers["recovery", event.debtor, event.debtor_version].append(event)
        elif event.what in ISSUERS_LINES:
            self._issuers[event.what, event.funding, event.version].append(event)
        elif event.what in ("redeem", "return"):
            self._acceptors[event.what, event.acceptor, event.acceptor_version].append(event)

    def _charge(self, what: str, funding: int, version: int, events: list[Event]) -> None:
        terms, sign = self.terms(funding, version), -1 if what == "issue" else 1
        reserve = sum((fen(event.points - event.excess, terms.reserve_micros) for event in events), Fraction(0))
        fee = sum((fen(event.points - event.excess, terms.fee_micros) for event in events), Fraction(0))
        moved = sum(
            (fen(event.points, self.terms(event.funding, event.version).reserve_micros) for event in events),
            Fraction(0),
        )
        if what == "expire":
            fee = Fraction(0)
            if terms.breakage == "operator":
                self.accounts["CNY", BREAKAGE, 0] -= nearest(moved)
                reserve = moved = Fraction(0)
        if what != "issue":
            self.variance += moved - reserve
        parts = self.city.shares[funding]
        charged, kept = divided(nearest(reserve + fee), parts), divided(nearest(reserve), parts)
        taxed = divided(nearest(fee * terms.tax_micros / 1_000_000), parts)
        for party in parts:
            if self.city.contracts[party, 1].is_own_account:
                self.lines.append(Line(party, "goodwill", funding, version, 0))
                self.accounts["CNY", GOODWILL, 0] -= sign * kept[party]
                continue
            account = REFUNDABLE if what == "expire" else RECEIVABLE
            self._line(account, Line(party, ISSUERS_LINES[what], funding, version, sign * charged[party]))
            self.accounts["CNY", FEE, 0] += sign * (charged[party] - kept[party])
            if taxed[party]:
                name = "vat_on_fee" if what == "issue" else "vat_on_fee_returned"
                self._line(RECEIVABLE, Line(party, name, funding, version, sign * taxed[party]))
                self.accounts["CNY", VAT, 0] += sign * taxed[party]

    def _pay(self, what: str, acceptor: int, version: int, events: list[Event]) -> None:
        terms, sign = self.city.contracts[acceptor, version], 1 if what == "redeem" else -1
        suffix = "" if what == "redeem" else "_returned"
        gross = sum((fen(event.points, terms.reimbursement_micros) for event in events), Fraction(0))
        reserve = sum(
            (fen(event.points, self.terms(event.funding, event.version).reserve_micros) for event in events),
            Fraction(0),
        )
        self.variance += sign * (reserve - gross)
        commission = gross * terms.commission_micros / 1_000_000
        names = ("redemption_gross", "redemption_commission") if sign > 0 else ("return_gross", "return_commission")
        self._line(PAYABLE, Line(acceptor, names[0], 0, version, sign * nearest(gross)))
        self._line(PAYABLE, Line(acceptor, names[1], 0, version, -sign * nearest(commission)))
        self.accounts["CNY", COMMISSION, 0] -= sign * nearest(commission)
        if tax := nearest(commission * terms.tax_micros / 1_000_000):
            self._line(PAYABLE, Line(acceptor, f"vat_on_commission{suffix}", 0, version, -sign * tax))
            self.accounts["CNY", VAT, 0] -= sign * tax
        attributed = nearest(gross * terms.attribution_micros / 1_000_000)
        if terms.attribution_partner and attributed:
            self._line(PAYABLE, Line(acceptor, f"attribution_fee{suffix}", 0, version, -sign * attributed))
            other = Line(terms.attribution_partner, f"attribution_income{suffix}", 0, version, sign * attributed)
            self._line(PAYABLE, other)

    def _exchange(self, number: int, events: list[Event]) -> None:
        rate = self.city.rates[number]
        issued = sum((Fraction(event.points, rate.give) * rate.get for event in events), Fraction(0))
        price = nearest(issued * rate.price_micros / 10_000)
        reserve = sum(
            (fen(event.points, self.terms(event.funding, event.version).reserve_micros) for event in events),
            Fraction(0),
        )
        self._line(PAYABLE, Line(rate.issuer, "exchange_price", 0, number, price))
        self.accounts["CNY", MARGIN, 0] -= nearest(reserve) - price

    def _line(self, account: int, line: Line) -> None:
        self.lines.append(line)
        currency = self.city.currencies.get(line.party, "CNY")
        if currency == "CNY":
            self.accounts["CNY", account, line.party] -= line.net
            return
        foreign = in_foreign(line.net, currency, self.city.quotes[currency])
        self.accounts["CNY", POSITION, line.party] -= line.net
        self.accounts[currency, POSITION, line.party] += foreign
        self.accounts[currency, account, line.party] -= foreign
