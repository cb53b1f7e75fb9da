"""Many commands in one request."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, NoReturn

import msgspec
from litestar import Response, post
from litestar.params import HeaderParameter

from api.access import for_partners, partner_of, token_member_of
from api.atomic_answers import answer_atomic
from api.malformed_requests import Fault
from api.posting_answers import JSON, Answered, failed, prepare, respond, submit_in_order
from api.requests import CityRequest, refuse_key
from api.routes.declarations import READ_PROBLEMS, MemberTokenHeader, answers
from api.schemas.bulk import BulkAnswer, BulkItem, BulkRequest, BulkResult
from api.schemas.fields import refuse
from api.wiring import Wiring, wiring_of
from ledger.errors import IdempotencyKeyMissing, MalformedRequest
from ledger.posting.intake import NAMES_NOT_KEPT
from ledger.rules.commands import Atomic, AtomicItem, Earn, PlaceHold, Redeem, SingleCommand
from ledger.store.members import Member

BULK_LIMIT_BYTES = 2 * 1024 * 1024

_encode = msgspec.json.Encoder().encode

AtomicKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        required=False,
        description="Names an atomic bulk as a whole, and is wanted there; independent items have keys of their own.",
        schema_extra={"pattern": "^[!-~]{1,255}$"},
    ),
]


@post(
    "/v1/bulk",
    status_code=200,
    before_request=for_partners,
    request_max_body_size=BULK_LIMIT_BYTES,
    operation_id="postBulk",
    summary="Post many, each by itself or all together",
    tags=["Points"],
    responses=answers(
        200,
        BulkAnswer,
        "A result for every item.",
        *READ_PROBLEMS,
        "payload-too-large",
        "unsupported-media-type",
        "idempotency-key-missing",
        "idempotency-key-malformed",
        "idempotency-key-reused",
        "bulk-item-refused",
        "busy",
        "clock-behind",
        "shutting-down",
    ),
)
async def post_bulk(
    request: CityRequest,
    data: BulkRequest,
    idempotency_key: AtomicKey = None,
    member_token: MemberTokenHeader = None,  # noqa: ARG001 - declared here, read with the caller
) -> Response[bytes]:
    """Post up to 1,000 items, decided in order; an item's `key` is its Idempotency-Key.

    `independent`: each posts or is refused as a single request would be; the header is not needed.
    `atomic`: all of them post or none; the header names the whole, and the keys of the items bind only if
    all post. Where one item does not have the form documented here the whole request is refused (400) and
    nothing is posted.
    """
    wiring = wiring_of(request)
    partner, token_member = partner_of(request).partner, await token_member_of(request)
    if data.mode == "atomic":
        return respond(await _post_together(wiring, partner, idempotency_key, data.items, token_member))
    results = await _post_items(wiring, partner, data.items, token_member)
    answer = BulkAnswer([BulkResult(status, msgspec.Raw(body), replayed) for status, body, replayed in results])
    return Response(_encode(answer), status_code=200, media_type=JSON)


async def _post_together(
    wiring: Wiring, partner: int, idempotency_key: str | None, items: Sequence[BulkItem], token_member: Member | None
) -> Answered:
    """Post all items or none; raises IdempotencyKeyMissing and MalformedRequest."""
    if idempotency_key is None:
        raise IdempotencyKeyMissing("Idempotency-Key: got nothing, wanted a key that names the atomic bulk.")
    refuse_key(idempotency_key)
    _refuse_repeated_keys(idempotency_key, items)
    commands = [_item_command(number, item) for number, item in enumerate(items)]
    await wiring.engine.intake.learn_members(partner, _members_named(commands))
    command = Atomic(items=tuple(AtomicItem(item.key, command) for item, command in zip(items, commands, strict=True)))
    submission = await prepare(wiring, partner, idempotency_key, command, token_member)
    return await answer_atomic(wiring, await wiring.engine.posters.submit(submission))


async def _post_items(
    wiring: Wiring, partner: int, items: Sequence[BulkItem], token_member: Member | None
) -> list[Answered]:
    """Post what can be understood, in order; an item that cannot is answered 400 and records nothing."""
    commands = [_command(item) for item in items]
    understood = [command for command in commands if not isinstance(command, MalformedRequest)]
    named = _members_named(understood)
    await wiring.engine.intake.learn_members(partner, named)
    preparing = [
        prepare(wiring, partner, item.key, command, token_member)
        for item, command in zip(items, commands, strict=True)
        if not isinstance(command, MalformedRequest)
    ]
    if len(named) < len(preparing) or any(name.startswith(NAMES_NOT_KEPT) for name in named):
        # Cards, codes, originals and holds are looked up each time: all of them at once.
        submissions = await asyncio.gather(*preparing)
    else:
        submissions = [await one for one in preparing]
    answered = iter(await submit_in_order(wiring, submissions))
    return [failed(command) if isinstance(command, MalformedRequest) else next(answered) for command in commands]


def _members_named(commands: Sequence[SingleCommand]) -> list[str]:
    return [command.member for command in commands if isinstance(command, Earn | Redeem | PlaceHold)]


def _command(item: BulkItem) -> SingleCommand | MalformedRequest:
    try:
        return item.command()
    except MalformedRequest as error:
        return error


def _item_command(number: int, item: BulkItem) -> SingleCommand:
    """The command of an item of an atomic bulk; raises MalformedRequest that names the item."""
    command = _command(item)
    if isinstance(command, MalformedRequest):
        _refuse_item(number, command)
    return command


def _refuse_item(number: int, error: MalformedRequest) -> NoReturn:
    fields = str(error.facts["field"]).replace("$", f"$.items[{number}]")
    fault = Fault(fields, got=str(error.facts["got"]), wanted=str(error.facts["wanted"]))
    raise MalformedRequest(fault.detail, **fault.facts)


def _refuse_repeated_keys(idempotency_key: str, items: Sequence[BulkItem]) -> None:
    """Raise MalformedRequest where two items have one key, or one that of the whole."""
    seen = {idempotency_key}
    for number, item in enumerate(items):
        if item.key in seen:
            refuse(f"$.items[{number}].key", "a key that is used in this request already", "a key of its own")
        seen.add(item.key)


bulk_routes = [post_bulk]
