"""Merging two members into one, and moving a member to another lane.

Both take everything a member has, lot by lot, hold by hold and debt by debt, to another one, which keeps
funding, terms and dates. The old member stays as it was left and says where it has gone, so that a later
return of an old transaction finds its way.
"""

from ledger.ids import Place
from ledger.rules.accounts import AccountKind
from ledger.rules.admission import Stop, known_member, refuse_status
from ledger.rules.commands import Merge, Move, Submission
from ledger.rules.decisions.holds import held_lots
from ledger.rules.expiry import lapse_drafts
from ledger.rules.journal import LotOpening, LotOrigin, Particulars, Posting, TransactionKind
from ledger.rules.legs import Numbering, Received, received, sent_postings
from ledger.rules.lots import spend_order
from ledger.rules.outcomes import Decided, Decision, Draft, NeedsLanes, NeedsLots, Refused
from ledger.rules.programmes import LEDGER_ITSELF
from ledger.rules.reversals import lot_taken_over
from ledger.rules.state import HoldState, LedgerState, LotState, MemberState, PointsState, ShortfallState


def decide_merge(command: Merge, submission: Submission, state: LedgerState) -> Decision:  # noqa: ARG001 - as all
    """Take everything of a member to another one, which is the same person."""
    source = known_member(submission.member, submission, state)
    if not isinstance(source, MemberState):
        return source
    target = _target(submission, state)
    if not isinstance(target, MemberState):
        return target
    if target.number == source.number:
        return Refused("same-member", "Both names lead to the same member.")
    # A frozen member's points must not get away by a merge.
    for member in (source, target):
        if member.status != "active":
            return refuse_status(member.status)
    return _taking_all(TransactionKind.MERGE, submission, state, source, target)


def decide_move(command: Move, submission: Submission, state: LedgerState) -> Decision:
    """Take a member to another lane, under the same public id."""
    source = known_member(submission.member, submission, state)
    if not isinstance(source, MemberState):
        return source
    if not 0 <= command.to_lane < state.registry.lanes:
        return Refused("lane-not-found", f"Lanes are 0 to {state.registry.lanes - 1}.", {"lane": command.to_lane})
    if command.to_lane == source.lane:
        return Refused("same-lane", "The member is in this lane already.", {"lane": command.to_lane})
    if command.to_lane not in state.lanes:
        return NeedsLanes(frozenset({command.to_lane}))
    if submission.new_number is None:
        raise ValueError("a move needs the number that the member gets")
    target = MemberState(command.to_lane, submission.new_number, source.public_id, source.status)
    return _taking_all(TransactionKind.MOVE, submission, state, source, target)


def _target(submission: Submission, state: LedgerState) -> MemberState | Stop:
    if submission.receiver is None or submission.receiver_lane is None:
        return Refused("receiver-not-found", "You know no receiver by this name.")
    if submission.receiver not in state.members and submission.receiver_lane not in state.lanes:
        place = (submission.receiver_lane, submission.receiver)
        return NeedsLanes(frozenset({submission.receiver_lane}), frozenset({place}))
    return known_member(submission.receiver, submission, state)


def _taking_all(
    kind: TransactionKind, submission: Submission, state: LedgerState, source: MemberState, target: MemberState
) -> Decision:
    if not all(points.lots_complete for points in source.points.values()):
        return NeedsLots()
    lapses = [
        draft
        for member in (source, target)
        for points in member.all_points()
        for draft in lapse_drafts(points, state.lanes[points.lane].now)
    ]
    legs = _Legs(kind, submission, state, source, target)
    legs.numbering.count(lapses)
    legs.heads()
    for points in source.all_points():
        legs.lots(points)
        for hold in sorted(points.holds, key=lambda hold: hold.sequence):
            if hold.remaining:
                legs.hold(hold)
        for shortfall in points.shortfalls:
            if shortfall.remaining:
                legs.shortfall(shortfall)
    return Decided([*lapses, *legs.drafts], len(legs.drafts))


