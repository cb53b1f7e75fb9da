"""Hard caps: how an earn draws from them, how a reversal gives back, how a nearly empty one is swept.

What a cap counts is points, or of a prefunding cover 1/10,000 of the programme's currency. It lies in the pool of
its home lane, in allotments of lanes, or is used. An earn uses its own lane's allotment and so waits for nobody;
when that is too small, a part of the pool follows. When the pool is nearly empty, all allotments come home once;
from then on every earn draws from the pool itself, so the last unit can still be given, and an exhausted cap asks
for its home lane only.
"""

from collections.abc import Sequence
from datetime import date

import msgspec

from ledger.rules.accounts import AccountKind
from ledger.rules.commands import Submission
from ledger.rules.covers import CostOfPoint, cost_of_point, given_back_of_use
from ledger.rules.journal import Posting, TransactionKind
from ledger.rules.outcomes import Draft, NeedsLanes, NeedsSweep, Refused
from ledger.rules.programmes import Cap
from ledger.rules.state import LedgerState, OriginalState

SHARES_PER_LANE = 2
"""A refill takes the pool's part for this many refills of every lane."""

LEAST_REFILL_EARNS = 4
"""Below a refill that serves this many earns, the cap counts as nearly exhausted."""


class CapDraw(msgspec.Struct, frozen=True):
    """What an earn or reversal does to caps: transactions before it, and postings within it."""

    drafts: list[Draft] = []
    postings: list[Posting] = []


class Demand(msgspec.Struct, frozen=True):
    """What is asked of caps: ``points`` of a funding, given by a partner in ``lane`` on a business ``day``."""

    partner: int
    lane: int
    programme: int
    scene: str | None
    funding: int
    points: int
    day: date


def draw_caps(
    state: LedgerState, submission: Submission, demand: Demand
) -> CapDraw | Refused | NeedsLanes | NeedsSweep:
    """Draw points that are given, or their price, from every cap that it falls under, in the order of their numbers."""
    drafts: list[Draft] = []
    postings: list[Posting] = []
    for cap in state.registry.caps_on(demand.programme, demand.partner, demand.scene, demand.funding):
        amount = demand.points
        if cap.is_cover:
            amount = cost_of_point(state.registry, cap, demand.funding, demand.day).used_by(demand.points)
        if amount == 0:
            continue
        drawn = _draw(state, submission, cap, demand.lane, amount)
        if not isinstance(drawn, CapDraw):
            return drawn
        drafts += drawn.drafts
        postings += drawn.postings
    return CapDraw(drafts, postings)


def give_back(
    state: LedgerState, submission: Submission, original: OriginalState, lane: int, reversal: Sequence[Posting]
) -> CapDraw | NeedsLanes:
    """Give back to the caps that an earn used: what its reversal returns to its funding.

    To a cover only what leaves the earn's lot: for what becomes a shortfall its issuer stays charged.
    """
    returned = sum(p.amount for p in reversal if p.credit_kind == AccountKind.ISSUANCE)
    taken = taken_out_of_lots(reversal)
    drafts: list[Draft] = []
    postings: list[Posting] = []
    for number, used in original.cap_uses:
        cap = state.registry.cap_numbered(number)
        amount = returned
        if cap.is_cover:
            left = original.points - original.taken_out
            cost = _cost_of_earn(state, cap, original)
            amount = given_back_of_use(used, original.points, cost, left, left - taken)
        given = put_back(state, submission, cap, lane, amount)
        if isinstance(given, NeedsLanes):
            return given
        drafts += given.drafts
        postings += given.postings
    return CapDraw(drafts, postings)


def taken_out_of_lots(reversal: Sequence[Posting]) -> int:
    """The points of a reversed earn that were free, and so go back to whoever funded them."""
    free = (AccountKind.AVAILABLE, AccountKind.ISSUANCE)
    return sum(p.amount for p in reversal if (p.debit_kind, p.credit_kind) == free)


def _cost_of_earn(state: LedgerState, cover: Cap, earn: OriginalState) -> CostOfPoint:
    """What a point of an earn costs a cover's issuer, by what was known when it was posted."""
    funding = state.lots[earn.lane, earn.uses[0][0]].funding
    day = state.registry.programme_numbered(earn.programme).business_day(earn.occurred_at)
    return cost_of_point(state.registry, cover, funding, day, known_at=earn.recorded_at)


def put_back(state: LedgerState, submission: Submission, cap: Cap, lane: int, amount: int) -> CapDraw | NeedsLanes:
    """Put back what is used of a cap no more: into the lane's allotment, or home where the cap is swept."""
    if amount == 0:
        return CapDraw()
    if not cap.is_swept:
        return CapDraw(postings=[_move(cap, AccountKind.USED, AccountKind.ALLOTMENT, amount)])
    if cap.home_lane == lane:
        return CapDraw(postings=[_move(cap, AccountKind.USED, AccountKind.POOL, amount)])
    if cap.home_lane not in state.lanes:
        return NeedsLanes(frozenset({cap.home_lane}))
    home = _move(cap, AccountKind.CAP_TRANSIT, AccountKind.POOL, amount)
    return CapDraw(
        [cap_draft(state, submission, cap, cap.home_lane, home)],
        [_move(cap, AccountKind.USED, AccountKind.CAP_TRANSIT, amount)],
    )


