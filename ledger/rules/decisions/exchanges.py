"""Exchanges: a member's points of one programme for points of another, at the rate of the day.

Why two transactions: points of one programme are never added to another's, so each programme has its own leg, under
one idempotency key. The first gives the points back to whoever funded them, through the programme's exchange account;
the second issues new ones. Why it cannot be reversed: the rate is of a day, and what was issued may be used by then.
"""

import msgspec

from ledger.ids import Place
from ledger.rules.accounts import AccountKind
from ledger.rules.admission import (
    BALANCE_LIMIT,
    Stop,
    active_member,
    open_programme,
    parts_to_use,
    suspended_funder,
    wrong_amount,
)
from ledger.rules.caps import CapDraw, Demand, draw_caps
from ledger.rules.commands import Exchange, Submission
from ledger.rules.earning import out_of_range
from ledger.rules.exchanges import earned_at_rate, rate_on
from ledger.rules.expiry import lapse_drafts
from ledger.rules.journal import LotOpening, Particulars, Posting, TransactionKind
from ledger.rules.legs import Numbering
from ledger.rules.outcomes import Decided, Decision, Draft, Refused
from ledger.rules.programmes import ExchangeRate, Programme
from ledger.rules.shortfalls import Repayment
from ledger.rules.state import LedgerState, LotState, MemberState, PointsState


class _Offer(msgspec.Struct, frozen=True):
    """The two sides of an exchange that the set-up allows, and its rate."""

    rate: ExchangeRate
    burns: PointsState
    earns: PointsState
    target: Programme
    funding: int
    now: int


def decide_exchange(command: Exchange, submission: Submission, state: LedgerState) -> Decision:
    """Burn points in one programme, lot by lot, and issue what they come to in another."""
    offer = _offer(command, submission, state)
    if not isinstance(offer, _Offer):
        return offer
    earned = _earned(command, offer)
    if isinstance(earned, Refused):
        return earned
    parts = parts_to_use(offer.burns, command.points, offer.now)
    if not isinstance(parts, list):
        return parts
    if offer.earns.posted + earned > BALANCE_LIMIT:
        return out_of_range("balance", offer.earns.posted + earned, BALANCE_LIMIT)
    drawn = CapDraw()
    if state.registry.caps:
        day = offer.target.business_day(offer.now)
        demand = Demand(offer.rate.issuer, offer.earns.lane, offer.target.number, None, offer.funding, earned, day)
        draw = draw_caps(state, submission, demand)
        if not isinstance(draw, CapDraw):
            return draw
        drawn = draw
    first = [*lapse_drafts(offer.burns, offer.now), *lapse_drafts(offer.earns, offer.now), *drawn.drafts]
    legs = _legs(submission, state, offer, parts, earned, drawn.postings, first)
    return Decided([*first, *legs], len(legs))


def _offer(command: Exchange, submission: Submission, state: LedgerState) -> _Offer | Stop:
    source, target = (open_programme(code, state) for code in (command.programme, command.target_programme))
    if isinstance(source, Refused):
        return source
    if isinstance(target, Refused):
        return target
    member = active_member(submission.member, submission, state)
    if not isinstance(member, MemberState):
        return member
    now, registry = state.lanes[member.lane].now, state.registry
    rate = rate_on(registry.rates_between(source.number, target.number), source.business_day(now))
    if rate is None or rate.issuer not in target.issuers:
        return Refused(
            "exchange-not-offered",
            f"Points of {source.code} are not exchanged for points of {target.code} at present.",
            {"programme": source.code, "target_programme": target.code},
        )
    funding = registry.partners[rate.issuer].funding
    if refused := suspended_funder(funding, target, registry):
        return refused
    burns, earns = member.points_in(source.number), member.points_in(target.number)
    return _Offer(rate, burns, earns, target, funding, now)


def _earned(command: Exchange, offer: _Offer) -> int | Refused:
    if wrong := wrong_amount(command.points, None, None, offer.target):
        return wrong
    rate = offer.rate
    earned = earned_at_rate(rate, command.points)
    if earned is None:
        return Refused(
            "exchange-not-whole",
            f"{rate.give} points of {command.programme} become {rate.get} of {command.target_programme}: "
            f"{command.points} is no multiple of {rate.give}.",
            {"requested": command.points, "give": rate.give, "get": rate.get},
        )
    return wrong_amount(earned, None, None, offer.target) or earned


def _legs(
    submission: Submission,
    state: LedgerState,
    offer: _Offer,
    parts: list[tuple[LotState, int]],
    earned: int,
    of_caps: list[Posting],
    first: list[Draft],
) -> list[Draft]:
    numbering = Numbering(state)
    numbering.count(first)
    lane = offer.burns.lane
    out_place, in_place = numbering.pair(lane, lane)
    version = offer.target.version_on(offer.target.business_day(offer.now))
    opening = LotOpening(
        lot=numbering.next_lot(lane),
        funding=offer.funding,
        terms_version=None,
        earned_at=offer.now,
        available_from=offer.now,
        expires_on=version.expires_on(offer.target.business_day(offer.now)),
        original=earned,
    )
    amount_points = sum(amount for _, amount in parts)
    issued = [*_issued(offer.earns, opening), *of_caps]
    return [
        _leg(submission, offer, offer.burns, amount_points, _burnt(offer.burns, parts), in_place),
        msgspec.structs.replace(
            _leg(submission, offer, offer.earns, earned, issued, out_place, opening),
            partner=offer.rate.issuer,
            programme_version=version.version,
        ),
    ]


def _leg(
    submission: Submission,
    offer: _Offer,
    points: PointsState,
    amount_points: int,
    postings: list[Posting],
    counter: Place,
    opening: LotOpening | None = None,
) -> Draft:
    is_first = opening is None
    return Draft(
        kind=TransactionKind.EXCHANGE,
        lane=points.lane,
        programme=points.programme,
        partner=submission.partner,
        member=points.member,
        points=amount_points,
        occurred_at=offer.now,
        key_digest=submission.key_digest,
        request_digest=submission.request_digest,
        postings=postings,
        lots=() if opening is None else (opening,),
        particulars=Particulars(
            counter_lane=counter.lane, counter_sequence=counter.number, exchange_rate=offer.rate.number
        ),
        has_details=is_first,
        keeps_key=is_first,
    )


def _burnt(points: PointsState, parts: list[tuple[LotState, int]]) -> list[Posting]:
    """Points leave the member and go back to whoever funded them, lot by lot."""
    exchange = (AccountKind.EXCHANGE, points.programme)
    postings: list[Posting] = []
    for lot, amount in parts:
        postings.append(Posting(AccountKind.AVAILABLE, points.member, *exchange, amount, lot.lot))
        postings.append(Posting(*exchange, AccountKind.ISSUANCE, lot.funding, amount, lot.lot))
    return postings


def _issued(points: PointsState, opening: LotOpening) -> list[Posting]:
    """New points arrive, and repay what the member owes in their programme first."""
    credit = Posting(
        AccountKind.ISSUANCE, opening.funding, AccountKind.AVAILABLE, points.member, opening.original, opening.lot
    )
    return [credit, *Repayment(points).from_credit(opening.lot, opening.funding, opening.original)[0]]
