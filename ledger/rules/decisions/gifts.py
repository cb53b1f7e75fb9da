"""Gifts: points of one member for another, at no price, within what a month allows.

Why a limit on both sides: points are not money, and who collects gifts of many is selling something.
"""

from ledger.ids import Place
from ledger.rules.accounts import AccountKind
from ledger.rules.admission import (
    BALANCE_LIMIT,
    Stop,
    active_member,
    open_programme,
    too_few_points,
    wrong_amount,
)
from ledger.rules.business_day import civil_day
from ledger.rules.commands import Gift, Submission
from ledger.rules.earning import out_of_range
from ledger.rules.expiry import lapse_drafts
from ledger.rules.journal import LotOpening, Particulars, Posting, TransactionKind
from ledger.rules.legs import Numbering, received, sent_postings
from ledger.rules.lots import consume_lots, usable_lots
from ledger.rules.outcomes import Decided, Decision, Draft, NeedsLanes, NeedsLots, Refused
from ledger.rules.programmes import Programme
from ledger.rules.state import GiftMonth, LedgerState, LotState, MemberState, PointsState


def decide_gift(command: Gift, submission: Submission, state: LedgerState) -> Decision:
    """Move available points, lot by lot, from the giver to the receiver."""
    programme = open_programme(command.programme, state)
    if isinstance(programme, Refused):
        return programme
    members = _giver_and_receiver(submission, state)
    if not isinstance(members, tuple):
        return members
    giver, receiver = (member.points_in(programme.number) for member in members)
    if wrong := wrong_amount(command.points, None, None, programme) or _above_limit(
        state, programme, giver, receiver, command.points
    ):
        return wrong
    if giver.available < command.points:
        return too_few_points(command.points, giver.available)
    if receiver.posted + command.points > BALANCE_LIMIT:
        return out_of_range("balance", receiver.posted + command.points, BALANCE_LIMIT)
    now = state.lanes[giver.lane].now
    usable = usable_lots(giver, now)
    if not giver.lots_complete and sum(lot.remaining for lot in usable) < command.points:
        return NeedsLots()
    parts = consume_lots(usable, command.points)
    lapses = [*lapse_drafts(giver, now), *lapse_drafts(receiver, state.lanes[receiver.lane].now)]
    legs = _legs(submission, state, giver, receiver, parts, lapses)
    return Decided([*lapses, *legs], len(legs))


def month_of(state: LedgerState, programme: Programme, points: PointsState) -> GiftMonth:
    """What a member gave and received in the month that is now in the programme's zone."""
    month = civil_day(state.lanes[points.lane].now, programme.zone).replace(day=1)
    found = state.gift_months.get((points.member, points.programme, month))
    return found or GiftMonth(points.lane, points.member, points.programme, month)


def _giver_and_receiver(submission: Submission, state: LedgerState) -> tuple[MemberState, MemberState] | Stop:
    giver = active_member(submission.member, submission, state)
    if not isinstance(giver, MemberState):
        return giver
    if submission.receiver is None or submission.receiver_lane is None:
        return Refused("receiver-not-found", "You know no receiver by this name.")
    if submission.receiver not in state.members and submission.receiver_lane not in state.lanes:
        place = (submission.receiver_lane, submission.receiver)
        return NeedsLanes(frozenset({submission.receiver_lane}), frozenset({place}))
    receiver = active_member(submission.receiver, submission, state)
    if isinstance(receiver, Refused):
        return Refused("receiver-not-active", "The receiver's account cannot take gifts at present.")
    if isinstance(receiver, MemberState) and receiver.number == giver.number:
        return Refused("same-member", "Giver and receiver are the same member.")
    return (giver, receiver) if isinstance(receiver, MemberState) else receiver


def _above_limit(
    state: LedgerState, programme: Programme, giver: PointsState, receiver: PointsState, amount_points: int
) -> Refused | None:
    limit = programme.gift_points_a_month
    of_giver, of_receiver = (month_of(state, programme, points) for points in (giver, receiver))
    given = of_giver.given + of_giver.given_before
    if given + amount_points > limit:
        return Refused(
            "limit-exceeded",
            f"A member may give {limit} points a month in programme {programme.code}.",
            {"limit": limit, "used": given, "requested": amount_points},
        )
    if of_receiver.received + of_receiver.received_before + amount_points > limit:
        return Refused(
            "limit-exceeded",
            f"A member may receive {limit} points a month in programme {programme.code}.",
            {"limit": limit, "requested": amount_points},
        )
    return None


def _legs(
    submission: Submission,
    state: LedgerState,
    giver: PointsState,
    receiver: PointsState,
    parts: list[tuple[LotState, int]],
    lapses: list[Draft],
) -> list[Draft]:
    numbering = Numbering(state)
    numbering.count(lapses)
    out_place, in_place = numbering.pair(giver.lane, receiver.lane)
    sent = sent_postings(AccountKind.AVAILABLE, giver.programme, parts)
    arriving = received(AccountKind.AVAILABLE, receiver, parts, numbering.next_lot(receiver.lane))
    amount_points = sum(amount for _, amount in parts)
    return [
        _leg(submission, state, giver, amount_points, sent, (), in_place),
        _leg(submission, state, receiver, amount_points, arriving.postings, arriving.lots, out_place),
    ]


def _leg(
    submission: Submission,
    state: LedgerState,
    points: PointsState,
    amount_points: int,
    postings: list[Posting],
    lots: tuple[LotOpening, ...],
    counter: Place,
) -> Draft:
    is_first = not lots
    return Draft(
        kind=TransactionKind.GIFT,
        lane=points.lane,
        programme=points.programme,
        partner=submission.partner,
        member=points.member,
        points=amount_points,
        occurred_at=state.lanes[points.lane].now,
        key_digest=submission.key_digest,
        request_digest=submission.request_digest,
        postings=postings,
        lots=lots,
        particulars=Particulars(counter_lane=counter.lane, counter_sequence=counter.number),
        has_details=is_first,
        keeps_key=is_first,
    )
