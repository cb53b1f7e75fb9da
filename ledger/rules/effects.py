"""What a transaction changes beside balances: a member's status and place, a hold's, what was taken back of another.

Part of recording: called for the kinds that have such an effect, after their postings have moved balances.
"""

from collections.abc import Sequence

from ledger.ids import Place
from ledger.rules.accounts import AccountKind
from ledger.rules.business_day import civil_day
from ledger.rules.caps import taken_out_of_lots
from ledger.rules.journal import LotOrigin, Particulars, Posting, Transaction, TransactionKind
from ledger.rules.outcomes import Draft, Reversal
from ledger.rules.state import GiftMonth, HoldState, LaneState, LedgerState, MemberState, OriginalState

_STATUS_AFTER = {
    TransactionKind.FREEZE: "frozen",
    TransactionKind.UNFREEZE: "active",
    TransactionKind.CLOSE: "closed",
}
_GONE = {TransactionKind.MERGE: "merged", TransactionKind.MOVE: "moved"}


def note_event(state: LedgerState, draft: Draft, lane: LaneState, hold: HoldState | None) -> None:
    """Move the state along by what a draft means beside its postings; before its sequence is given out."""
    particulars = draft.particulars or Particulars()
    member = state.members.get(draft.member)
    status = _STATUS_AFTER.get(TransactionKind(draft.kind))
    if status is not None and member is not None:
        member.status = status
        member.is_changed = True
    if particulars.into is not None and member is not None:
        _go(state, draft, particulars, member)
    for origin in particulars.origins:
        _note_origin(state, lane, origin)
    if hold is not None and particulars.hold is not None and particulars.counter_sequence is not None:
        hold.moved_to = Place(particulars.counter_lane or 0, particulars.counter_sequence)
    if draft.kind == TransactionKind.GIFT:
        _count_gift(state, draft, lane)
    place = Place(lane.lane, lane.next_sequence)
    state.money += [(place, draft.programme, posting) for posting in draft.money]


def _go(state: LedgerState, draft: Draft, particulars: Particulars, member: MemberState) -> None:
    """A member has become another one; of a move, a new one under the same public id."""
    target_lane, target = particulars.counter_lane or 0, particulars.into or 0
    if target not in state.members:
        state.members[target] = MemberState(target_lane, target, member.public_id, member.status, is_new=True)
    member.status = _GONE[TransactionKind(draft.kind)]
    member.into = (target_lane, target)
    member.is_changed = True


def _note_origin(state: LedgerState, lane: LaneState, origin: LotOrigin) -> None:
    state.origins.append((lane.lane, lane.next_sequence, origin))
    lot = state.lots[lane.lane, origin.lot]
    state.children.setdefault((origin.origin_lane, origin.origin_lot), []).append(lot)


def _count_gift(state: LedgerState, draft: Draft, lane: LaneState) -> None:
    programme = state.registry.programme_numbered(draft.programme)
    month = civil_day(lane.now, programme.zone).replace(day=1)
    place = (draft.member, draft.programme, month)
    gifts = state.gift_months.get(place)
    if gifts is None:
        gifts = GiftMonth(lane.lane, draft.member, draft.programme, month)
        state.gift_months[place] = gifts
    state.changed_gift_months[place] = gifts
    if draft.postings[0].debit_kind == AccountKind.AVAILABLE:
        gifts.given += draft.points
    else:
        gifts.received += draft.points


def count_reversal(original: OriginalState, reversal: Reversal, postings: Sequence[Posting]) -> None:
    """Count what a reversal, with its postings, takes of its original."""
    original.reversed_points += reversal.points
    original.reversed_spend_minor += reversal.spend_minor
    original.expired_counted += reversal.expired_counted
    original.taken_out += taken_out_of_lots(postings)
    original.is_changed = True


def offer_to_take_backs(state: LedgerState, earn: Transaction) -> None:
    """Let a later take-back of the same batch reach this earn."""
    earns = state.earns.get((earn.member, earn.programme, earn.partner))
    if earns is None or earn.spend_minor is None:
        return
    original = OriginalState(
        lane=earn.lane,
        sequence=earn.sequence,
        kind=earn.kind,
        programme=earn.programme,
        partner=earn.partner,
        member=earn.member,
        points=earn.points,
        occurred_at=earn.occurred_at,
        recorded_at=earn.recorded_at,
        spend_minor=earn.spend_minor,
        programme_version=earn.programme_version,
        uses=[(earn.lots[0].lot, earn.points)],
        cap_uses=cap_uses(earn),
    )
    earns.append(original)
    state.originals[Place(earn.lane, earn.sequence)] = original


def cap_uses(earn: Transaction) -> list[tuple[int, int]]:
    """What an earn used of each cap, by the numbers of the caps."""
    used: dict[int, int] = {}
    for posting in earn.postings:
        if posting.credit_kind == AccountKind.USED:
            used[posting.credit_owner] = used.get(posting.credit_owner, 0) + posting.amount
    return sorted(used.items())
