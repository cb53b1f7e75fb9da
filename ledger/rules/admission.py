"""What every command is asked first: its programme, who may act in it, its member, its time, its amount.

Each check returns what it found, or why the command stops here: a refusal, or lanes that must be locked
as well because the member has become another one.
"""

import msgspec

from ledger.rules.business_day import MICROSECONDS_PER_DAY, MICROSECONDS_PER_SECOND
from ledger.rules.commands import (
    MAXIMUM_MINOR,
    MAXIMUM_POINTS,
    Adjust,
    Close,
    Earn,
    Exchange,
    Expire,
    Freeze,
    Gift,
    Merge,
    Move,
    Notice,
    PlaceHold,
    Redeem,
    Submission,
    TakeBack,
    Unfreeze,
    WriteOff,
)
from ledger.rules.earning import out_of_range, wrong_currency
from ledger.rules.lots import consume_lots, usable_lots
from ledger.rules.outcomes import NeedsLanes, NeedsLots, Refused
from ledger.rules.programmes import Programme, Registry
from ledger.rules.state import LedgerState, LotState, MemberState, PointsState

CLOCK_TOLERANCE_SECONDS = 60
"""How far a till's clock may be ahead of ours before its event counts as future."""

BALANCE_LIMIT = 1 << 62

_OF_ONE_PROGRAMME = (Earn, Redeem, TakeBack, Expire, PlaceHold, Gift, Adjust, WriteOff, Notice)
_OF_ALL_PROGRAMMES = (Merge, Move, Close)

Stop = Refused | NeedsLanes


class Admitted(msgspec.Struct, frozen=True):
    """An earn, redemption or hold that everything but its amount allows."""

    programme: Programme
    points: PointsState
    occurred_at: int
    now: int
    funding: int = 0
    """Of an earn: its partner's own, or its campaign's."""


def programmes_of(submission: Submission, registry: Registry) -> list[int]:
    """The programmes in which a submission touches its members; 0 is the member alone."""
    command = submission.command
    if isinstance(command, Exchange):
        named = (registry.programmes.get(code) for code in (command.programme, command.target_programme))
        return [programme.number for programme in named if programme is not None]
    if isinstance(command, _OF_ONE_PROGRAMME):
        found = registry.programmes.get(command.programme)
        return [] if found is None else [found.number]
    if isinstance(command, _OF_ALL_PROGRAMMES):
        return [0, *registry.numbered]
    if isinstance(command, (Freeze, Unfreeze)):
        return [0]
    return [] if submission.programme is None else [submission.programme]


def admit(command: Earn | Redeem | PlaceHold, submission: Submission, state: LedgerState) -> Admitted | Stop:
    """Check programme, permission, member and time, in the documented order."""
    programme = _permitted_programme(command, submission.partner, state)
    if isinstance(programme, Refused):
        return programme
    funding = 0
    if isinstance(command, Earn):
        issuing = _issuing_funding(command, submission.partner, programme, state)
        if isinstance(issuing, Refused):
            return issuing
        funding = issuing
    if not programme.is_open:
        return closed_programme(programme.code)
    member = active_member(submission.member, submission, state)
    if not isinstance(member, MemberState):
        return member
    now = state.lanes[member.lane].now
    occurred_at = now if command.occurred_at is None else command.occurred_at
    if wrong := wrong_time(occurred_at, now, programme):
        return wrong
    return Admitted(programme, member.points_in(programme.number), occurred_at, now, funding)


def open_programme(code: str, state: LedgerState) -> Programme | Refused:
    """Find a programme that is open."""
    programme = state.registry.programmes.get(code)
    if programme is None:
        return no_programme(code)
    return programme if programme.is_open else closed_programme(code)


def closed_programme(code: str) -> Refused:
    """The refusal of what a closed programme takes no more."""
    return Refused("programme-closed", f"Programme {code} is closed.", {"programme": code})


def no_programme(code: str) -> Refused:
    """The refusal of a code that no programme has."""
    return Refused("programme-not-found", "No programme has this code.", {"programme": code})


def known_member(number: int | None, submission: Submission, state: LedgerState) -> MemberState | Stop:
    """Find a member, or the one that it was merged or moved into.

    That one must have been read for this command: what another of the batch has read of it may be less.
    """
    member = None if number is None else state.members.get(number)
    if member is None:
        return Refused("member-not-found", "You know no member by this name.")
    if member.into is None:
        return member
    lane, present = place = state.present(member.into)
    if lane not in state.lanes or place not in submission.more_members:
        return NeedsLanes(frozenset({lane}), frozenset({place}))
    return state.members[present]


def active_member(number: int | None, submission: Submission, state: LedgerState) -> MemberState | Stop:
    """Find a member that is neither frozen nor closed, by a code that is good where a code names it."""
    member = known_member(number, submission, state)
    if submission.code is not None and isinstance(member, MemberState):
        ended = _ended_code(submission.code, member, state)
        if ended is not None:
            return ended
    if not isinstance(member, MemberState) or member.status == "active":
        return member
    return refuse_status(member.status)


