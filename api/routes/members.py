"""Members: created or found again, linked to partners' references, given cards and tokens."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from litestar import Response, get, post
from psycopg import AsyncConnection

from api.access import (
    find_member_in_work,
    find_named_member,
    for_operators,
    for_operators_and_partners,
    for_partners,
    for_readers,
    partner_of,
    token_member_of,
)
from api.answers import rfc3339
from api.authentication import PartnerCaller, StaffCaller
from api.consenting import asked_consents
from api.idempotent_answers import FirstAnswer, answer_once
from api.posting_answers import JSON
from api.requests import CityRequest
from api.routes.declarations import (
    READ_PROBLEMS,
    WRITE_PROBLEMS,
    IdempotencyKey,
    MemberPath,
    MemberTokenHeader,
    also_answers,
    answers,
)
from api.schemas.fields import refuse
from api.schemas.members import (
    CardAnswer,
    CardRequest,
    LinkAnswer,
    LinkRequest,
    MemberAnswer,
    MemberRequest,
    TokenAnswer,
    TokenRequest,
)
from api.wiring import Wiring, wiring_of
from ledger.errors import AlreadyExists, Forbidden, NotFound
from ledger.rules.business_day import to_datetime
from ledger.rules.consents import GUARDIAN, PurposeName
from ledger.store.consents import give_consent
from ledger.store.ledger_row import read_clock
from ledger.store.member_profiles import MemberProfile, read_profiles
from ledger.store.member_tokens import add_member_token
from ledger.store.members import Member, create_members, find_members, issue_card, link_reference, name_digest
from ledger.store.personal_data import add_personal_data

CREATED, FOUND = 201, 200

_encode = msgspec.json.Encoder().encode


@post(
    "/v1/members",
    before_request=for_partners,
    operation_id="postMember",
    summary="Create a member, or find it again",
    tags=["Members"],
    responses=answers(201, MemberAnswer, "Created, with its first card.", *WRITE_PROBLEMS, "guardian-consent-needed")
    | also_answers(200, MemberAnswer, "The member that the reference names already."),
)
async def post_member(request: CityRequest, data: MemberRequest, idempotency_key: IdempotencyKey) -> Response[bytes]:
    """Create a member under your own opaque reference; the same reference again answers the same member.

    What else is known of a new member goes to the vault and is never answered here. A member who may be
    under 14 needs a guardian's consent beside any other.
    """
    engine = wiring_of(request).engine
    partner = partner_of(request).partner
    consents = await asked_consents(request, data.consents, "$.consents")

    async def work(connection: AsyncConnection) -> FirstAnswer:
        created = await create_members(connection, engine.key, partner, [data.reference], engine.lanes)
        new = created.get(data.reference)
        if new is not None:
            await _fill_vault(connection, new.public_id, data, consents)
            profile = await _profile(connection, Member(new.lane, new.number))
            return FirstAnswer(CREATED, _answer(profile, new.card), is_sealed=True)
        digest = name_digest(engine.key, partner, f"ref:{data.reference}")
        found = await find_members(connection, [digest])
        return FirstAnswer(FOUND, _answer(await _profile(connection, found[digest])))

    return await answer_once(engine, partner_of(request).owner, idempotency_key, "create-member", data, work)


@get(
    "/v1/members/{member:str}",
    before_request=for_readers,
    operation_id="getMember",
    summary="Find a member",
    tags=["Members"],
    responses=answers(200, MemberAnswer, "The member.", *READ_PROBLEMS, "member-not-found"),
)
async def get_member(request: CityRequest, member: MemberPath) -> Response[bytes]:
    """Find a member by id, your own reference or card; a card is never told."""
    found = await find_named_member(request, member)
    profile = await wiring_of(request).profile(found)
    return Response(_encode(_answer(profile)), media_type=JSON)


@post(
    "/v1/members/{member:str}/links",
    before_request=for_operators_and_partners,
    operation_id="postLink",
    summary="Link a reference to a member",
    tags=["Members"],
    responses=answers(201, LinkAnswer, "Linked.", *WRITE_PROBLEMS, "member-not-found", "already-exists", "not-found"),
)
async def post_link(
    request: CityRequest,
    member: MemberPath,
    data: LinkRequest,
    idempotency_key: IdempotencyKey,
    member_token: MemberTokenHeader = None,  # noqa: ARG001 - declared here, read with the caller
) -> Response[bytes]:
    """Give an existing member a reference of yours.

    By the card presented (`card:…` in the path), or with the member's token; or, on a sandbox, by an
    operator who names the `partner`. Linking what is linked already changes nothing.
    """
    wiring = wiring_of(request)
    partner = await _linking_partner(request, member, data)
    token_member = await token_member_of(request)
    digest = name_digest(wiring.engine.key, partner, f"ref:{data.reference}")

    async def work(connection: AsyncConnection) -> FirstAnswer:
        found = await find_member_in_work(connection, request, member)
        if token_member is not None and token_member != found:
            raise Forbidden("The Member-Token is another member's.")
        if not await link_reference(connection, digest, found, partner):
            linked = await find_members(connection, [digest])
            if linked.get(digest) != found:
                raise AlreadyExists("The reference names another member.", field="$.reference")
        return FirstAnswer(CREATED, LinkAnswer((await _profile(connection, found)).public_id))

    return await answer_once(wiring.engine, _owner(request), idempotency_key, f"link:{member}", data, work)


@post(
    "/v1/members/{member:str}/cards",
    before_request=for_operators,
    operation_id="postCard",
    summary="Issue a card",
    tags=["Members"],
    responses=answers(201, CardAnswer, "Issued.", *WRITE_PROBLEMS, "member-not-found"),
)
async def post_card(
    request: CityRequest, member: MemberPath, data: CardRequest, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Give a member a new card number, by which any partner may name it; older ones can be blocked."""
    engine = wiring_of(request).engine

    async def work(connection: AsyncConnection) -> FirstAnswer:
        found = await find_member_in_work(connection, request, member)
        card = await issue_card(connection, engine.key, found, block_others=data.block_others)
        profile = await _profile(connection, found)
        return FirstAnswer(CREATED, CardAnswer(profile.public_id, card), is_sealed=True)

    return await answer_once(engine, _owner(request), idempotency_key, f"card:{member}", data, work)


