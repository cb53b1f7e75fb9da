"""The notices job: tell members 60, 30 and 7 days before that points are about to expire.

A notice is a record in the member's lane, which feeds and webhooks carry; whoever sends the message reads it
there. Its key is made of member, programme, last day and lead, so it is recorded once, however often the job
runs and however many run at once. Where the job did not run on the very day, the nearest lead is caught up,
and those that are over are left out.
"""

import asyncio
from datetime import date, timedelta

import msgspec

from ledger.ids import REQUEST_DIGEST_BYTES
from ledger.posting.engine import Engine
from ledger.rules.business_day import civil_day
from ledger.rules.commands import Notice, Submission
from ledger.rules.decisions.notices import LEAD_DAYS, notice_key
from ledger.rules.outcomes import Posted, Refused
from ledger.rules.programmes import LEDGER_ITSELF, Programme
from ledger.store.lapsed_members import ExpiringPoints, read_expiring_points
from ledger.store.ledger_row import read_clock

POINTS_PER_PAGE = 1_000


class Notices(msgspec.Struct):
    """What a run of the job has recorded: notices, and the points they tell of."""

    notices: int = 0
    points: int = 0


async def post_notices(engine: Engine) -> Notices:
    """Record every notice that is due now and not recorded yet, lane by lane."""
    async with engine.pool.connection() as connection:
        now = await read_clock(connection)
        # A process that posts nothing else would never hear of a programme added since it started.
        registry = await engine.registry.refresh(connection)
    notices = Notices()
    for lane in range(engine.lanes):
        for programme in registry.programmes.values():
            await _post_lane(engine, lane, programme, civil_day(now, programme.zone), notices)
    return notices


def lead_of(expires_on: date, today: date) -> int | None:
    """How many days before its last day a member is to be told today; None for none yet, or none any more.

    The last day itself comes too late, and so does what is past it.
    """
    left = (expires_on - today).days
    if left < 1:
        return None
    return next((lead for lead in LEAD_DAYS if left <= lead), None)


async def _post_lane(engine: Engine, lane: int, programme: Programme, today: date, notices: Notices) -> None:
    after = (0, date.min)
    days = (today + timedelta(days=1), today + timedelta(days=LEAD_DAYS[-1]))
    while True:
        async with engine.pool.connection() as connection:
            found = await read_expiring_points(
                connection, lane, programme.number, after=after, days=days, limit=POINTS_PER_PAGE
            )
        due = [(points, lead) for points in found if (lead := lead_of(points.expires_on, today)) is not None]
        outcomes = await asyncio.gather(
            *(engine.posters.submit(_notice(lane, programme, points, lead)) for points, lead in due)
        )
        for outcome in outcomes:
            if isinstance(outcome, Refused):
                raise TypeError(f"a notice was refused: {outcome.code}")
            if isinstance(outcome, Posted) and outcome.own_entries:
                notices.notices += 1
                notices.points += outcome.own_entries[0].transaction.points
        if len(found) < POINTS_PER_PAGE:
            return
        after = (found[-1].number, found[-1].expires_on)


def _notice(lane: int, programme: Programme, points: ExpiringPoints, lead: int) -> Submission:
    key = notice_key(points.public_id, programme.number, points.expires_on, lead)
    return Submission(
        command=Notice(
            programme=programme.code, member=points.public_id, expires_on=points.expires_on, days_before=lead
        ),
        partner=LEDGER_ITSELF,
        key_digest=key,
        request_digest=key[:REQUEST_DIGEST_BYTES],
        lane=lane,
        member=points.number,
        programme=programme.number,
    )