class _Legs:
    """Collects the pairs of legs of one merge or move."""

    def __init__(
        self,
        kind: TransactionKind,
        submission: Submission,
        state: LedgerState,
        source: MemberState,
        target: MemberState,
    ) -> None:
        self.numbering = Numbering(state)
        self.drafts: list[Draft] = []
        self._kind = kind
        self._submission = submission
        self._state = state
        self._source = source
        self._target = target

    def heads(self) -> None:
        """The pair that says who has become whom; the idempotency key leads to it."""
        there, back = self._places()
        out = Particulars(counter_lane=there.lane, counter_sequence=there.number, into=self._target.number)
        into = Particulars(counter_lane=back.lane, counter_sequence=back.number)
        self._pair(
            self._draft(self._source, 0, 0, [], (), out, is_head=True),
            self._draft(self._target, 0, 0, [], (), into),
        )

    def lots(self, points: PointsState) -> None:
        """All free points of a programme, pending ones too."""
        now = self._state.lanes[points.lane].now
        open_lots = sorted((lot for lot in points.lots if lot.remaining and lot.lapses_at > now), key=spend_order)
        if not open_lots:
            return
        parts = [(lot, lot.remaining) for lot in open_lots]
        sent = sent_postings(AccountKind.AVAILABLE, points.programme, parts)
        self._move(points.programme, sent, self._received(AccountKind.AVAILABLE, points.programme, parts))

    def hold(self, hold: HoldState) -> None:
        """An open hold, with its lots and its time; its partner goes on naming it as before."""
        parts = held_lots(self._state, hold)
        sent = sent_postings(AccountKind.HELD, hold.programme, parts)
        self._move(hold.programme, sent, self._received(AccountKind.HELD, hold.programme, parts), hold)

    def shortfall(self, shortfall: ShortfallState) -> None:
        """What is owed, under a lot of its own that names funding and terms and never holds points."""
        owed = self._state.lots[shortfall.lane, shortfall.lot]
        opening = lot_taken_over(owed, self.numbering.next_lot(self._target.lane), shortfall.remaining)
        programme, amount = shortfall.programme, shortfall.remaining
        source, target = self._source.number, self._target.number
        forgiven = Posting(AccountKind.IN_TRANSIT, programme, AccountKind.SHORTFALL, source, amount, owed.lot, owed.lot)
        owing = Posting(AccountKind.SHORTFALL, target, AccountKind.IN_TRANSIT, programme, amount, opening.lot)
        origin = LotOrigin(opening.lot, owed.lane, owed.lot)
        self._move(programme, [forgiven], Received([owing], (opening,), (origin,)))

    def _received(self, kind: AccountKind, programme: int, parts: list[tuple[LotState, int]]) -> Received:
        return received(kind, self._target.points_in(programme), parts, self.numbering.next_lot(self._target.lane))

    def _move(self, programme: int, sent: list[Posting], arriving: Received, hold: HoldState | None = None) -> None:
        there, back = self._places()
        amount = sum(posting.amount for posting in sent)
        out = Particulars(
            hold=None if hold is None else hold.sequence,
            counter_lane=there.lane,
            counter_sequence=there.number,
        )
        into = Particulars(
            expires_at=None if hold is None else hold.expires_at,
            counter_lane=back.lane,
            counter_sequence=back.number,
            origins=arriving.origins,
        )
        self._pair(
            self._draft(self._source, programme, amount, sent, (), out, hold=hold),
            self._draft(self._target, programme, amount, arriving.postings, arriving.lots, into, hold=hold),
        )

    def _places(self) -> tuple[Place, Place]:
        """Where the in-leg and the out-leg of the next pair will be."""
        out_place, in_place = self.numbering.pair(self._source.lane, self._target.lane)
        return in_place, out_place

    def _pair(self, out: Draft, into: Draft) -> None:
        self.drafts += [out, into]
        self.numbering.count([out, into])

    def _draft(
        self,
        member: MemberState,
        programme: int,
        amount_points: int,
        postings: list[Posting],
        lots: tuple[LotOpening, ...],
        particulars: Particulars,
        *,
        hold: HoldState | None = None,
        is_head: bool = False,
    ) -> Draft:
        return Draft(
            kind=self._kind,
            lane=member.lane,
            programme=programme,
            partner=LEDGER_ITSELF if hold is None else hold.partner,
            member=member.number,
            points=amount_points,
            occurred_at=self._state.lanes[member.lane].now,
            key_digest=self._submission.key_digest,
            request_digest=self._submission.request_digest,
            postings=postings,
            lots=lots,
            scene=None if hold is None else hold.scene,
            channel=None if hold is None else hold.channel,
            outlet=None if hold is None else hold.outlet,
            particulars=particulars,
            has_details=is_head,
            keeps_key=is_head,
        )