def _ended_code(digest: bytes, member: MemberState, state: LedgerState) -> Refused | None:
    """Why a code names a member no more; asked before its status, of which an old code must tell nothing."""
    code = state.codes.get(digest)
    if code is None or state.present((code.lane, code.member)) != (member.lane, member.number):
        return Refused("member-not-found", "You know no member by this name.")
    if code.used is not None:
        return Refused("code-used", "The code has been used; the member shows the next one.")
    if code.is_expired:
        return Refused("code-expired", "The code is no longer good; the member shows the next one.")
    return None


def refuse_status(status: str) -> Refused:
    """The refusal for a member that is frozen or closed."""
    if status == "closed":
        return Refused("member-closed", "The member's account is closed.")
    return Refused("member-frozen", "The member's account is frozen.")


def wrong_time(occurred_at: int, now: int, programme: Programme) -> Refused | None:
    """Refuse what is still to come, what is older than the programme takes, and what falls in a closed period."""
    if wrong := in_future(occurred_at, now):
        return wrong
    maximum_age_days = programme.maximum_age_days
    if maximum_age_days is not None and occurred_at < now - maximum_age_days * MICROSECONDS_PER_DAY:
        return Refused(
            "occurred-too-long-ago",
            f"The programme takes events up to {maximum_age_days} days old.",
            {"field": "occurred_at", "maximum_age_days": maximum_age_days},
        )
    return in_closed_period(occurred_at, programme)


def in_future(occurred_at: int, now: int) -> Refused | None:
    """Refuse what is still to come."""
    if occurred_at > now + CLOCK_TOLERANCE_SECONDS * MICROSECONDS_PER_SECOND:
        return Refused(
            "occurred-in-future",
            "The event's time is later than the ledger's clock.",
            {"field": "occurred_at"},
        )
    return None


def in_closed_period(occurred_at: int, programme: Programme) -> Refused | None:
    """Refuse what occurred on a business day whose period is closed: it belongs in the open one, under today's date."""
    closed_through = programme.closed_through
    if closed_through is None:
        return None
    day = programme.business_day(occurred_at)
    if day > closed_through:
        return None
    return Refused(
        "period-closed",
        f"The period up to {closed_through} is closed; the event occurred on {day}.",
        {"field": "occurred_at", "closed_through": closed_through.isoformat(), "occurred_on": day.isoformat()},
    )


def wrong_amount(
    points: int | None, cash_minor: int | None, currency: str | None, programme: Programme
) -> Refused | None:
    """Refuse a memo of cash in another currency, and amounts out of range."""
    if cash_minor is not None:
        if wrong := wrong_currency(currency, programme):
            return wrong
        if cash_minor > MAXIMUM_MINOR:
            return out_of_range("cash", cash_minor, MAXIMUM_MINOR)
    if points is not None and points > MAXIMUM_POINTS:
        return out_of_range("points", points, MAXIMUM_POINTS)
    return None


def too_few_points(requested: int, available: int) -> Refused:
    """The refusal of more points than are available."""
    return Refused(
        "insufficient-points",
        "The member has fewer available points than requested.",
        {"requested": requested, "available": available},
    )


def parts_to_use(points: PointsState, amount_points: int, now: int) -> list[tuple[LotState, int]] | Refused | NeedsLots:
    """What to take of which lots, in the order of use."""
    if points.available < amount_points:
        return too_few_points(amount_points, points.available)
    usable = usable_lots(points, now)
    if not points.lots_complete and sum(lot.remaining for lot in usable) < amount_points:
        return NeedsLots()
    return consume_lots(usable, amount_points)


def _permitted_programme(command: Earn | Redeem | PlaceHold, partner: int, state: LedgerState) -> Programme | Refused:
    code = command.programme
    programme = state.registry.programmes.get(code)
    if programme is None:
        return no_programme(code)
    earns = isinstance(command, Earn)
    if partner not in (programme.issuers if earns else programme.acceptors):
        what = "issue" if earns else "accept"
        return Refused("partner-not-permitted", f"You may not {what} points of programme {code}.", {"programme": code})
    return programme


def _issuing_funding(command: Earn, partner: int, programme: Programme, state: LedgerState) -> int | Refused:
    """The funding of an earn's lot: of a campaign that the partner shares in, where one is named.

    Nobody who funds it may be suspended: all of them would owe for it.
    """
    registry = state.registry
    funding = registry.partners[partner].funding
    if command.campaign is not None:
        if not registry.shares_in(partner, programme.number, command.campaign):
            return Refused(
                "campaign-not-found",
                "No campaign of this programme that you share in has this code.",
                {"campaign": command.campaign},
            )
        funding = registry.campaigns[command.campaign].funding
    return suspended_funder(funding, programme, registry) or funding


def suspended_funder(funding: int, programme: Programme, registry: Registry) -> Refused | None:
    """Refuse points of which any funder may issue none at present."""
    if programme.suspended:
        for funder, _ in registry.fundings[funding]:
            if funder in programme.suspended:
                return _suspended(registry.partners[funder].code, programme.code)
    return None


def _suspended(issuer: str, programme: str) -> Refused:
    return Refused(
        "issuer-suspended",
        f"Issuing points of {issuer} in programme {programme} is suspended.",
        {"issuer": issuer, "programme": programme},
    )
