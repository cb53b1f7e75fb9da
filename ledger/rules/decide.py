"""The pure decision: what becomes of a command, given the state.

``decide`` never changes anything. Its checks run in this order, and the first that says no names the
refusal; the table tests have a row for each, in the same order:

1. the key: the same request replays its answer, another request is ``idempotency-key-reused``
2. ``programme-not-found``, ``partner-not-permitted``; of an earn ``campaign-not-found``, ``issuer-suspended``;
   ``programme-closed``
3. ``member-not-found``; of a member named by a code ``code-used``, ``code-expired``; ``member-closed``,
   ``member-frozen``
4. ``occurred-in-future``, ``occurred-too-long-ago``, ``period-closed``
5. the amount: ``currency-mismatch``, ``zero-points``, ``amount-out-of-range``; of a hold its time:
   ``hold-expiry-out-of-range``
6. the points: ``insufficient-points``; of an earn its caps, in the order of their numbers: ``cap-exhausted``,
   ``issuer-cover-exhausted``

A reversal asks instead, after the key: ``transaction-not-found`` (unknown and another partner's look the
same), ``not-reversible``, ``already-reversed``, ``currency-mismatch``, ``reversal-exceeds-original``; a
capture or void: ``hold-not-found``, ``hold-not-open``, the amount, ``capture-exceeds-hold``. A return and
the end of a hold must always be possible, so neither a closed programme nor a frozen member refuses them.

An exchange asks for its two programmes, the member, then ``exchange-not-offered``, ``issuer-suspended``, the amount,
``exchange-not-whole``, ``insufficient-points``, and the caps of what is issued.

A gift asks for its programme, giver, then ``receiver-not-found``, ``receiver-not-active``,
``same-member``, the amount, ``limit-exceeded``, ``insufficient-points``. What staff do asks for what it
names, then for the member's status, then for the amount.

What has lapsed is posted by the first command that is not refused; it comes first among its drafts.
"""

from collections.abc import Callable
from typing import Any

from ledger.rules.commands import (
    Adjust,
    Capture,
    Clear,
    Close,
    Earn,
    Exchange,
    Expire,
    Freeze,
    Gift,
    GrantCap,
    GrantCover,
    Merge,
    Move,
    Notice,
    PlaceHold,
    Redeem,
    Reverse,
    StartEpoch,
    Submission,
    SweepCap,
    TakeBack,
    Unfreeze,
    VoidHold,
    WriteOff,
)
from ledger.rules.decisions.caps import decide_grant_cap, decide_grant_cover, decide_sweep_cap
from ledger.rules.decisions.clearing import decide_clear
from ledger.rules.decisions.corrections import decide_adjust, decide_write_off
from ledger.rules.decisions.epochs import decide_start_epoch
from ledger.rules.decisions.exchanges import decide_exchange
from ledger.rules.decisions.gifts import decide_gift
from ledger.rules.decisions.holds import decide_capture, decide_hold, decide_void
from ledger.rules.decisions.lapses import decide_expire, release_due_holds
from ledger.rules.decisions.moves import decide_merge, decide_move
from ledger.rules.decisions.notices import decide_notice
from ledger.rules.decisions.points import decide_earn, decide_redeem
from ledger.rules.decisions.returns import decide_reverse, decide_take_back
from ledger.rules.decisions.statuses import decide_close, decide_freeze, decide_unfreeze
from ledger.rules.outcomes import Decided, Decision, KeyReused, Replayed
from ledger.rules.recoveries import give_back_recovered
from ledger.rules.state import LedgerState

_DECISIONS: dict[type, Callable[[Any, Submission, LedgerState], Decision]] = {
    Earn: decide_earn,
    Redeem: decide_redeem,
    Reverse: decide_reverse,
    TakeBack: decide_take_back,
    Expire: decide_expire,
    PlaceHold: decide_hold,
    Capture: decide_capture,
    VoidHold: decide_void,
    Gift: decide_gift,
    Exchange: decide_exchange,
    Merge: decide_merge,
    Move: decide_move,
    Freeze: decide_freeze,
    Unfreeze: decide_unfreeze,
    Close: decide_close,
    Adjust: decide_adjust,
    WriteOff: decide_write_off,
    GrantCap: decide_grant_cap,
    GrantCover: decide_grant_cover,
    SweepCap: decide_sweep_cap,
    Notice: decide_notice,
    StartEpoch: decide_start_epoch,
    Clear: decide_clear,
}
"""An atomic command is not here: it is its items, one after the other (``ledger.rules.atomic``)."""


def decide(submission: Submission, state: LedgerState) -> Decision:
    """Decide one command; see the module for the order of checks."""
    known = state.keys.get(submission.key_digest)
    if known is not None:
        if known.request_digest == submission.request_digest:
            return Replayed(known)
        return KeyReused()
    decision = _decide(submission, state)
    if state.registry.covers and isinstance(decision, Decided):
        return give_back_recovered(decision, submission, state)
    return decision


def _decide(submission: Submission, state: LedgerState) -> Decision:
    if not state.holds:
        return _DECISIONS[type(submission.command)](submission.command, submission, state)
    state, releases = release_due_holds(submission, state)
    decision = _DECISIONS[type(submission.command)](submission.command, submission, state)
    if releases and isinstance(decision, Decided):
        return Decided([*releases, *decision.drafts], decision.own, decision.unmatched_minor, decision.sweeps)
    return decision
