"""The expiry job: post what has lapsed, points and holds, and nobody has touched since.

Readers and decisions count lapsed points as gone at once, so the job changes no balance; it brings the
journal up to date. It may run at any time, beside live traffic and beside itself: what another unit of
work has posted first is simply no longer there to post.
"""

import asyncio
import secrets
from collections.abc import Callable
from datetime import date

import msgspec

from ledger.errors import MalformedRequest
from ledger.ids import REQUEST_DIGEST_BYTES
from ledger.posting.engine import Engine
from ledger.rules.accounts import AccountKind
from ledger.rules.business_day import end_of_day
from ledger.rules.commands import Expire, Submission
from ledger.rules.journal import Transaction, TransactionKind
from ledger.rules.outcomes import Posted
from ledger.rules.programmes import LEDGER_ITSELF, Programme
from ledger.store.lapsed_members import DueMember, read_due_members
from ledger.store.ledger_row import read_clock

MEMBERS_PER_PAGE = 1000
KEY_DIGEST_BYTES = 32

Progress = Callable[[int, int], None]


class DayNotOver(MalformedRequest):
    """The day's points can still be used, in at least one programme."""


class Lapses(msgspec.Struct):
    """What a run of the job has posted: members with a lapse, expiries (one per lot) and their points.

    ``holds`` counts the holds that were released since their time was over.
    """

    members: int = 0
    expiries: int = 0
    points: int = 0
    holds: int = 0


async def post_lapses(engine: Engine, *, day: date | None = None, progress: Progress | None = None) -> Lapses:
    """Post every lapse of all members, lane by lane, and return what was posted.

    With ``day``, only of members with points whose last day was ``day`` or an earlier one; raises
    DayNotOver where that day is not over in a programme's zone. ``progress`` gets lanes done and lanes.
    """
    async with engine.pool.connection() as connection:
        now = await read_clock(connection)
        # A process that posts nothing else would never hear of a programme added since it started.
        registry = await engine.registry.refresh(connection)
    due_by = {programme: _due_by(programme, day, now) for programme in registry.programmes.values()}
    lapses = Lapses()
    for lane in range(engine.lanes):
        for programme, instant in due_by.items():
            await _post_lane(engine, lane, programme, instant, lapses)
        if progress is not None:
            progress(lane + 1, engine.lanes)
    return lapses


def _due_by(programme: Programme, day: date | None, now: int) -> int:
    if day is None:
        return now
    over_at = end_of_day(day, programme.zone)
    if over_at > now:
        msg = f"The day {day} is not over in {programme.zone}, the zone of programme {programme.code}."
        raise DayNotOver(msg, field="day", got=day.isoformat())
    return over_at


async def _post_lane(engine: Engine, lane: int, programme: Programme, due_by: int, lapses: Lapses) -> None:
    after = 0
    while True:
        async with engine.pool.connection() as connection:
            members = await read_due_members(
                connection, lane, programme.number, after=after, due_by=due_by, limit=MEMBERS_PER_PAGE
            )
        outcomes = await asyncio.gather(
            *(engine.posters.submit(_expire(lane, programme, member)) for member in members)
        )
        for outcome in outcomes:
            if not isinstance(outcome, Posted):
                msg = f"an expiry was answered with {type(outcome).__name__}"
                raise TypeError(msg)
            lapses.members += bool(outcome.entries)
            for entry in outcome.entries:
                _count(lapses, entry.transaction)
        if len(members) < MEMBERS_PER_PAGE:
            return
        after = members[-1].number


def _count(lapses: Lapses, transaction: Transaction) -> None:
    """Count what has expired, also of lots that lapsed when their hold was released."""
    expired = [p.amount for p in transaction.postings if p.credit_kind == AccountKind.EXPIRED]
    lapses.expiries += len(expired)
    lapses.points += sum(expired)
    lapses.holds += transaction.kind == TransactionKind.HOLD_EXPIRE


def _expire(lane: int, programme: Programme, member: DueMember) -> Submission:
    # Each expiry has a key of its own (lot, n-th); the submission's is never kept and need only be new.
    key = secrets.token_bytes(KEY_DIGEST_BYTES)
    return Submission(
        command=Expire(programme=programme.code, member=member.public_id),
        partner=LEDGER_ITSELF,
        key_digest=key,
        request_digest=key[:REQUEST_DIGEST_BYTES],
        lane=lane,
        member=member.number,
        programme=programme.number,
    )