@post(
    "/v1/members/{member:str}/tokens",
    before_request=for_operators_and_partners,
    operation_id="postToken",
    summary="Make a member's token",
    tags=["Members"],
    responses=answers(201, TokenAnswer, "Made; shown once.", *WRITE_PROBLEMS, "member-not-found"),
)
async def post_token(
    request: CityRequest, member: MemberPath, data: TokenRequest, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Make a short-lived token with which a member's points can be read.

    By an operator; on a sandbox also by a partner that can name the member. A replay answers the same
    with `token: null`: the token itself is not stored.
    """
    engine = wiring_of(request).engine
    if isinstance(request.user, PartnerCaller) and not engine.ledger.is_sandbox:
        raise Forbidden("A partner may make members' tokens on a sandbox only.")

    async def work(connection: AsyncConnection) -> FirstAnswer:
        found = await find_member_in_work(connection, request, member)
        issued = await add_member_token(connection, found, lifetime_seconds=data.lifetime_seconds)
        expires_at = rfc3339(issued.expires_at)
        return FirstAnswer(CREATED, TokenAnswer(issued.token, expires_at), kept=TokenAnswer(None, expires_at))

    return await answer_once(engine, _owner(request), idempotency_key, f"token:{member}", data, work)


async def _fill_vault(
    connection: AsyncConnection,
    public_id: UUID,
    data: MemberRequest,
    consents: Sequence[tuple[PurposeName, int | None]],
) -> None:
    """Keep what is known of a new member; raises MalformedRequest and GuardianConsentNeeded."""
    if data.birth_year is not None:
        this_year = to_datetime(await read_clock(connection)).year
        if data.birth_year > this_year:
            refuse("$.birth_year", str(data.birth_year), f"a year from 1900 to {this_year}")
    await add_personal_data(connection, public_id, birth_year=data.birth_year, region=data.region)
    for purpose, allowed in sorted(consents, key=lambda consent: consent[0] != GUARDIAN):
        await give_consent(connection, [public_id], purpose, allowed, "partner")


async def _linking_partner(request: CityRequest, member: str, data: LinkRequest) -> int:
    """Whose reference is linked, where the caller shows the member's leave; raises Forbidden and NotFound."""
    wiring = wiring_of(request)
    caller = request.user
    if isinstance(caller, PartnerCaller):
        if data.partner is not None:
            refuse("$.partner", "a partner", "no such field: a partner links references of its own")
        if not member.startswith("card:") and await token_member_of(request) is None:
            raise Forbidden("A member is linked by the card presented (card:…) or with its token, in Member-Token.")
        return caller.partner
    if not wiring.engine.ledger.is_sandbox:
        raise Forbidden("An operator may link references on a sandbox only.")
    if data.partner is None:
        refuse("$.partner", "nothing", "the code of the partner whose reference it is")
    return await _partner_number(wiring, data.partner)


async def _partner_number(wiring: Wiring, code: str) -> int:
    partner = (await wiring.fresh_registry()).partner_coded(code)
    if partner is None:
        raise NotFound("No partner has this code.")
    return partner.number


def _owner(request: CityRequest) -> str:
    caller = request.user
    if isinstance(caller, PartnerCaller | StaffCaller):
        return caller.owner
    raise Forbidden("A member's token may not do this.")


async def _profile(connection: AsyncConnection, member: Member) -> MemberProfile:
    return (await read_profiles(connection, [member]))[member]


def _answer(profile: MemberProfile, card: str | None = None) -> MemberAnswer:
    return MemberAnswer(profile.public_id, profile.status, rfc3339(profile.created_at), card)


member_routes = [post_member, get_member, post_link, post_card, post_token]
