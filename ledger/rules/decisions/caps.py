"""What is done to a cap itself: it is authorised for more points, or swept when nearly exhausted."""

from ledger.rules.accounts import AccountKind
from ledger.rules.caps import cap_draft, sweep_drafts
from ledger.rules.commands import MAXIMUM_POINTS, GrantCap, Submission, SweepCap
from ledger.rules.earning import out_of_range
from ledger.rules.journal import Posting
from ledger.rules.outcomes import Decided, Decision, NeedsLanes, Refused
from ledger.rules.state import LedgerState


def decide_grant_cap(command: GrantCap, submission: Submission, state: LedgerState) -> Decision:
    """Put more points into a cap's pool; a swept cap hands out allotments again."""
    cap = state.registry.cap_coded(command.cap)
    if cap is None:
        return _no_cap(command.cap)
    if command.points > MAXIMUM_POINTS:
        return out_of_range("points", command.points, MAXIMUM_POINTS)
    if cap.home_lane not in state.lanes:
        return NeedsLanes(frozenset({cap.home_lane}))
    posting = Posting(AccountKind.AUTHORISED, cap.number, AccountKind.POOL, cap.number, command.points)
    draft = cap_draft(state, submission, cap, cap.home_lane, posting, keeps_key=True)
    return Decided([draft], sweeps=((cap.number, False),) if cap.is_swept else ())


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


def _no_cap(code: str) -> Refused:
    return Refused("cap-not-found", "No cap has this code.", {"cap": code})
