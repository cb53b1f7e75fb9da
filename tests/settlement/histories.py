"""Contracts and histories of points as chance draws them, and what must hold of every batch of them."""

from collections import Counter
from datetime import date
from typing import NamedTuple

from hypothesis import strategies as st

from ledger.rules.accounts import AccountKind
from ledger.rules.programmes import ExchangeRate
from settlement.figures import BatchFigures, Opening, settle
from settlement.flows import Flow, FlowKind
from settlement.lines import IN_FAVOUR, Funding
from settlement.terms import ContractTerms, TermsBook
from tests.settlement.model_of_a_batch import ROUNDING, VARIANCE, City, Event, ModelOfABatch, Rate, outstanding

BANK, SHOP, CINEMA, OWN, ABROAD = 1, 2, 3, 4, 5
SHARES = {11: {BANK: 1}, 12: {SHOP: 1}, 13: {BANK: 3, SHOP: 1}, 14: {OWN: 1}, 15: {BANK: 2, OWN: 2, ABROAD: 3}}
SHARES |= {16: {ABROAD: 1}, 17: {SHOP: 1, OWN: 1}}
EXCHANGERS = (CINEMA, ABROAD, CINEMA)
"""Who issues points elsewhere, by each rate."""

LEADS = {funding: min(parts) for funding, parts in SHARES.items()} | {17: OWN}
WHATS = (
    "issue",
    "issue",
    "issue",
    "redeem",
    "redeem",
    "return",
    "clawback",
    "recovery",
    "expire",
    "owed",
    "decided_return",
    "exchange",
)
KINDS = {
    "issue": FlowKind.ISSUE,
    "clawback": FlowKind.CLAWBACK,
    "recovery": FlowKind.RECOVERY,
    "redeem": FlowKind.REDEEM,
    "return": FlowKind.RETURN,
    "decided_return": FlowKind.DECIDED_RETURN,
    "expire": FlowKind.EXPIRE,
    "owed": FlowKind.OWED,
    "forgiven": FlowKind.FORGIVEN,
    "exchange": FlowKind.EXCHANGE,
}

# Some prices make odd numbers of points come to half a fen.
prices = st.one_of(
    st.sampled_from([0, 50, 5_000, 15_000]), st.sampled_from([8_800, 9_000, 9_500, 10_000]), st.integers(1, 30_000)
)


def _contract(partner: int, version: int, draw: st.DrawFn) -> ContractTerms:
    is_abroad = partner == ABROAD
    return ContractTerms(
        partner=partner,
        programme=1,
        version=version,
        starts_on=date(2026, 1, version),
        reserve_micros=draw(prices),
        fee_micros=draw(prices),
        reimbursement_micros=draw(prices),
        commission_micros=draw(st.sampled_from([0, 17_500, 20_000, 33_333])),
        currency=draw(st.sampled_from(["THB", "JPY"])) if is_abroad else "CNY",
        tax_micros=draw(st.sampled_from([0, 60_000])),
        attribution_micros=draw(st.sampled_from([0, 5_000])),
        attribution_partner=draw(st.sampled_from([BANK, ABROAD])),
        fee_is_deferred=draw(st.booleans()),
        breakage=draw(st.sampled_from(["issuer", "issuer", "operator"])),
        is_own_account=partner == OWN,
    )


@st.composite
def cities(draw: st.DrawFn) -> City:
    numbers = [(partner, version) for partner in (BANK, SHOP, CINEMA, OWN, ABROAD) for version in (1, 2)]
    contracts = {place: _contract(*place, draw) for place in numbers}
    quotes = {"THB": draw(st.integers(1, 900_000_000)), "JPY": draw(st.integers(1, 3_000_000_000))}
    steps = st.integers(1, 12)
    rates = {
        number: Rate(issuer, draw(steps), draw(steps), draw(prices)) for number, issuer in enumerate(EXCHANGERS, 1)
    }
    return City(contracts, SHARES, LEADS, {ABROAD: contracts[ABROAD, 2].currency}, quotes, rates)


class Wish(NamedTuple):
    """Something that may happen; ``choice`` and ``other`` pick among what is there by then."""

    what: str
    choice: int
    other: int
    points: int
    excess: int
    is_late: bool


wishes = st.builds(
    Wish,
    what=st.sampled_from(WHATS),
    choice=st.integers(0, 1_000),
    other=st.integers(0, 1_000),
    points=st.one_of(st.integers(1, 20), st.integers(1, 3_000), st.integers(1, 300_000)),
    excess=st.one_of(st.just(0), st.integers(0, 3_000)),
    is_late=st.booleans(),
)
LOTS = [(funding, version) for funding in sorted(SHARES) for version in (1, 2)]
DOORS = [(acceptor, version) for acceptor in (BANK, SHOP, CINEMA, ABROAD) for version in (1, 2)]


