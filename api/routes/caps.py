"""Caps: hard limits on the points that may be given, added and granted by operators."""

import msgspec
from litestar import Response, get, post
from psycopg import AsyncConnection

from api.access import READERS, for_operators, for_staff_and_partners, refuse_unless_staff_with, staff_of
from api.answers import rfc3339
from api.authentication import PartnerCaller
from api.idempotent_answers import FirstAnswer, answer_once
from api.pages_of_lists import next_link, page_by_code
from api.posting_answers import CREATED, JSON, Answered, respond, shown
from api.requests import CityRequest, refuse_key
from api.routes.declarations import (
    LIST_PROBLEMS,
    READ_PROBLEMS,
    WRITE_PROBLEMS,
    CodePath,
    CursorQuery,
    IdempotencyKey,
    LimitQuery,
    answers,
)
from api.schemas.caps import CapAnswer, CapGrantAnswer, CapGrantRequest, CapPage, CapRequest
from api.wiring import Wiring, wiring_of
from ledger.errors import AmountOutOfRange, CapNotFound, PartnerNotFound, ProgrammeNotFound
from ledger.posting.cap_grants import grant, grant_first
from ledger.reading.caps import CapStanding, read_caps
from ledger.reading.cursors import DEFAULT_LIMIT
from ledger.rules.commands import MAXIMUM_POINTS
from ledger.rules.outcomes import Outcome
from ledger.rules.programmes import Cap, Registry
from ledger.store.registry_writes import NewCap, add_cap

GRANT_PROBLEMS = (*WRITE_PROBLEMS, "amount-out-of-range", "clock-behind", "shutting-down")

_encode = msgspec.json.Encoder().encode


@post(
    "/v1/caps",
    before_request=for_operators,
    operation_id="postCap",
    summary="Add a cap",
    tags=["Caps"],
    responses=answers(
        201,
        CapGrantAnswer,
        "Added, with its first points.",
        *GRANT_PROBLEMS,
        "already-exists",
        "programme-not-found",
        "partner-not-found",
    ),
)
async def post_cap(request: CityRequest, data: CapRequest, idempotency_key: IdempotencyKey) -> Response[bytes]:
    """From now on earnings that fall under the cap are refused once its points are used up.

    A cap holds for a programme, for one `partner` or all, in one `scene` or all. It is never exceeded, and
    its last point can be given. Reversed earnings give points back.
    """
    wiring = wiring_of(request)
    registry = await wiring.fresh_registry()

    async def work(connection: AsyncConnection) -> FirstAnswer:
        await add_cap(connection, _new_cap(registry, data))
        return FirstAnswer(CREATED, data)

    added = await answer_once(wiring.engine, staff_of(request).owner, idempotency_key, "add-cap", data, work)
    if added.status_code != CREATED:
        return added
    await wiring.fresh_registry()
    return await _answer_grant(wiring, data.code, await grant_first(wiring.engine, data.code, data.points))