def sweep_drafts(state: LedgerState, submission: Submission, cap: Cap) -> list[Draft]:
    """Bring every lane's allotment home."""
    drafts: list[Draft] = []
    total = 0
    for lane in sorted(state.lanes):
        allotted = _balance(state, lane, AccountKind.ALLOTMENT, cap)
        if allotted == 0:
            continue
        target = AccountKind.POOL if lane == cap.home_lane else AccountKind.CAP_TRANSIT
        total += allotted if target == AccountKind.CAP_TRANSIT else 0
        drafts.append(cap_draft(state, submission, cap, lane, _move(cap, AccountKind.ALLOTMENT, target, allotted)))
    if total:
        home = _move(cap, AccountKind.CAP_TRANSIT, AccountKind.POOL, total)
        drafts.append(cap_draft(state, submission, cap, cap.home_lane, home))
    return drafts


def cap_draft(
    state: LedgerState, submission: Submission, cap: Cap, lane: int, posting: Posting, *, keeps_key: bool = False
) -> Draft:
    """A transaction on a cap's own accounts, of the command that causes it."""
    return Draft(
        kind=_kind(state, cap, posting),
        lane=lane,
        programme=cap.programme,
        partner=cap.partner or 0,
        member=0,
        points=posting.amount,
        occurred_at=state.lanes[lane].now,
        key_digest=submission.key_digest,
        request_digest=submission.request_digest,
        postings=[posting],
        keeps_key=keeps_key,
    )


def _kind(state: LedgerState, cap: Cap, posting: Posting) -> TransactionKind:
    """What takes a cover's pool below its alert level is told to the issuer as such.

    What lanes have been allotted counts as used for it, so the alert may come early and never late.
    """
    if cap.alert_level is None or posting.debit_kind != AccountKind.POOL:
        return TransactionKind.CAP
    pool = _balance(state, cap.home_lane, AccountKind.POOL, cap)
    return TransactionKind.COVER_LOW if pool >= cap.alert_level > pool - posting.amount else TransactionKind.CAP


def _draw(
    state: LedgerState, submission: Submission, cap: Cap, lane: int, amount: int
) -> CapDraw | Refused | NeedsLanes | NeedsSweep:
    allotted = _balance(state, lane, AccountKind.ALLOTMENT, cap)
    if allotted >= amount:
        return CapDraw(postings=[_move(cap, AccountKind.ALLOTMENT, AccountKind.USED, amount)])
    if cap.home_lane not in state.lanes:
        return NeedsLanes(frozenset({cap.home_lane}))
    missing = amount - allotted
    pool = _balance(state, cap.home_lane, AccountKind.POOL, cap)
    postings = [_move(cap, AccountKind.ALLOTMENT, AccountKind.USED, allotted)] if allotted else []
    # Not from a cover: what leaves its pool must be a transaction of its own, which its issuer may be told.
    if lane == cap.home_lane and pool >= missing and not cap.is_cover:
        return CapDraw(postings=[*postings, _move(cap, AccountKind.POOL, AccountKind.USED, missing)])
    if cap.is_swept:
        return _draw_directly(state, submission, cap, postings, missing, pool)
    refill = pool // (SHARES_PER_LANE * state.registry.lanes)
    if refill < LEAST_REFILL_EARNS * missing:
        return NeedsSweep(cap.code)
    return CapDraw(
        [
            cap_draft(
                state, submission, cap, cap.home_lane, _move(cap, AccountKind.POOL, AccountKind.CAP_TRANSIT, refill)
            ),
            cap_draft(state, submission, cap, lane, _move(cap, AccountKind.CAP_TRANSIT, AccountKind.ALLOTMENT, refill)),
        ],
        [_move(cap, AccountKind.ALLOTMENT, AccountKind.USED, amount)],
    )


def _draw_directly(
    state: LedgerState, submission: Submission, cap: Cap, postings: list[Posting], missing: int, pool: int
) -> CapDraw | Refused:
    if pool < missing:
        return _exhausted(state, cap, missing + sum(posting.amount for posting in postings))
    home = _move(cap, AccountKind.POOL, AccountKind.CAP_TRANSIT, missing)
    return CapDraw(
        [cap_draft(state, submission, cap, cap.home_lane, home)],
        [*postings, _move(cap, AccountKind.CAP_TRANSIT, AccountKind.USED, missing)],
    )


def _exhausted(state: LedgerState, cap: Cap, requested: int) -> Refused:
    if not cap.is_cover:
        detail = f"The cap {cap.code} has too few points left for this earning."
        return Refused("cap-exhausted", detail, {"cap": cap.code, "requested": requested})
    issuer = state.registry.partners[cap.partner or 0].code
    programme = state.registry.programme_numbered(cap.programme)
    return Refused(
        "issuer-cover-exhausted",
        f"What {issuer} has paid in advance, or may owe, is too little for this earning.",
        {"issuer": issuer, "programme": programme.code, "currency": programme.currency, "requested": requested},
    )


def _move(cap: Cap, source: AccountKind, target: AccountKind, amount: int) -> Posting:
    return Posting(source, cap.number, target, cap.number, amount)


def _balance(state: LedgerState, lane: int, kind: AccountKind, cap: Cap) -> int:
    return state.cap_balances.get((lane, kind, cap.number), 0)
