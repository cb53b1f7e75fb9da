"""The audit of settlement: closed days, batches, what they posted, and their figures worked out once more.

A batch proves itself: its documents have its digest, it begins where the last one ended, its ranges are those of its
days, the clearing lane holds exactly what it says, and the journal still comes to the same figures.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import timedelta
from hashlib import sha256

import msgspec
from psycopg import AsyncConnection

from ledger.audit import Findings
from ledger.errors import LedgerError
from ledger.rules.business_day import first_instant_after, to_datetime
from ledger.rules.journal import TransactionKind
from ledger.rules.money_postings import CLEARING_LANE, MoneyAccount
from ledger.rules.programmes import Programme, Registry
from ledger.store.registry import read_registry
from settlement.batches import ORDERED, TRANSITIONS, BatchInputs, batch_id
from settlement.figures import BatchFigures, Opening, settle
from settlement.gathering import Gathering
from settlement.run import currencies_of, funding_shares, ranges_of
from settlement.store.audit_rows import (
    AuditedDay,
    KeptBatch,
    LaneOfDay,
    list_kept_batches,
    read_days,
    read_days_taken_twice,
    read_kept_batch,
    read_lanes_of_day,
    read_owed,
    read_posted,
    read_stray_days,
    read_stray_ranges,
    read_stray_settlements,
)
from settlement.store.term_rows import read_book

_UNPOSTED = frozenset({"draft", "submitted", "cancelled"})
_decode_inputs = msgspec.json.Decoder(BatchInputs).decode
_decode_figures = msgspec.json.Decoder(BatchFigures).decode


async def check_settlement(connection: AsyncConnection, findings: Findings) -> None:
    """A check for ``ledger.audit.audit``: note what of settlement is not as the journal and its own rules say."""
    registry = await read_registry(connection)
    for programme in registry.programmes.values():
        for day in await read_days(connection, programme.number):
            lanes = await read_lanes_of_day(connection, programme.number, day.day)
            _check_day(findings, programme, day, lanes)
        await _Batches(connection, findings, programme, registry).check()
    codes = {programme.number: programme.code for programme in registry.programmes.values()}
    for number, day_of_range, lane in await read_stray_ranges(connection):
        place = f"day {day_of_range} of {codes.get(number, number)}"
        findings.differ(lane, place, "end of the day", "a row", "none: the day is open, or there is no such lane")
    for batch, open_day in await read_stray_days(connection):
        findings.differ(None, f"batch {batch}", "day", open_day, "closed days only")
    for number, taken, batches in await read_days_taken_twice(connection):
        findings.differ(None, f"day {taken} of {codes.get(number, number)}", "batches", batches, "one at most")
    for sequence, about in await read_stray_settlements(connection):
        findings.differ(CLEARING_LANE, f"transaction {sequence}", "settlement", about, "one that its batch names")


def _check_day(findings: Findings, programme: Programme, day: AuditedDay, lanes: Sequence[LaneOfDay]) -> None:
    """A day follows the last, was closed after its cut-off, and ends in each lane where its cut-off fell."""
    place = f"day {day.day} of {programme.code}"
    if day.before is not None:
        findings.compare(None, place, "the closed day before", day.before, day.day - timedelta(days=1))
    cut_off_at = first_instant_after(day.day, programme.zone, programme.cut_off_minutes)
    findings.compare(None, place, "cut-off", day.cut_off_at, cut_off_at)
    if day.closed_at < cut_off_at:
        findings.differ(None, place, "closed", to_datetime(day.closed_at), f"{to_datetime(cut_off_at)} or later")
    for lane in lanes:
        _check_end(findings, place, lane, cut_off_at)


def _check_end(findings: Findings, place: str, lane: LaneOfDay, cut_off_at: int) -> None:
    what, cut_off = "end of the day", to_datetime(cut_off_at)
    if lane.last is None:
        findings.differ(lane.lane, place, what, None, "where the lane stood at the cut-off")
        return
    if not (lane.last_before or 0) <= lane.last < lane.next_sequence:
        findings.differ(lane.lane, place, what, lane.last, f"{lane.last_before or 0} to {lane.next_sequence - 1}")
    if lane.last_recorded_at is not None and lane.last_recorded_at >= cut_off_at:
        found = f"transaction {lane.last} of {to_datetime(lane.last_recorded_at)}"
        findings.differ(lane.lane, place, what, found, f"what was recorded before {cut_off}")
    if lane.following_recorded_at is not None and lane.following_recorded_at < cut_off_at:
        found = f"before transaction {lane.last + 1} of {to_datetime(lane.following_recorded_at)}"
        findings.differ(lane.lane, place, what, found, f"all that was recorded before {cut_off}")
    if lane.recorded_at < cut_off_at:
        findings.differ(lane.lane, place, "last instant of the lane", to_datetime(lane.recorded_at), f"{cut_off}")


class _Batches:
    """Checks a programme's batches one after the other; in memory is one batch, and how the last one closed."""

    def __init__(
        self, connection: AsyncConnection, findings: Findings, programme: Programme, registry: Registry
    ) -> None:
        self._connection = connection
        self._findings = findings
        self._programme = programme
        self._rates = registry.exchange_rates
        self._opening = Opening()

    async def check(self) -> None:
        """Check every batch; what was posted opens the next."""
        for name in await list_kept_batches(self._connection, self._programme.number):
            kept = await read_kept_batch(self._connection, name)
            self._compare(kept, "digest", kept.digest, sha256(kept.inputs + b"\n" + kept.figures).digest())
            try:
                inputs, figures = _decode_inputs(kept.inputs), _decode_figures(kept.figures)
            except msgspec.MsgspecError as error:
                self._compare(kept, "documents", str(error), "documents of a batch")
                continue
            await self._check_frame(kept, inputs)
            self._check_steps(kept)
            if kept.state not in _UNPOSTED:
                await self._check_posted(kept, inputs, figures)
                await self._check_figures(kept, inputs, figures)
                self._opening = Opening(
                    positions=figures.positions,
                    obligation_minor=figures.obligation_closing_minor,
                    deferred_fee_minor=figures.deferred_fee_closing_minor,
                )

    def _compare(self, kept: KeptBatch, what: str, found: object, expected: object) -> None:
        self._findings.compare(None, f"batch {kept.batch}", what, found, expected)

    async def _check_frame(self, kept: KeptBatch, inputs: BatchInputs) -> None:
        """Its name, days and ranges are those that it was computed from."""
        code = self._programme.code
        self._compare(kept, "name", kept.batch, batch_id(code, kept.last_day, kept.revision))
        found = (inputs.programme, inputs.currency)
        self._compare(kept, "programme and currency", found, (code, self._programme.currency))
        span = (kept.last_day - kept.first_day).days + 1
        days = [kept.first_day + timedelta(days=number) for number in range(span)]
        self._compare(kept, "days computed", list(inputs.days), days)
        self._compare(kept, "days taken", kept.days, days)
        if days:
            ranges = await ranges_of(self._connection, self._programme, days)
            self._compare(kept, "ranges", list(inputs.ranges), ranges)

    def _check_steps(self, kept: KeptBatch) -> None:
        """It came to its state step by step, and who approved it is not who prepared it."""
        self._compare(kept, "state", kept.state, kept.states[-1] if kept.states else "one that a step names")
        if kept.states[:1] != ["draft"]:
            self._compare(kept, "first step", kept.states[:1], ["draft"])
        for before, state in zip(kept.states, kept.states[1:], strict=False):
            stays = state == before and state in ORDERED
            if not stays and before not in TRANSITIONS.get(state, frozenset()):
                self._compare(kept, "step", f"from {before} to {state}", "one that the states allow")
        prepared = {person for state, person in zip(kept.states, kept.people, strict=True) if state in _UNPOSTED}
        for state, person in zip(kept.states, kept.people, strict=True):
            if state == "approved" and person in prepared:
                self._compare(kept, "approved by", person, "another person than who prepared it")

    async def _check_posted(self, kept: KeptBatch, inputs: BatchInputs, figures: BatchFigures) -> None:
        """The clearing lane holds its points and money, exactly, and 2000 then owed what it says."""
        sequence = kept.sequence or 0
        posted = await read_posted(self._connection, sequence)
        if posted is None:
            self._compare(kept, "posting", f"sequence {kept.sequence}, where there is none", "its own transaction")
            return
        kind = TransactionKind.SETTLE if figures.points else TransactionKind.MONEY
        found = (posted.kind, posted.programme, posted.about)
        self._compare(kept, "kind, programme and subject posted", found, (kind, self._programme.number, kept.batch))
        self._compare(kept, "points posted", posted.points, figures.points)
        self._compare(kept, "money posted", posted.money, figures.money)
        for account, what, owed in (
            (MoneyAccount.REDEMPTION_OBLIGATION, "owed on 2000", figures.obligation_closing_minor),
            (MoneyAccount.DEFERRED_FEE, "owed on 2300", figures.deferred_fee_closing_minor),
        ):
            found_minor = await read_owed(self._connection, account, self._programme.number, inputs.currency, sequence)
            self._compare(kept, what, found_minor, owed)

    async def _check_figures(self, kept: KeptBatch, inputs: BatchInputs, figures: BatchFigures) -> None:
        """Gather its ranges again, and settle them from where the last batch ended: the same figures."""
        opening = msgspec.structs.replace(
            self._opening, obligation_minor=inputs.obligation_minor, deferred_fee_minor=inputs.deferred_fee_minor
        )
        try:
            computed = await self._settle_again(inputs, opening)
        except (LedgerError, LookupError, ValueError) as error:
            self._compare(kept, "figures", "cannot be computed", f"computed again, but: {error}")
            return
        known = tuple(self._rates.get(rate.number) for rate in inputs.rates)
        self._compare(kept, "rates of exchange", inputs.rates, known)
        for name in BatchFigures.__struct_fields__:
            self._compare(kept, f"figures: {name}", getattr(figures, name), getattr(computed, name))

    async def _settle_again(self, inputs: BatchInputs, opening: Opening) -> BatchFigures:
        connection = self._connection
        book = await read_book(connection, self._programme.number)
        fundings = await funding_shares(connection)
        rates = self._rates
        gathering = Gathering(self._programme, book, fundings, inputs.days[0], rates)
        flows = await gathering.gather(lambda: nullcontext(connection), inputs.ranges)
        currencies = currencies_of(flows, book, fundings, inputs.days[-1])
        return settle(flows, book, fundings, opening, inputs.currency, inputs.quotes, currencies, rates)
