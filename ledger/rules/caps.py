"""Hard caps: how an earn draws from them, how a reversal gives back, how a nearly empty one is swept.

A cap's points lie in the pool of its home lane, in allotments of lanes, or are used. An earn uses its own
lane's allotment and so waits for nobody; when that is too small, a part of the pool follows. When the pool
is nearly empty, all allotments come home once; from then on every earn draws from the pool itself, so the
last unit can still be given, and an exhausted cap asks for its home lane only.
"""

import msgspec

from ledger.rules.accounts import AccountKind
from ledger.rules.commands import Submission
from ledger.rules.journal import Posting, TransactionKind
from ledger.rules.outcomes import Draft, NeedsLanes, NeedsSweep, Refused
from ledger.rules.programmes import Cap
from ledger.rules.state import LedgerState, OriginalState, PointsState

SHARES_PER_LANE = 2
"""A refill takes the pool's part for this many refills of every lane."""

LEAST_REFILL_EARNS = 4
"""Below a refill that serves this many earns, the cap counts as nearly exhausted."""


class CapDraw(msgspec.Struct, frozen=True):
    """What an earn or reversal does to caps: transactions before it, and postings within it."""

    drafts: list[Draft] = []
    postings: list[Posting] = []


def draw_caps(
    state: LedgerState, submission: Submission, points: PointsState, scene: str | None, amount_points: int
) -> CapDraw | Refused | NeedsLanes | NeedsSweep:
    """Draw an earn's points from every cap that it falls under, in the order of their numbers."""
    drafts: list[Draft] = []
    postings: list[Posting] = []
    for cap in state.registry.caps_on(points.programme, submission.partner, scene):
        drawn = _draw(state, submission, cap, points.lane, amount_points)
        if not isinstance(drawn, CapDraw):
            return drawn
        drafts += drawn.drafts
        postings += drawn.postings
    return CapDraw(drafts, postings)


def give_back(
    state: LedgerState, submission: Submission, original: OriginalState, lane: int, amount_points: int
) -> CapDraw | NeedsLanes:
    """Give points of a reversed earn back to the caps that it used."""
    drafts: list[Draft] = []
    postings: list[Posting] = []
    for number, _ in original.cap_uses:
        cap = state.registry.cap_numbered(number)
        if not cap.is_swept:
            postings.append(_move(cap, AccountKind.USED, AccountKind.ALLOTMENT, amount_points))
        elif cap.home_lane == lane:
            postings.append(_move(cap, AccountKind.USED, AccountKind.POOL, amount_points))
        elif cap.home_lane not in state.lanes:
            return NeedsLanes(frozenset({cap.home_lane}))
        else:
            postings.append(_move(cap, AccountKind.USED, AccountKind.CAP_TRANSIT, amount_points))
            home = _move(cap, AccountKind.CAP_TRANSIT, AccountKind.POOL, amount_points)
            drafts.append(cap_draft(state, submission, cap, cap.home_lane, home))
    return CapDraw(drafts, postings)


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
        kind=TransactionKind.CAP,
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


def _draw(
    state: LedgerState, submission: Submission, cap: Cap, lane: int, amount_points: int
) -> CapDraw | Refused | NeedsLanes | NeedsSweep:
    allotted = _balance(state, lane, AccountKind.ALLOTMENT, cap)
    if allotted >= amount_points:
        return CapDraw(postings=[_move(cap, AccountKind.ALLOTMENT, AccountKind.USED, amount_points)])
    if cap.home_lane not in state.lanes:
        return NeedsLanes(frozenset({cap.home_lane}))
    missing = amount_points - allotted
    pool = _balance(state, cap.home_lane, AccountKind.POOL, cap)
    postings = [_move(cap, AccountKind.ALLOTMENT, AccountKind.USED, allotted)] if allotted else []
    if lane == cap.home_lane and pool >= missing:
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
        [_move(cap, AccountKind.ALLOTMENT, AccountKind.USED, amount_points)],
    )


def _draw_directly(
    state: LedgerState, submission: Submission, cap: Cap, postings: list[Posting], missing: int, pool: int
) -> CapDraw | Refused:
    if pool < missing:
        return Refused(
            "cap-exhausted",
            f"The cap {cap.code} has too few points left for this earning.",
            {"cap": cap.code, "requested": missing + sum(posting.amount for posting in postings)},
        )
    home = _move(cap, AccountKind.POOL, AccountKind.CAP_TRANSIT, missing)
    return CapDraw(
        [cap_draft(state, submission, cap, cap.home_lane, home)],
        [*postings, _move(cap, AccountKind.CAP_TRANSIT, AccountKind.USED, missing)],
    )


def _move(cap: Cap, source: AccountKind, target: AccountKind, amount_points: int) -> Posting:
    return Posting(source, cap.number, target, cap.number, amount_points)


def _balance(state: LedgerState, lane: int, kind: AccountKind, cap: Cap) -> int:
    return state.cap_balances.get((lane, kind, cap.number), 0)