@post(
    "/v1/caps/{code:str}/grants",
    before_request=for_operators,
    operation_id="postCapGrant",
    summary="Authorise a cap for more points",
    tags=["Caps"],
    responses=answers(201, CapGrantAnswer, "Granted.", *GRANT_PROBLEMS, "cap-not-found"),
)
async def post_grant(
    request: CityRequest, code: CodePath, data: CapGrantRequest, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Let more points be given under a cap."""
    refuse_key(idempotency_key)
    wiring = wiring_of(request)
    await wiring.fresh_registry()
    outcome = await grant(
        wiring.engine,
        code,
        data.points,
        owner=staff_of(request).owner,
        idempotency_key=idempotency_key,
        reason=data.reason,
    )
    return await _answer_grant(wiring, code, outcome)


@get(
    "/v1/caps",
    before_request=for_staff_and_partners,
    operation_id="listCaps",
    summary="List caps",
    tags=["Caps"],
    responses=answers(200, CapPage, "A page.", *LIST_PROBLEMS),
)
async def get_caps(
    request: CityRequest, cursor: CursorQuery = None, limit: LimitQuery = DEFAULT_LIMIT
) -> Response[bytes]:
    """Caps in the order of their codes: a partner finds its own, operators, auditors and support all."""
    wiring = wiring_of(request)
    registry = await wiring.fresh_registry()
    page, next_cursor = page_by_code(
        wiring.engine.key, "caps", _visible(request, registry), lambda cap: cap.code, cursor=cursor, limit=limit
    )
    answer = CapPage(await _answers(wiring, registry, page), next_cursor)
    return Response(_encode(answer), media_type=JSON, headers=next_link(request, next_cursor))


@get(
    "/v1/caps/{code:str}",
    before_request=for_staff_and_partners,
    operation_id="getCap",
    summary="Read a cap",
    tags=["Caps"],
    responses=answers(200, CapAnswer, "The cap as it stands.", *READ_PROBLEMS, "cap-not-found"),
)
async def get_cap(request: CityRequest, code: CodePath) -> Response[bytes]:
    """How many points a cap was authorised for, and how many are used and left."""
    wiring = wiring_of(request)
    registry = await wiring.fresh_registry()
    found = [cap for cap in _visible(request, registry) if cap.code == code]
    if not found:
        raise CapNotFound("No cap has this code.", cap=code)
    [answer] = await _answers(wiring, registry, found)
    return Response(_encode(answer), media_type=JSON)


def _new_cap(registry: Registry, data: CapRequest) -> NewCap:
    """The cap to add; raises ProgrammeNotFound, PartnerNotFound, AmountOutOfRange."""
    programme = registry.programmes.get(data.programme)
    if programme is None:
        raise ProgrammeNotFound("No programme has this code.", programme=data.programme)
    partner = None if data.partner is None else registry.partner_coded(data.partner)
    if data.partner is not None and partner is None:
        raise PartnerNotFound("No partner has this code.", partner=data.partner)
    if data.points > MAXIMUM_POINTS:
        raise AmountOutOfRange(
            f"points: got {data.points}, wanted at most {MAXIMUM_POINTS}.",
            field="points",
            got=data.points,
            maximum=MAXIMUM_POINTS,
        )
    return NewCap(
        code=data.code,
        programme=programme.number,
        partner=None if partner is None else partner.number,
        scene=data.scene,
    )


def _visible(request: CityRequest, registry: Registry) -> list[Cap]:
    """The caps that the caller may see; raises Forbidden for staff who may see none."""
    caller = request.user
    if isinstance(caller, PartnerCaller):
        return [cap for cap in registry.caps if cap.partner == caller.partner]
    refuse_unless_staff_with(caller, READERS)
    return list(registry.caps)


async def _answers(wiring: Wiring, registry: Registry, caps: list[Cap]) -> list[CapAnswer]:
    async with wiring.engine.pool.connection() as connection:
        standings = await read_caps(connection, caps)
    return [_answer(registry, cap, standings[cap.number]) for cap in caps]


def _answer(registry: Registry, cap: Cap, standing: CapStanding) -> CapAnswer:
    return CapAnswer(
        code=cap.code,
        programme=registry.programme_numbered(cap.programme).code,
        partner=None if cap.partner is None else registry.partners[cap.partner].code,
        scene=cap.scene,
        authorised=standing.authorised,
        used=standing.used,
        left=standing.left,
        measure=cap.measure,
    )


async def _answer_grant(wiring: Wiring, code: str, outcome: Outcome) -> Response[bytes]:
    found = await shown(wiring, outcome)
    if isinstance(found, Answered):
        return respond(found)
    view = found.view
    answer = CapGrantAnswer(
        cap=code,
        programme=view.programme or "",
        points=view.points,
        transaction=view.id,
        recorded_at=rfc3339(view.recorded_at),
    )
    return respond(Answered(CREATED, _encode(answer), found.is_replay))


cap_routes = [post_cap, post_grant, get_caps, get_cap]
