"""Programmes: added with dated rules, opened and closed, and who may issue and accept in them."""

import hashlib
from typing import Annotated

import msgspec
from litestar import Response, get, patch, post, put
from litestar.exceptions import HTTPException
from litestar.params import HeaderParameter
from psycopg import AsyncConnection

from api.access import for_anyone, for_operators, staff_of
from api.authentication import PartnerCaller, StaffCaller
from api.idempotent_answers import FirstAnswer, answer_once
from api.pages_of_lists import next_link, page_by_code
from api.posting_answers import JSON
from api.requests import CityRequest
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
from api.schemas.fields import refuse
from api.schemas.programmes import (
    PermissionAnswer,
    PermissionRequest,
    ProgrammeAnswer,
    ProgrammeChange,
    ProgrammePage,
    ProgrammeRequest,
    RulesAnswer,
    RulesRequest,
    programme_answer,
    rules_answer,
)
from api.set_up_changes import permit_partner
from api.wiring import wiring_of
from ledger.errors import ProgrammeNotFound
from ledger.reading.cursors import DEFAULT_LIMIT
from ledger.rules.programmes import Programme, ProgrammeVersion, Registry
from ledger.store.ledger_row import read_clock
from ledger.store.registry import raise_registry_version, read_registry
from ledger.store.registry_writes import add_programme, add_rules, set_gift_points, set_programme_open
from ledger.store.unit_of_work import unit_of_work

BODY_PROBLEMS = (*READ_PROBLEMS, "payload-too-large", "unsupported-media-type")

IfMatch = Annotated[
    str | None,
    HeaderParameter(name="If-Match", required=False, description="The ETag of the programme as you read it."),
]

_encode = msgspec.json.Encoder().encode


