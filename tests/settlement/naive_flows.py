"""What a journal's postings come to for settlement, by a walk over all of them, one by one, in Python."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import psycopg

from ledger.rules.business_day import business_day, to_instant
from ledger.rules.programmes import Programme
from settlement.flows import FlowKind
from settlement.terms import TermsBook

Lot = tuple[int, int]

POSTINGS = """
select t.recorded_at, t.lane, t.sequence, p.line, t.occurred_at, o.occurred_at as original,
       p.debit_kind, p.debit_owner, p.credit_kind, p.credit_owner, p.amount, p.lot, p.counter_lot,
       x.rate, x.issuer
from transactions t join postings p using (lane, sequence)
left join transactions o on o.lane = t.reverses_lane and o.sequence = t.reverses_sequence
left join particulars c on c.lane = t.lane and c.sequence = t.sequence
left join exchange_rates x on x.rate = c.exchange_rate
where t.programme = %s and t.kind not in (19, 20) order by 1, 2, 3, 4
"""
LOTS = """
select l.lane, l.lot, l.funding, l.earned_at, l.original, l.restored_from, o.origin_lane, o.origin_lot
from lots l left join lot_origins o using (lane, lot)
"""
GIFTS = """
select t.lane, t.sequence, c.counter_lane, c.counter_sequence, p.lot, p.debit_kind = 8
from transactions t join particulars c using (lane, sequence) join postings p using (lane, sequence)
where t.kind = 9 and 8 in (p.debit_kind, p.credit_kind) order by 1, 2, p.line
"""

ISSUANCE, AVAILABLE, HELD, SHORTFALL, REDEEMED, EXPIRED, EXCHANGE, IN_TRANSIT = 1, 2, 3, 4, 5, 6, 7, 8
CAPS = range(9, 14)


class Key(NamedTuple):
    """What a flow is summed by."""

    kind: FlowKind
    funding: int
    version: int
    acceptor: int = 0
    acceptor_version: int = 0
    debtor_funding: int = 0
    debtor_version: int = 0


class Walked:
    """Sums of a journal's postings by closed day: points, late points, postings, excess; and those without money."""

    def __init__(self) -> None:
        self.sums: defaultdict[Key, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        self.without_money = 0
        self.postings = 0


class Journal:
    """A programme's whole journal in memory."""

    def __init__(self, url: str, programme: Programme) -> None:
        self._programme = programme
        with psycopg.connect(url) as connection:
            self._rows = connection.execute(POSTINGS, [programme.number]).fetchall()
            self._lots = {(row[0], row[1]): row[2:] for row in connection.execute(LOTS).fetchall()}
            legs: defaultdict[tuple[int, int], list[Lot]] = defaultdict(list)
            arrivals: dict[tuple[int, int], tuple[int, int]] = {}
            for lane, sequence, counter_lane, counter_sequence, lot, arrives in connection.execute(GIFTS):
                legs[lane, sequence].append((lane, lot))
                if arrives:
                    arrivals[lane, sequence] = (counter_lane, counter_sequence)
        self._given = {
            arrived: sent
            for place, counter in arrivals.items()
            for arrived, sent in zip(legs[place], legs[counter], strict=True)
        }

    def day(self, moment: object) -> date:
        """The business day of a moment."""
        zone, cut_off = self._programme.zone, self._programme.cut_off_minutes
        return business_day(to_instant(moment), zone, cut_off)  # type: ignore[arg-type]

    def days(self) -> list[date]:
        """The business days on which anything was recorded."""
        return sorted({self.day(row[0]) for row in self._rows})

    def root(self, lot: Lot) -> Lot:
        """The first lot that a lot's points came from."""
        while True:
            *_, restored_from, origin_lane, origin_lot = self._lots[lot]
            if lot in self._given:
                lot = self._given[lot]
            elif origin_lot is not None:
                lot = (origin_lane, origin_lot)
            elif restored_from is not None:
                lot = (lot[0], restored_from)
            else:
                return lot

    def walk(self, batches: Sequence[tuple[date, date]], book: TermsBook) -> list[Walked]:
        """What batches, each from a first to a last recorded day, come to."""
        found = [Walked() for _ in batches]
        refunded: Counter[Lot] = Counter()
        for recorded_at, lane, _, _, occurred_at, original, *posting in self._rows:
            day = self.day(recorded_at)
            [number] = [number for number, (first, last) in enumerate(batches) if first <= day <= last]
            walked = found[number]
            walked.postings += 1
            key, refunds = self._key(lane, occurred_at, original, posting, book)
            if key is None:
                walked.without_money += 1
                continue
            amount = posting[4]
            excess = 0
            if refunds is not None:
                root = self.root(refunds)
                left = self._lots[root][2] - refunded[root]
                excess = max(amount - left, 0)
                refunded[root] += amount - excess
            late = amount if self.day(occurred_at) < batches[number][0] else 0
            for place, value in enumerate((amount, late, 1, excess)):
                walked.sums[key][place] += value
        return found

    def _key(
        self, lane: int, occurred_at: object, original: object, posting: list[int], book: TermsBook
    ) -> tuple[Key | None, Lot | None]:
        """What a posting is summed by, and the lot whose issuer it brings money back."""
        debit, debit_owner, credit, credit_owner, _, lot, counter_lot, rate, issuer = posting
        is_passed_on = (debit, credit) in ((2, 3), (3, 2), (6, 1), (7, 1), (1, 1))
        if debit in CAPS or IN_TRANSIT in (debit, credit) or is_passed_on:
            return None, None
        own, of = (lane, lot), self._priced((lane, lot), book)
        if credit == REDEEMED:
            return Key(FlowKind.REDEEM, *of, credit_owner, self._version(credit_owner, occurred_at, book)), None
        if debit == REDEEMED:
            version = self._version(debit_owner, original or occurred_at, book)
            return Key(FlowKind.RETURN, *of, debit_owner, version), None
        if (debit, credit) == (AVAILABLE, SHORTFALL):
            debtor = (lane, counter_lot)
            return Key(FlowKind.RECOVERY, *of, 0, 0, *self._priced(debtor, book)), debtor
        if credit == EXCHANGE:
            return Key(FlowKind.EXCHANGE, *of, issuer, rate), None
        if credit == EXPIRED:
            return Key(FlowKind.EXPIRE, *of), own
        kind = {
            (ISSUANCE, AVAILABLE): FlowKind.ISSUE,
            (AVAILABLE, ISSUANCE): FlowKind.CLAWBACK,
            (SHORTFALL, ISSUANCE): FlowKind.OWED,
            (ISSUANCE, SHORTFALL): FlowKind.FORGIVEN,
        }[debit, credit]
        return Key(kind, *of), own if kind == FlowKind.CLAWBACK else None

    def _priced(self, lot: Lot, book: TermsBook) -> tuple[int, int]:
        """A lot's funding, and the version of the contract by which its only partner issued it."""
        funding, earned_at, *_ = self._lots[lot]
        return funding, self._version(funding, earned_at, book)

    def _version(self, partner: int, moment: object, book: TermsBook) -> int:
        terms = book.on(partner, self.day(moment))
        assert terms is not None
        return terms.version
