"""Earns and redemptions."""

from ledger.rules.accounts import AccountKind
from ledger.rules.admission import BALANCE_LIMIT, Admitted, admit, parts_to_use, wrong_amount
from ledger.rules.caps import CapDraw, Demand, draw_caps
from ledger.rules.commands import Earn, Redeem, Submission
from ledger.rules.earning import Award, award, out_of_range
from ledger.rules.expiry import after_lapses
from ledger.rules.journal import LotOpening, Posting, TransactionKind
from ledger.rules.outcomes import Decision, Draft, Refused
from ledger.rules.shortfalls import Repayment
from ledger.rules.state import LedgerState, PointsState


def decide_earn(command: Earn, submission: Submission, state: LedgerState) -> Decision:
    """Open a lot with the points stated or awarded; they repay what the member owes first."""
    admitted = admit(command, submission, state)
    if not isinstance(admitted, Admitted):
        return admitted
    awarded = award(command, admitted.programme, admitted.occurred_at)
    if isinstance(awarded, Refused):
        return awarded
    points = admitted.points
    if points.posted + awarded.points > BALANCE_LIMIT:
        return out_of_range("balance", points.posted + awarded.points, BALANCE_LIMIT)
    drawn = CapDraw()
    if state.registry.caps:
        draw = draw_caps(state, submission, _demand(command, submission, admitted, awarded))
        if not isinstance(draw, CapDraw):
            return draw
        drawn = draw
    opening = _opening(command, state, admitted, awarded)
    draft = Draft(
        kind=TransactionKind.EARN,
        lane=points.lane,
        programme=points.programme,
        partner=submission.partner,
        member=points.member,
        points=awarded.points,
        occurred_at=admitted.occurred_at,
        key_digest=submission.key_digest,
        request_digest=submission.request_digest,
        postings=_earn_postings(points, opening, drawn.postings),
        lots=(opening,),
        scene=command.scene,
        channel=command.channel,
        outlet=command.outlet,
        spend_minor=command.spend_minor,
        programme_version=awarded.version.version,
        has_details=True,
    )
    return after_lapses(points, admitted.now, [draft], before=drawn.drafts)


def _demand(command: Earn, submission: Submission, admitted: Admitted, awarded: Award) -> Demand:
    points, day = admitted.points, admitted.programme.business_day(admitted.occurred_at)
    partner, scene = submission.partner, command.scene
    return Demand(partner, points.lane, points.programme, scene, admitted.funding, awarded.points, day)


def _opening(command: Earn, state: LedgerState, admitted: Admitted, awarded: Award) -> LotOpening:
    occurred_at = admitted.occurred_at
    available_from = command.available_from
    return LotOpening(
        state.lanes[admitted.points.lane].next_lot,
        admitted.funding,
        None,
        occurred_at,
        min(occurred_at, admitted.now) if available_from is None else available_from,
        awarded.version.expires_on(admitted.programme.business_day(occurred_at)),
        awarded.points,
    )


def _earn_postings(points: PointsState, opening: LotOpening, of_caps: list[Posting]) -> list[Posting]:
    credit = Posting(
        AccountKind.ISSUANCE, opening.funding, AccountKind.AVAILABLE, points.member, opening.original, opening.lot
    )
    if not points.shortfalls:
        return [credit, *of_caps]
    repaid, _ = Repayment(points).from_credit(opening.lot, opening.funding, opening.original)
    return [credit, *repaid, *of_caps]


def decide_redeem(command: Redeem, submission: Submission, state: LedgerState) -> Decision:
    """Use lots in their order, for the acceptor that asks."""
    admitted = admit(command, submission, state)
    if not isinstance(admitted, Admitted):
        return admitted
    if wrong := wrong_amount(command.points, command.cash_minor, command.currency, admitted.programme):
        return wrong
    points = admitted.points
    parts = parts_to_use(points, command.points, admitted.now)
    if not isinstance(parts, list):
        return parts
    draft = Draft(
        kind=TransactionKind.REDEEM,
        lane=points.lane,
        programme=points.programme,
        partner=submission.partner,
        member=points.member,
        points=command.points,
        occurred_at=admitted.occurred_at,
        key_digest=submission.key_digest,
        request_digest=submission.request_digest,
        postings=[
            Posting(AccountKind.AVAILABLE, points.member, AccountKind.REDEEMED, submission.partner, taken, lot.lot)
            for lot, taken in parts
        ],
        scene=command.scene,
        channel=command.channel,
        outlet=command.outlet,
        cash_minor=command.cash_minor,
        has_details=True,
    )
    return after_lapses(points, admitted.now, [draft])
