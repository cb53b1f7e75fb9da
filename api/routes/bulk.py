"""Many commands in one request."""

import asyncio
from collections.abc import Sequence

import msgspec
from litestar import Response, post

from api.access import for_partners, partner_of, token_member_of
from api.posting_answers import JSON, Answered, failed, prepare, submit_in_order
from api.requests import CityRequest
from api.routes.declarations import READ_PROBLEMS, MemberTokenHeader, answers
from api.schemas.bulk import BulkAnswer, BulkRequest, BulkResult
from api.schemas.commands import BulkItem
from api.wiring import Wiring, wiring_of
from ledger.errors import MalformedRequest
from ledger.rules.commands import Earn, PartnerCommand, Redeem
from ledger.store.members import Member

BULK_LIMIT_BYTES = 2 * 1024 * 1024

_encode = msgspec.json.Encoder().encode


@post(
    "/v1/bulk",
    status_code=200,
    before_request=for_partners,
    request_max_body_size=BULK_LIMIT_BYTES,
    operation_id="postBulk",
    summary="Post many, each by itself",
    tags=["Points"],
    responses=answers(
        200, BulkAnswer, "A result for every item.", *READ_PROBLEMS, "payload-too-large", "unsupported-media-type"
    ),
)
async def post_bulk(
    request: CityRequest,
    data: BulkRequest,
    member_token: MemberTokenHeader = None,  # noqa: ARG001 - declared here, read with the caller
) -> Response[bytes]:
    """Post up to 1,000 items, decided in order; each posts or is refused as a single request would be.

    An item's `key` is its Idempotency-Key; the header is not needed. Where one item does not have the form
    documented here the whole request is refused (400) and nothing is posted.
    """
    wiring = wiring_of(request)
    results = await _post_items(wiring, partner_of(request).partner, data.items, await token_member_of(request))
    answer = BulkAnswer([BulkResult(status, msgspec.Raw(body), replayed) for status, body, replayed in results])
    return Response(_encode(answer), status_code=200, media_type=JSON)


async def _post_items(
    wiring: Wiring, partner: int, items: Sequence[BulkItem], token_member: Member | None
) -> list[Answered]:
    """Post what can be understood, in order; an item that cannot is answered 400 and records nothing."""
    commands = [_command(item) for item in items]
    named = [command.member for command in commands if isinstance(command, Earn | Redeem)]
    await wiring.engine.intake.learn_members(partner, named)
    preparing = [
        prepare(wiring, partner, item.key, command, token_member)
        for item, command in zip(items, commands, strict=True)
        if not isinstance(command, MalformedRequest)
    ]
    if len(named) < len(preparing) or any(name.startswith("card:") for name in named):
        # Cards and originals are looked up each time: all of them at once.
        submissions = await asyncio.gather(*preparing)
    else:
        submissions = [await one for one in preparing]
    answered = iter(await submit_in_order(wiring, submissions))
    return [failed(command) if isinstance(command, MalformedRequest) else next(answered) for command in commands]


def _command(item: BulkItem) -> PartnerCommand | MalformedRequest:
    try:
        return item.command()
    except MalformedRequest as error:
        return error


bulk_routes = [post_bulk]