@post(
    "/v1/programmes",
    before_request=for_operators,
    operation_id="postProgramme",
    summary="Add a programme",
    tags=["Set-up"],
    responses=answers(201, ProgrammeAnswer, "Added.", *WRITE_PROBLEMS, "already-exists"),
)
async def post_programme(
    request: CityRequest, data: ProgrammeRequest, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Add a programme with its first rules; its code is for ever."""
    engine = wiring_of(request).engine
    new = data.new_programme()

    async def work(connection: AsyncConnection) -> FirstAnswer:
        await add_programme(connection, new)
        registry = await read_registry(connection)
        return FirstAnswer(201, programme_answer(registry.programmes[data.code], {}))

    return await answer_once(engine, staff_of(request).owner, idempotency_key, "add-programme", data, work)


@get(
    "/v1/programmes",
    before_request=for_anyone,
    operation_id="listProgrammes",
    summary="List programmes",
    tags=["Set-up"],
    responses=answers(200, ProgrammePage, "A page.", *LIST_PROBLEMS),
)
async def list_programmes(
    request: CityRequest, cursor: CursorQuery = None, limit: LimitQuery = DEFAULT_LIMIT
) -> Response[bytes]:
    """Programmes in the order of their codes."""
    wiring = wiring_of(request)
    registry = await wiring.fresh_registry()
    page, next_cursor = page_by_code(
        wiring.engine.key,
        "programmes",
        list(registry.programmes.values()),
        lambda programme: programme.code,
        cursor=cursor,
        limit=limit,
    )
    answer = ProgrammePage([_visible(request, registry, programme) for programme in page], next_cursor)
    return Response(_encode(answer), media_type=JSON, headers=next_link(request, next_cursor))


@get(
    "/v1/programmes/{code:str}",
    before_request=for_anyone,
    operation_id="getProgramme",
    summary="Read a programme",
    tags=["Set-up"],
    responses=answers(200, ProgrammeAnswer, "The programme, with its ETag.", *READ_PROBLEMS, "programme-not-found"),
)
async def get_programme(request: CityRequest, code: CodePath) -> Response[bytes]:
    """A programme with all its dated rules, and who takes part: staff see everybody, a partner itself."""
    registry = await wiring_of(request).fresh_registry()
    return _tagged(_visible(request, registry, _found(registry, code)))


@patch(
    "/v1/programmes/{code:str}",
    before_request=for_operators,
    operation_id="changeProgramme",
    summary="Open or close a programme, limit its gifts",
    tags=["Set-up"],
    responses=answers(
        200,
        ProgrammeAnswer,
        "Changed, with its new ETag.",
        *BODY_PROBLEMS,
        "programme-not-found",
        "precondition-required",
        "precondition-failed",
    ),
)
async def patch_programme(
    request: CityRequest, code: CodePath, data: ProgrammeChange, if_match: IfMatch = None
) -> Response[bytes]:
    """Open or close a programme, or change its limit on gifts, if nobody changed it since you read it."""
    if data.is_open is None and data.gift_points_a_month is None:
        refuse("$.is_open, $.gift_points_a_month", "neither of them", "at least one of the two")
    if if_match is None:
        raise HTTPException("If-Match: got nothing, wanted the ETag of the programme as you read it.", status_code=428)
    wiring = wiring_of(request)
    async with wiring.engine.pool.connection() as connection, unit_of_work(connection):
        # Raised first: it locks the set-up, so nobody changes it between this reading and the change.
        await raise_registry_version(connection)
        registry = await read_registry(connection)
        programme = _found(registry, code)
        if if_match not in {"*", _tag(_visible(request, registry, programme))}:
            raise HTTPException("If-Match: the programme has changed since you read it.", status_code=412)
        if data.is_open is not None:
            await set_programme_open(connection, programme.number, is_open=data.is_open)
        if data.gift_points_a_month is not None:
            await set_gift_points(connection, programme.number, data.gift_points_a_month)
    registry = await wiring.fresh_registry()
    return _tagged(_visible(request, registry, _found(registry, code)))


@post(
    "/v1/programmes/{code:str}/rules",
    before_request=for_operators,
    operation_id="postRules",
    summary="Add dated rules",
    tags=["Set-up"],
    responses=answers(201, RulesAnswer, "Added.", *WRITE_PROBLEMS, "programme-not-found", "already-exists"),
)
async def post_rules(
    request: CityRequest, code: CodePath, data: RulesRequest, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Add rules that hold from a business day on, at the earliest tomorrow: what was earned keeps its terms."""
    wiring = wiring_of(request)

    async def work(connection: AsyncConnection) -> FirstAnswer:
        programme = _found(await read_registry(connection), code)
        rules = data.new_rules(programme.currency, "$")
        today = programme.business_day(await read_clock(connection))
        if rules.starts_on <= today:
            refuse("$.starts_on", rules.starts_on.isoformat(), f"a day after {today.isoformat()}")
        version = await add_rules(connection, programme.number, rules)
        added = ProgrammeVersion(version, rules.starts_on, rules.earn_rate, rules.validity_months, rules.validity_days)
        return FirstAnswer(201, rules_answer(added, programme.currency))

    operation = f"add-rules:{code}"
    return await answer_once(wiring.engine, staff_of(request).owner, idempotency_key, operation, data, work)


@put(
    "/v1/programmes/{code:str}/partners/{partner:str}",
    before_request=for_operators,
    operation_id="putPermission",
    summary="Say what a partner may do in a programme",
    tags=["Set-up"],
    responses=answers(200, PermissionAnswer, "What it may do now.", *BODY_PROBLEMS, "programme-not-found", "not-found"),
)
async def put_permission(
    request: CityRequest, code: CodePath, partner: CodePath, data: PermissionRequest
) -> Response[bytes]:
    """Permit a partner to issue, to accept, both or neither; it holds from the next posting on."""
    answer = await permit_partner(wiring_of(request), code, partner, data)
    return Response(_encode(answer), media_type=JSON)


def _found(registry: Registry, code: str) -> Programme:
    programme = registry.programmes.get(code)
    if programme is None:
        raise ProgrammeNotFound("No programme has this code.", programme=code)
    return programme


def _visible(request: CityRequest, registry: Registry, programme: Programme) -> ProgrammeAnswer:
    """A programme as the caller may see it."""
    caller = request.user
    shown = {
        number: partner.code
        for number, partner in registry.partners.items()
        if isinstance(caller, StaffCaller) or (isinstance(caller, PartnerCaller) and caller.partner == number)
    }
    return programme_answer(programme, shown)


def _tag(answer: ProgrammeAnswer) -> str:
    return f'"{hashlib.sha256(_encode(answer)).hexdigest()[:16]}"'


def _tagged(answer: ProgrammeAnswer) -> Response[bytes]:
    return Response(_encode(answer), media_type=JSON, headers={"ETag": _tag(answer)})


programme_routes = [
    post_programme,
    list_programmes,
    get_programme,
    patch_programme,
    post_rules,
    put_permission,
]
