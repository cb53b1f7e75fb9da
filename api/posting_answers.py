"""From a command to its answer: submit it, and render its outcome; the same for a single request and a bulk item."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from litestar import Response

from api.access import partner_of, token_member_of
from api.answers import render_transaction
from api.idempotent_answers import REPLAYED
from api.presented_codes import count_missed_codes
from api.problems import PROBLEM_MEDIA_TYPE, PROBLEM_TYPES, problem_document
from api.requests import CityRequest, refuse_key
from api.wiring import Wiring, wiring_of
from ledger.errors import LedgerError
from ledger.reading.transactions import TransactionView, places_of, view_posted
from ledger.rules.commands import PartnerCommand, Submission
from ledger.rules.outcomes import KeyReused, Outcome, Posted, Refused, Replayed
from ledger.rules.state import KeyRecord
from ledger.store.member_selves import read_selves
from ledger.store.members import Member

OK, CREATED = 200, 201
JSON = "application/json"

_KEY_REUSED = Refused("idempotency-key-reused", "The Idempotency-Key was used before, with another request.")
_FIRST_ERROR = 400

_encode = msgspec.json.Encoder().encode
_decode_refused = msgspec.json.Decoder(Refused).decode


class Answered(NamedTuple):
    """A status and body, and whether they were given before."""

    status: int
    body: bytes
    is_replay: bool = False


class Shown(NamedTuple):
    """The transaction that answers a command, and whether it did so before."""

    view: TransactionView
    is_replay: bool


async def post_command(request: CityRequest, idempotency_key: str, command: PartnerCommand) -> Response[bytes]:
    """Submit a single command of the calling partner and answer its outcome.

    Raises IdempotencyKeyMalformed, Unauthenticated for a bad member's token, and what a poster raises.
    """
    refuse_key(idempotency_key)
    wiring = wiring_of(request)
    token_member = await token_member_of(request)
    submission = await prepare(wiring, partner_of(request).partner, idempotency_key, command, token_member)
    return respond(await answer_outcome(wiring, await wiring.engine.posters.submit(submission)))


async def prepare(
    wiring: Wiring, partner: int, idempotency_key: str, command: PartnerCommand, token_member: Member | None
) -> Submission:
    """Make a submission whose answer shows the balance where the member of the token is the command's, or shows a code.

    Raises 429 where a partner names members by codes that are none, again and again.
    """
    submission = await wiring.engine.intake.prepare(partner, idempotency_key, command)
    if submission.member is None:
        count_missed_codes(wiring, submission)
    if token_member is not None:
        for target in submission.items or (submission,):
            target.shows_balance = target.shows_balance or await _is_of(wiring, target, token_member)
    return submission


async def _is_of(wiring: Wiring, submission: Submission, member: Member) -> bool:
    """Whether a submission is about a member, or about one that has become it, as an old transaction may be."""
    if submission.member is None or submission.member == member.number:
        return submission.member is not None
    if submission.original is None and submission.hold is None:
        return False
    async with wiring.engine.pool.connection() as connection:
        selves = await read_selves(connection, member)
    return Member(submission.lane, submission.member) in [one.place for one in selves]


async def submit_in_order(wiring: Wiring, submissions: Sequence[Submission]) -> list[Answered]:
    """Submit many commands, in order, and answer each; one that fails beside the rules spoils no other."""
    queued = [_enqueue(wiring, submission) for submission in submissions]
    return [await _answer_queued(wiring, one) for one in queued]


async def answer_outcome(wiring: Wiring, outcome: Outcome) -> Answered:
    """Render what became of a command, now or when its key was first used."""
    found = await shown(wiring, outcome)
    if isinstance(found, Answered):
        return found
    return Answered(CREATED, render_transaction(found.view), found.is_replay)


async def shown(wiring: Wiring, outcome: Outcome) -> Shown | Answered:
    """The transaction that answers a command, or the problem that it was refused with."""
    if isinstance(outcome, Posted):
        [view] = await view_posted(wiring.engine.pool, outcome, wiring.engine.registry.current)
        return Shown(view, is_replay=False)
    if isinstance(outcome, Refused):
        return refused(outcome)
    if isinstance(outcome, Replayed):
        return await shown_before(wiring, outcome.record)
    assert isinstance(outcome, KeyReused)  # noqa: S101 - the last kind of outcome
    return refused(_KEY_REUSED)


async def shown_before(wiring: Wiring, record: KeyRecord) -> Shown | Answered:
    """What a key in use was answered with."""
    if record.answer is not None:
        return refused(_decode_refused(record.answer), is_replay=True)
    [place] = places_of(record)
    return Shown(await wiring.view(place), is_replay=True)


def refused(refusal: Refused, *, is_replay: bool = False) -> Answered:
    """The problem document of a refusal."""
    body = _encode(problem_document(refusal.code, refusal.detail, refusal.facts))
    return Answered(PROBLEM_TYPES[refusal.code].status, body, is_replay)


class _Problem(msgspec.Struct, frozen=True):
    code: str


def code_of(refusal: Answered) -> str:
    """The stable code of a problem, for pages that say it in their own words."""
    return msgspec.json.decode(refusal.body, type=_Problem).code


def failed(error: LedgerError) -> Answered:
    """The problem document of an error beside the rules."""
    return refused(Refused(error.code, error.detail, error.facts))


def respond(answered: Answered) -> Response[bytes]:
    """The response to a single request."""
    return Response(
        answered.body,
        status_code=answered.status,
        media_type=JSON if answered.status < _FIRST_ERROR else PROBLEM_MEDIA_TYPE,
        headers=REPLAYED if answered.is_replay else None,
    )


def _enqueue(wiring: Wiring, submission: Submission) -> "asyncio.Future[Outcome] | LedgerError":
    try:
        return wiring.engine.posters.enqueue(submission)
    except LedgerError as error:
        return error


async def _answer_queued(wiring: Wiring, queued: "asyncio.Future[Outcome] | LedgerError") -> Answered:
    if isinstance(queued, LedgerError):
        return failed(queued)
    try:
        outcome = await queued
    except LedgerError as error:
        return failed(error)
    return await answer_outcome(wiring, outcome)
