"""Corrections that two persons decide: adjustments of points, and write-offs of what is owed."""

from ledger.rules.accounts import AccountKind
from ledger.rules.admission import (
    BALANCE_LIMIT,
    known_member,
    no_programme,
    refuse_status,
    too_few_points,
    wrong_amount,
)
from ledger.rules.commands import Adjust, Submission, WriteOff
from ledger.rules.earning import out_of_range
from ledger.rules.expiry import after_lapses
from ledger.rules.journal import LotOpening, Particulars, Posting, TransactionKind
from ledger.rules.lots import consume_lots, usable_lots
from ledger.rules.outcomes import Decision, Draft, NeedsLots, Refused
from ledger.rules.programmes import LEDGER_ITSELF, Partner, Programme
from ledger.rules.shortfalls import Repayment
from ledger.rules.state import LedgerState, MemberState, PointsState


def decide_adjust(command: Adjust, submission: Submission, state: LedgerState) -> Decision:
    """Give points at a partner's cost, or take points that it funds."""
    programme = state.registry.programmes.get(command.programme)
    if programme is None:
        return no_programme(command.programme)
    partner = state.registry.partner_coded(command.partner)
    if partner is None:
        return Refused("partner-not-found", "No partner has this code.", {"partner": command.partner})
    member = known_member(submission.member, submission, state)
    if not isinstance(member, MemberState):
        return member
    if member.status == "closed":
        return refuse_status(member.status)
    if wrong := wrong_amount(command.points, None, None, programme):
        return wrong
    points = member.points_in(programme.number)
    if command.takes:
        return _take(command, submission, state, points, partner)
    return _give(command, submission, state, points, partner, programme)


def decide_write_off(command: WriteOff, submission: Submission, state: LedgerState) -> Decision:
    """Forgive what a member owes, oldest first."""
    programme = state.registry.programmes.get(command.programme)
    if programme is None:
        return no_programme(command.programme)
    member = known_member(submission.member, submission, state)
    if not isinstance(member, MemberState):
        return member
    points = member.points_in(programme.number)
    amount = points.shortfall if command.points is None else command.points
    if amount == 0 or amount > points.shortfall:
        return Refused(
            "write-off-exceeds-shortfall",
            f"The member owes {points.shortfall} points.",
            {"requested": amount, "shortfall": points.shortfall},
        )
    postings: list[Posting] = []
    rest = amount
    for shortfall in points.shortfalls:
        forgiven = min(shortfall.remaining, rest)
        rest -= forgiven
        if forgiven:
            postings.append(
                Posting(
                    AccountKind.ISSUANCE,
                    shortfall.funding,
                    AccountKind.SHORTFALL,
                    points.member,
                    forgiven,
                    shortfall.lot,
                    shortfall.lot,
                )
            )
    draft = _draft(TransactionKind.WRITE_OFF, submission, state, points, LEDGER_ITSELF, amount, postings, command)
    return after_lapses(points, state.lanes[points.lane].now, [draft])


def _give(
    command: Adjust,
    submission: Submission,
    state: LedgerState,
    points: PointsState,
    partner: Partner,
    programme: Programme,
) -> Decision:
    if points.posted + command.points > BALANCE_LIMIT:
        return out_of_range("balance", points.posted + command.points, BALANCE_LIMIT)
    lane = state.lanes[points.lane]
    day = programme.business_day(lane.now)
    version = programme.version_on(day)
    opening = LotOpening(
        lot=lane.next_lot,
        funding=partner.funding,
        terms_version=None,
        earned_at=lane.now,
        available_from=lane.now,
        expires_on=version.expires_on(day),
        original=command.points,
    )
    credit = Posting(
        AccountKind.ISSUANCE, partner.funding, AccountKind.AVAILABLE, points.member, command.points, opening.lot
    )
    repaid, _ = Repayment(points).from_credit(opening.lot, opening.funding, command.points)
    draft = _draft(
        TransactionKind.ADJUST,
        submission,
        state,
        points,
        partner.number,
        command.points,
        [credit, *repaid],
        command,
        lots=(opening,),
        version=version.version,
    )
    return after_lapses(points, lane.now, [draft])


def _take(
    command: Adjust, submission: Submission, state: LedgerState, points: PointsState, partner: Partner
) -> Decision:
    if not points.lots_complete:
        return NeedsLots()
    now = state.lanes[points.lane].now
    funded = [lot for lot in usable_lots(points, now) if lot.funding == partner.funding]
    available = sum(lot.remaining for lot in funded)
    if available < command.points:
        return too_few_points(command.points, available)
    postings = [
        Posting(AccountKind.AVAILABLE, points.member, AccountKind.ISSUANCE, partner.funding, taken, lot.lot)
        for lot, taken in consume_lots(funded, command.points)
    ]
    draft = _draft(TransactionKind.ADJUST, submission, state, points, partner.number, command.points, postings, command)
    return after_lapses(points, now, [draft])


def _draft(  # noqa: PLR0913 - what a correction is made of
    kind: TransactionKind,
    submission: Submission,
    state: LedgerState,
    points: PointsState,
    partner: int,
    amount_points: int,
    postings: list[Posting],
    command: Adjust | WriteOff,
    *,
    lots: tuple[LotOpening, ...] = (),
    version: int | None = None,
) -> Draft:
    return Draft(
        kind=kind,
        lane=points.lane,
        programme=points.programme,
        partner=partner,
        member=points.member,
        points=amount_points,
        occurred_at=state.lanes[points.lane].now,
        key_digest=submission.key_digest,
        request_digest=submission.request_digest,
        postings=postings,
        lots=lots,
        programme_version=version,
        particulars=Particulars(approval=command.approval),
        has_details=True,
    )
