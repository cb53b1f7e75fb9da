"""What is done to a cap itself: it is authorised for more, or for less, or swept when nearly exhausted."""

from ledger.rules.accounts import AccountKind
from ledger.rules.caps import cap_draft, sweep_drafts
from ledger.rules.commands import MAXIMUM_COVER, MAXIMUM_POINTS, GrantCap, GrantCover, Submission, SweepCap
from ledger.rules.earning import out_of_range
from ledger.rules.journal import Posting
from ledger.rules.outcomes import Decided, Decision, NeedsLanes, NeedsSweep, Refused
from ledger.rules.programmes import Cap
from ledger.rules.state import LedgerState


def decide_grant_cap(command: GrantCap, submission: Submission, state: LedgerState) -> Decision:
    """Put more points into a cap's pool; a swept cap hands out allotments again."""
    cap = state.registry.cap_coded(command.cap)
    if cap is None or cap.is_cover:
        return _no_cap(command.cap)
    if command.points > MAXIMUM_POINTS:
        return out_of_range("points", command.points, MAXIMUM_POINTS)
    if cap.home_lane not in state.lanes:
        return NeedsLanes(frozenset({cap.home_lane}))
    posting = Posting(AccountKind.AUTHORISED, cap.number, AccountKind.POOL, cap.number, command.points)
    return _authorised(submission, state, cap, posting)


def decide_grant_cover(command: GrantCover, submission: Submission, state: LedgerState) -> Decision:
    """Put more into a cover's pool, or take out what no earn has used: never more than that."""
    cover = state.registry.cap_coded(command.cap)
    if cover is None or not cover.is_cover:
        return _no_cap(command.cap)
    if command.amount > MAXIMUM_COVER:
        return out_of_range("amount", command.amount, MAXIMUM_COVER)
    if cover.home_lane not in state.lanes:
        return NeedsLanes(frozenset({cover.home_lane}))
    if not command.takes:
        posting = Posting(AccountKind.AUTHORISED, cover.number, AccountKind.POOL, cover.number, command.amount)
        return _authorised(submission, state, cover, posting)
    pool = state.cap_balances.get((cover.home_lane, AccountKind.POOL, cover.number), 0)
    if pool < command.amount:
        return _cover_in_use(cover, command.amount, pool) if cover.is_swept else NeedsSweep(cover.code)
    posting = Posting(AccountKind.POOL, cover.number, AccountKind.AUTHORISED, cover.number, command.amount)
    return _authorised(submission, state, cover, posting)


def decide_sweep_cap(command: SweepCap, submission: Submission, state: LedgerState) -> Decision:
    """Bring all allotments home; nothing to do where another poster was first."""
    cap = state.registry.cap_coded(command.cap)
    if cap is None:
        return _no_cap(command.cap)
    if cap.is_swept:
        return Decided([], own=0)
    missing = frozenset(range(state.registry.lanes)) - state.lanes.keys()
    if missing:
        return NeedsLanes(missing)
    return Decided(sweep_drafts(state, submission, cap), own=0, sweeps=((cap.number, True),))


def _authorised(submission: Submission, state: LedgerState, cap: Cap, posting: Posting) -> Decided:
    draft = cap_draft(state, submission, cap, cap.home_lane, posting, keeps_key=True)
    return Decided([draft], sweeps=((cap.number, False),) if cap.is_swept else ())


def _cover_in_use(cover: Cap, requested: int, left: int) -> Refused:
    return Refused(
        "cover-in-use",
        "More of the cover is used than would be left of it.",
        {"cap": cover.code, "requested": requested, "left": left},
    )


def _no_cap(code: str) -> Refused:
    return Refused("cap-not-found", "No cap has this code.", {"cap": code})