class Life:
    """What can happen: nobody spends what is not there, returns what it did not take, or repays what is not owed."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._taken: Counter[tuple[int, int, int, int]] = Counter()
        self._owed: Counter[tuple[int, int]] = Counter()

    def live(self, wish: Wish) -> None:
        if wish.what in ("issue", "owed"):
            self._add(wish, LOTS[wish.choice % len(LOTS)], wish.points)
            return
        if wish.what in ("return", "decided_return"):
            places = sorted(self._taken.keys())
            if places:
                place = places[wish.choice % len(places)]
                self._add(wish, place[:2], self._taken[place], acceptor=place[2], acceptor_version=place[3])
            return
        free = sorted(+outstanding(self.events))
        debts = sorted(+self._owed)
        if not free or (wish.what == "recovery" and not debts):
            return
        lot = free[wish.choice % len(free)]
        most = outstanding(self.events)[lot]
        if wish.what == "redeem":
            acceptor, version = DOORS[wish.other % len(DOORS)]
            self._add(wish, lot, most, acceptor=acceptor, acceptor_version=version)
        elif wish.what == "exchange":
            number = wish.other % len(EXCHANGERS) + 1
            self._add(wish, lot, most, acceptor=EXCHANGERS[number - 1], acceptor_version=number)
        elif wish.what == "recovery":
            debt = debts[wish.other % len(debts)]
            self._add(wish, lot, min(most, self._owed[debt]), debtor=debt[0], debtor_version=debt[1])
        else:
            self._add(wish, lot, most)

    def _add(self, wish: Wish, lot: tuple[int, int], most: int, **more: int) -> None:
        points = min(wish.points, most)
        if points <= 0:
            return
        excess = min(wish.excess, points) if wish.what in ("clawback", "recovery", "expire") else 0
        event = Event(wish.what, *lot, points, excess=excess, is_late=wish.is_late, **more)
        self.events.append(event)
        place = (*lot, event.acceptor, event.acceptor_version)
        if event.acceptor and wish.what != "exchange":
            self._taken[place] += points if wish.what == "redeem" else -points
        self._owed[lot] += points * (wish.what == "owed")
        self._owed[event.debtor, event.debtor_version] -= points * (wish.what == "recovery")


def lived(wanted: list[Wish]) -> list[Event]:
    """What of the wishes can happen, one after the other."""
    life = Life()
    for wish in wanted:
        life.live(wish)
    return life.events


histories = st.lists(wishes, min_size=1, max_size=40).map(lived)


def flow_of(event: Event) -> Flow:
    return Flow(
        kind=KINDS[event.what],
        funding=event.funding,
        version=event.version,
        points=event.points,
        acceptor=event.acceptor,
        acceptor_version=event.acceptor_version,
        debtor_funding=event.debtor,
        debtor_version=event.debtor_version,
        excess=event.excess,
        late_points=event.points if event.is_late else 0,
        transactions=1,
    )


def settled_of(city: City, events: list[Event], opening: Opening | None = None) -> BatchFigures:
    """Settle events as the service does, one flow for each."""
    fundings = {
        funding: Funding(lead=city.leads[funding], shares=tuple(sorted(parts.items())))
        for funding, parts in city.shares.items()
    }
    flows = [flow_of(event) for event in events]
    book = TermsBook(city.contracts.values())
    return settle(
        flows, book, fundings, opening or Opening(), "CNY", city.quotes, city.currencies, rates_of(city.rates)
    )


def rates_of(rates: dict[int, Rate]) -> dict[int, ExchangeRate]:
    """Rates as the set-up has them."""
    day = date(2026, 1, 1)
    return {
        number: ExchangeRate(number, 1, 2, rate.issuer, day, rate.give, rate.get, rate.price_micros, added_at=0)
        for number, rate in rates.items()
    }


def after(figures: BatchFigures) -> Opening:
    """Where the next batch opens."""
    return Opening(
        positions=figures.positions,
        obligation_minor=figures.obligation_closing_minor,
        deferred_fee_minor=figures.deferred_fee_closing_minor,
    )


def moved(figures: BatchFigures) -> Counter[tuple[str, int, int]]:
    """By how much each account moved, debits positive."""
    accounts: Counter[tuple[str, int, int]] = Counter()
    for posting in figures.money:
        accounts[posting.currency, posting.debit, posting.debit_party] += posting.amount_minor
        accounts[posting.currency, posting.credit, posting.credit_party] -= posting.amount_minor
    return accounts


def check_batch(city: City, events: list[Event], before: list[Event], figures: BatchFigures) -> None:
    """Hold a batch's figures against the model: every line and every account; raises AssertionError."""
    model = ModelOfABatch(city, events, before)
    lines = [
        (line.party, str(line.kind), line.funding, line.version, line.net_minor)
        for line in figures.lines
        if line.amount_minor and IN_FAVOUR[line.kind]
    ]
    assert sorted(lines) == sorted(tuple(line) for line in model.lines if line.net)
    accounts = moved(figures)
    variance = -accounts["CNY", VARIANCE, 0]
    # What rounding alone makes of it: half a fen for each sum that is rounded.
    assert abs(variance - model.variance) <= 2 * (len(model.lines) + 1)
    accounts["CNY", VARIANCE, 0] += accounts.pop(("CNY", ROUNDING, 0), 0)
    assert {k: v for k, v in accounts.items() if v} == {k: v for k, v in model.accounts.items() if v}
    check_points(events, before, figures)


def check_points(events: list[Event], before: list[Event], figures: BatchFigures) -> None:
    """Positions close where the points are, and no acceptor is left with points it took."""
    closing = {(position.funding, position.version): position.closing for position in figures.positions}
    assert {k: v for k, v in closing.items() if v} == {k: v for k, v in outstanding(before + events).items() if v}
    left: Counter[tuple[int, int]] = Counter()
    for event in events:
        if event.acceptor and event.what != "exchange":
            left[event.acceptor, event.funding] += event.points if event.what == "redeem" else -event.points
    for posting in figures.points:
        assert posting.amount > 0
        if posting.debit_kind == AccountKind.REDEEMED:
            left[posting.debit_owner, posting.credit_owner] -= posting.amount
        else:
            left[posting.credit_owner, posting.debit_owner] += posting.amount
    assert not any(left.values())
