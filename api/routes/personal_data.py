"""All that is known of a member: exported, and erased."""

from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.response import Stream
from psycopg import AsyncConnection

from api.access import find_member_in_work, find_named_member, for_members_and_carers, key_owner_of
from api.answers import rfc3339
from api.authentication import StaffCaller
from api.erasing_members import finish_erasing
from api.idempotent_answers import FirstAnswer, answer_once
from api.member_export import write_export
from api.posting_answers import JSON
from api.requests import CityRequest
from api.routes.declarations import (
    READ_PROBLEMS,
    WRITE_PROBLEMS,
    IdempotencyKey,
    MemberPath,
    also_answers,
    answers,
)
from api.schemas.personal_data import ErasureAnswer, ErasureRequest, ExportAnswer
from api.wiring import wiring_of
from ledger.store.erasing import Eraser, begin_erasure
from ledger.store.member_selves import read_selves

CREATED, FOUND = 201, 200

_decode_answer = msgspec.json.Decoder(ErasureAnswer).decode


@get(
    "/v1/members/{member:str}/export",
    before_request=for_members_and_carers,
    operation_id="getExport",
    summary="Export all data of a member",
    tags=["Personal data"],
    responses=answers(200, ExportAnswer, "Everything, as one document.", *READ_PROBLEMS, "member-not-found"),
)
async def get_export(request: CityRequest, member: MemberPath) -> Stream:
    """Everything that the ledger holds of a member, to the member and to staff who help it.

    What the member was before it was moved or merged is included.
    """
    found = await find_named_member(request, member)
    return Stream(
        write_export(wiring_of(request), found),
        media_type=JSON,
        headers={"Content-Disposition": 'attachment; filename="member.json"', "Cache-Control": "no-store"},
    )


@post(
    "/v1/members/{member:str}/erasure",
    before_request=for_members_and_carers,
    operation_id="postErasure",
    summary="Erase a member",
    tags=["Personal data"],
    responses=answers(201, ErasureAnswer, "Erased.", *WRITE_PROBLEMS, "member-not-found", "member-not-closed")
    | also_answers(200, ErasureAnswer, "It was erased before; what has come in since is erased, too."),
)
async def post_erasure(
    request: CityRequest, member: MemberPath, data: ErasureRequest, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Erase everything that says who a closed member is, for good; the journal's amounts stay.

    Where the answer is lost, the same request again goes on where it stopped.
    """
    wiring = wiring_of(request)
    owner = await key_owner_of(request)

    async def work(connection: AsyncConnection) -> FirstAnswer:
        found = await find_member_in_work(connection, request, member)
        selves = await read_selves(connection, found)
        erasure, is_new = await begin_erasure(connection, selves, _eraser(request), data.reason)
        answer = ErasureAnswer(str(erasure.public_id), rfc3339(erasure.erased_at), erasure.erased_by, erasure.reason)
        return FirstAnswer(CREATED if is_new else FOUND, answer)

    answer = await answer_once(wiring.engine, owner, idempotency_key, f"erase:{member}", data, work)
    if answer.status_code in {CREATED, FOUND}:
        await finish_erasing(wiring, UUID(_decode_answer(answer.content).id))
    return answer


def _eraser(request: CityRequest) -> Eraser:
    if not isinstance(request.user, StaffCaller):
        return "member"
    return "operator" if "operator" in request.user.roles else "support"


personal_data_routes = [get_export, post_erasure]
