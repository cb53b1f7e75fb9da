"""Recoveries: what a member repays of a shortfall gives the cover of its issuer back.

Every credit repays, whatever command made it; so this looks at what was decided, and not at commands.
"""

from msgspec.structs import replace

from ledger.rules.accounts import AccountKind
from ledger.rules.caps import CapDraw, put_back
from ledger.rules.commands import Submission
from ledger.rules.covers import cost_of_point
from ledger.rules.journal import LotOpening, Posting
from ledger.rules.outcomes import Decided, Draft, NeedsLanes
from ledger.rules.state import LedgerState, LotState


def is_recovery(posting: Posting) -> bool:
    """Whether a posting repays a shortfall out of points; one that is written off or moved repays nothing."""
    return posting.credit_kind == AccountKind.SHORTFALL and posting.debit_kind == AccountKind.AVAILABLE


def give_back_recovered(decided: Decided, submission: Submission, state: LedgerState) -> Decided | NeedsLanes:
    """Add what recoveries give back: to each draft its postings, and behind them all what goes home to swept covers.

    Behind, because the legs of a gift or merge name each other by the sequences that they will have.
    """
    if not any(is_recovery(posting) for draft in decided.drafts for posting in draft.postings):
        return decided
    opened = {(draft.lane, opening.lot): opening for draft in decided.drafts for opening in draft.lots}
    drafts: list[Draft] = []
    home: list[Draft] = []
    for draft in decided.drafts:
        given = _given_back(draft, opened, submission, state)
        if isinstance(given, NeedsLanes):
            return given
        drafts.append(replace(draft, postings=[*draft.postings, *given.postings]) if given.postings else draft)
        home += given.drafts
    return replace(decided, drafts=[*drafts, *home], own=decided.own + len(home))


def _given_back(
    draft: Draft, opened: dict[tuple[int, int], LotOpening], submission: Submission, state: LedgerState
) -> CapDraw | NeedsLanes:
    total = CapDraw([], [])
    for posting in draft.postings:
        if not is_recovery(posting):
            continue
        place = (draft.lane, posting.counter_lot or 0)
        owed: LotOpening | LotState = opened[place] if place in opened else state.lots[place]
        day = state.registry.programme_numbered(draft.programme).business_day(owed.earned_at)
        for cover in state.registry.covers_of(draft.programme, owed.funding):
            amount = cost_of_point(state.registry, cover, owed.funding, day).given_back_for(posting.amount)
            given = put_back(state, submission, cover, draft.lane, amount)
            if isinstance(given, NeedsLanes):
                return given
            total.postings.extend(given.postings)
            # What arrives at home bears the key of what it left by: a hold that ends has one of its own.
            total.drafts.extend(
                replace(home, key_digest=draft.key_digest, request_digest=draft.request_digest) for home in given.drafts
            )
    return total
