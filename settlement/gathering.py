"""Gathering a batch's flows from the journal: by lane and stretch, merged in memory that does not grow with it."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date

from psycopg import AsyncConnection

from ledger.rules.accounts import AccountKind
from ledger.rules.business_day import first_instant
from ledger.rules.programmes import ExchangeRate, Programme
from settlement.batches import Range
from settlement.flows import Flow, FlowKind
from settlement.lines import Funding
from settlement.store.flow_rows import (
    SEQUENCE_BITS,
    Part,
    Refund,
    SumRow,
    read_candidates,
    read_family,
    read_lot_prices,
    read_refunds,
    read_roots,
    read_sums,
)
from settlement.terms import ContractTerms, TermsBook, missing

STRETCH_TRANSACTIONS = 200_000
STRETCH_LANES = 64
TOGETHER = 2
"""How many stretches are summed at once."""

_A = AccountKind

FLOW_OF_POSTING: dict[tuple[int, int], FlowKind] = {
    (_A.ISSUANCE, _A.AVAILABLE): FlowKind.ISSUE,
    (_A.AVAILABLE, _A.ISSUANCE): FlowKind.CLAWBACK,
    (_A.AVAILABLE, _A.SHORTFALL): FlowKind.RECOVERY,
    (_A.AVAILABLE, _A.REDEEMED): FlowKind.REDEEM,
    (_A.HELD, _A.REDEEMED): FlowKind.REDEEM,
    (_A.REDEEMED, _A.AVAILABLE): FlowKind.RETURN,
    (_A.AVAILABLE, _A.EXPIRED): FlowKind.EXPIRE,
    (_A.HELD, _A.EXPIRED): FlowKind.EXPIRE,
    (_A.SHORTFALL, _A.ISSUANCE): FlowKind.OWED,
    (_A.ISSUANCE, _A.SHORTFALL): FlowKind.FORGIVEN,
    (_A.AVAILABLE, _A.EXCHANGE): FlowKind.EXCHANGE,
}

_REFUNDING = frozenset(
    pair for pair, kind in FLOW_OF_POSTING.items() if kind in (FlowKind.CLAWBACK, FlowKind.RECOVERY, FlowKind.EXPIRE)
)
"""What brings an issuer money back, up to what its lots were charged."""

_OF_CAPS = frozenset({_A.POOL, _A.ALLOTMENT, _A.USED, _A.CAP_TRANSIT, _A.AUTHORISED})
_WITHOUT_MONEY = frozenset(
    {
        # The other half of an expiry, of an exchange, and of a recovery between two issuers.
        (_A.EXPIRED, _A.ISSUANCE),
        (_A.EXCHANGE, _A.ISSUANCE),
        (_A.ISSUANCE, _A.ISSUANCE),
        (_A.AVAILABLE, _A.HELD),
        (_A.HELD, _A.AVAILABLE),
        *((kind, _A.IN_TRANSIT) for kind in (_A.AVAILABLE, _A.HELD, _A.SHORTFALL)),
        *((_A.IN_TRANSIT, kind) for kind in (_A.AVAILABLE, _A.HELD, _A.SHORTFALL)),
    }
)

Progress = Callable[[int, int], None]
Connect = Callable[[], AbstractAsyncContextManager[AsyncConnection]]
_Key = tuple[FlowKind, int, int, int, int, int, int]


class Gathering:
    """The flows of one batch."""

    def __init__(
        self,
        programme: Programme,
        book: TermsBook,
        fundings: Mapping[int, Funding],
        first_day: date,
        rates: Mapping[int, ExchangeRate],
    ) -> None:
        self._programme = programme
        self._book = book
        self._fundings = fundings
        self._rates = rates
        zone, cut_off = programme.zone, programme.cut_off_minutes
        days = {terms.starts_on for partner in book.partners for terms in book.versions(partner)[1:]}
        self._days = sorted(days)
        self._bounds = [first_instant(day, zone, cut_off) for day in self._days]
        self._first_at = first_instant(first_day, zone, cut_off)
        self._points: Counter[_Key] = Counter()
        self._late: Counter[_Key] = Counter()
        self._postings: Counter[_Key] = Counter()
        self._excess: Counter[_Key] = Counter()

    async def gather(self, connect: Connect, ranges: Sequence[Range], progress: Progress | None = None) -> list[Flow]:
        """Sum the postings of closed ranges; raises ContractMissing, and ValueError for a posting no rule knows.

        ``connect`` lends a connection, as a pool's ``connection`` does.
        """
        stretches = _stretches(ranges)
        done, total = 0, sum(one.last - one.after for one in ranges)
        turn = asyncio.Semaphore(TOGETHER)

        async def read(stretch: list[Part]) -> None:
            nonlocal done
            async with turn, connect() as connection:
                rows = await read_sums(connection, self._programme.number, stretch, self._bounds, self._first_at)
                if any((row.debit_kind, row.credit_kind) in _REFUNDING for row in rows):
                    suspected.update(await read_candidates(connection, self._programme.number, stretch))
            for row in rows:
                self._add(row)
            done += sum(part.last - part.after for part in stretch)
            if progress is not None:
                progress(done, total)

        suspected: set[tuple[int, int]] = set()
        try:
            async with asyncio.TaskGroup() as group:
                for stretch in stretches:
                    group.create_task(read(stretch))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        if suspected:
            async with connect() as connection:
                await self._find_excess(connection, sorted(suspected), {one.lane: one for one in ranges})
        return [self._flow(key) for key in sorted(self._points)]

    def _add(self, row: SumRow) -> None:
        pair = (row.debit_kind, row.credit_kind)
        kind = FLOW_OF_POSTING.get(pair)
        if kind is None:
            if pair not in _WITHOUT_MONEY and not _OF_CAPS.issuperset(pair):
                raise ValueError(
                    f"settlement knows no posting from account kind {pair[0]} to {pair[1]} ({_place(row)})"
                )
            return
        if row.funding is None:
            raise ValueError(f"a posting without lot ({_place(row)})")
        if row.is_decided:
            kind = FlowKind.DECIDED_RETURN
        key = self._key(kind, row.funding, row.segment or 0, row)
        self._points[key] += row.points
        self._late[key] += row.late_points
        self._postings[key] += row.postings

    def _key(self, kind: FlowKind, funding: int, segment: int, row: SumRow | None = None) -> _Key:
        version = self._version(self._fundings[funding].lead, segment)
        acceptor = acceptor_version = debtor = debtor_version = 0
        if row is not None and row.acceptor:
            acceptor, acceptor_version = row.acceptor, self._version(row.acceptor, row.acceptor_segment, "acceptor")
        if row is not None and row.exchange_rate is not None:
            acceptor, acceptor_version = self._rates[row.exchange_rate].issuer, row.exchange_rate
        if row is not None and kind == FlowKind.RECOVERY and row.debtor_funding is not None:
            debtor = row.debtor_funding
            debtor_version = self._version(self._fundings[debtor].lead, row.debtor_segment or 0)
        return (kind, funding, version, acceptor, acceptor_version, debtor, debtor_version)

    def _version(self, partner: int, segment: int, side: str = "issuer") -> int:
        """The version of a contract in a segment of time; the one before the first bound is the first version."""
        terms: ContractTerms | None = None
        if segment == 0:
            versions = self._book.versions(partner)
            terms = versions[0] if versions else None
        else:
            terms = self._book.on(partner, self._days[segment - 1])
        if terms is None:
            raise missing(partner, side, None)
        return terms.version

    async def _find_excess(
        self, connection: AsyncConnection, lots: Sequence[tuple[int, int]], ranges: Mapping[int, Range]
    ) -> None:
        """Walk each family that somebody has owed for: what comes back beyond the original is excess."""
        for lane, lot, original in await read_roots(connection, lots):
            family = await read_family(connection, lane, lot)
            if not any(member.is_owed for member in family):
                continue
            left = original
            for refund in await read_refunds(connection, family):
                excess = max(refund.points - left, 0)
                left -= refund.points - excess
                of = ranges.get(refund.lane)
                if excess and of is not None and of.after < refund.sequence <= of.last:
                    await self._add_excess(connection, refund, excess)

    async def _add_excess(self, connection: AsyncConnection, refund: Refund, excess: int) -> None:
        kind = FLOW_OF_POSTING[refund.debit_kind, refund.credit_kind]
        lots = [(refund.lane, refund.lot)]
        if refund.counter_lot is not None:
            lots.append((refund.lane, refund.counter_lot))
        prices = await read_lot_prices(connection, lots, self._bounds)
        funding, segment = prices[lots[0]]
        key = self._key(kind, funding, segment)
        if kind == FlowKind.RECOVERY:
            debtor, debtor_segment = prices[lots[-1]]
            key = (*key[:5], debtor, self._version(self._fundings[debtor].lead, debtor_segment))
        self._excess[key] += excess

    def _flow(self, key: _Key) -> Flow:
        kind, funding, version, acceptor, acceptor_version, debtor, debtor_version = key
        return Flow(
            kind=kind,
            funding=funding,
            version=version,
            acceptor=acceptor,
            acceptor_version=acceptor_version,
            debtor_funding=debtor,
            debtor_version=debtor_version,
            points=self._points[key],
            late_points=self._late[key],
            transactions=self._postings[key],
            excess=self._excess[key],
        )


def _stretches(ranges: Sequence[Range]) -> list[list[Part]]:
    """Ranges in stretches of bounded size, each with its share of every lane, of so many lanes at a time."""
    stretches = []
    for first in range(0, len(ranges), STRETCH_LANES):
        lanes = [(one, one.last - one.after) for one in ranges[first : first + STRETCH_LANES]]
        count = -(-sum(length for _, length in lanes) // STRETCH_TRANSACTIONS)
        for number in range(count):
            shares = [(one, length * number // count, length * (number + 1) // count) for one, length in lanes]
            stretches.append([Part(one.lane, one.after + begin, one.after + end) for one, begin, end in shares])
    return [[part for part in stretch if part.last > part.after] for stretch in stretches]


def _place(row: SumRow) -> str:
    lane, sequence = divmod(row.first_place, 1 << SEQUENCE_BITS)
    return f"lane {lane}, sequence {sequence}"
