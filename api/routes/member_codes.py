"""Members' codes: made by the member, looked at by the partner that they are shown to."""

from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.params import HeaderParameter
from psycopg import AsyncConnection

from api.access import find_member_in_work, for_members, for_partners, key_owner_of, partner_of
from api.answers import rfc3339
from api.idempotent_answers import FirstAnswer, answer_once
from api.posting_answers import JSON
from api.presented_codes import QR_PREFIX, look_at_code
from api.requests import CityRequest
from api.routes.declarations import (
    READ_PROBLEMS,
    WRITE_PROBLEMS,
    IdempotencyKey,
    MemberPath,
    ProgrammeQuery,
    answers,
)
from api.schemas.fields import NoBody
from api.schemas.member_codes import CodeAnswer, PresentedCodeAnswer
from api.wiring import wiring_of
from ledger.rules.member_codes import CODE
from ledger.store.member_codes import make_code

CREATED = 201

MemberCodeHeader = Annotated[
    str,
    HeaderParameter(
        name="Member-Code", description="The digits of the code that the member shows, with or without `code:`."
    ),
]

_encode = msgspec.json.Encoder().encode


@post(
    "/v1/members/{member:str}/codes",
    before_request=for_members,
    operation_id="postCode",
    summary="Make a code to show at a counter",
    tags=["Members"],
    responses=answers(
        201,
        CodeAnswer,
        "Made; shown once.",
        *WRITE_PROBLEMS,
        "member-not-found",
        "member-frozen",
        "member-closed",
        "too-many-requests",
    ),
)
async def post_code(request: CityRequest, member: MemberPath, idempotency_key: IdempotencyKey) -> Response[bytes]:
    """Make a code that is good for two minutes and for one posting, with the member's own token.

    Show `qr` as a QR code with the digits of `code` beneath, and the next code after a minute. A replay answers
    `null` for both: a code is not stored. Of a member's codes only the newest stay good.
    """
    wiring = wiring_of(request)
    owner = await key_owner_of(request)
    wiring.made_codes.take(owner)

    async def work(connection: AsyncConnection) -> FirstAnswer:
        found = await find_member_in_work(connection, request, member)
        made = await make_code(connection, wiring.engine.key, found)
        expires_at = rfc3339(made.expires_at)
        shown = CodeAnswer(code=made.digits, qr=f"{QR_PREFIX}{made.digits}", expires_at=expires_at)
        return FirstAnswer(CREATED, shown, kept=CodeAnswer(code=None, qr=None, expires_at=expires_at))

    return await answer_once(wiring.engine, owner, idempotency_key, f"make-code:{member}", NoBody(), work)


@get(
    "/v1/presented-code",
    before_request=for_partners,
    operation_id="getPresentedCode",
    summary="Look at the balance of the member who shows a code",
    tags=["Members"],
    responses=answers(
        200,
        PresentedCodeAnswer,
        "Status and balance.",
        *READ_PROBLEMS,
        "member-not-found",
        "code-used",
        "code-expired",
        "programme-not-found",
        "too-many-requests",
    ),
)
async def get_presented_code(
    request: CityRequest, programme: ProgrammeQuery, member_code: MemberCodeHeader
) -> Response[bytes]:
    """A code that is shown to you lets you see the member's status and balance, once or several times; it stays good.

    The code travels in a header, since addresses are written to logs. Codes that name nobody may be sent 60 times
    a minute in each process of the service.
    """
    wiring = wiring_of(request)
    found = await look_at_code(wiring, partner_of(request).partner, member_code.strip().removeprefix(CODE))
    asked = await wiring.programme(programme)
    balance = await wiring.balances.get(found, asked)
    answer = PresentedCodeAnswer(
        status=(await wiring.profile(found)).status,
        programme=asked.code,
        available=balance.available,
        held=balance.held,
        pending=balance.pending,
        as_of=rfc3339(balance.as_of),
    )
    return Response(_encode(answer), media_type=JSON)


member_code_routes = [post_code, get_presented_code]
