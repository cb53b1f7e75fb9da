"""Campaigns: points that several partners give together, added by operators."""

import msgspec
from litestar import Response, get, post
from psycopg import AsyncConnection

from api.access import READERS, for_operators, for_staff_and_partners, refuse_unless_staff_with, staff_of
from api.answers import FundingShare
from api.authentication import PartnerCaller
from api.idempotent_answers import FirstAnswer, answer_once
from api.pages_of_lists import next_link, page_by_code
from api.posting_answers import CREATED, JSON
from api.requests import CityRequest
from api.routes.declarations import (
    LIST_PROBLEMS,
    WRITE_PROBLEMS,
    CursorQuery,
    IdempotencyKey,
    LimitQuery,
    answers,
)
from api.schemas.campaigns import CampaignAnswer, CampaignPage, CampaignRequest
from api.schemas.fields import refuse
from api.wiring import wiring_of
from ledger.errors import PartnerNotFound, ProgrammeNotFound
from ledger.reading.cursors import DEFAULT_LIMIT
from ledger.reading.transaction_views import funding_of
from ledger.rules.programmes import Campaign, Registry
from ledger.store.campaigns import NewCampaign, add_campaign
from ledger.store.registry import read_registry

_encode = msgspec.json.Encoder().encode


@post(
    "/v1/campaigns",
    before_request=for_operators,
    operation_id="postCampaign",
    summary="Add a campaign",
    tags=["Set-up"],
    responses=answers(
        201, CampaignAnswer, "Added.", *WRITE_PROBLEMS, "already-exists", "programme-not-found", "partner-not-found"
    ),
)
async def post_campaign(
    request: CityRequest, data: CampaignRequest, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Let partners give points together: each bears its share, whichever of them posts the earning.

    Earnings name it in `campaign`. It never changes; other shares are another campaign.
    """
    engine = wiring_of(request).engine

    async def work(connection: AsyncConnection) -> FirstAnswer:
        await add_campaign(connection, _new_campaign(await read_registry(connection), data))
        registry = await read_registry(connection)
        return FirstAnswer(CREATED, _answer(registry, registry.campaigns[data.code]))

    return await answer_once(engine, staff_of(request).owner, idempotency_key, "add-campaign", data, work)


@get(
    "/v1/campaigns",
    before_request=for_staff_and_partners,
    operation_id="listCampaigns",
    summary="List campaigns",
    tags=["Set-up"],
    responses=answers(200, CampaignPage, "A page.", *LIST_PROBLEMS),
)
async def list_campaigns(
    request: CityRequest, cursor: CursorQuery = None, limit: LimitQuery = DEFAULT_LIMIT
) -> Response[bytes]:
    """Campaigns in the order of their codes: a partner finds those that it shares in, operators and auditors all."""
    wiring = wiring_of(request)
    registry = await wiring.fresh_registry()
    page, next_cursor = page_by_code(
        wiring.engine.key,
        "campaigns",
        _visible(request, registry),
        lambda campaign: campaign.code,
        cursor=cursor,
        limit=limit,
    )
    answer = CampaignPage([_answer(registry, campaign) for campaign in page], next_cursor)
    return Response(_encode(answer), media_type=JSON, headers=next_link(request, next_cursor))


def _new_campaign(registry: Registry, data: CampaignRequest) -> NewCampaign:
    """The campaign to add; raises ProgrammeNotFound, PartnerNotFound, MalformedRequest."""
    programme = registry.programmes.get(data.programme)
    if programme is None:
        raise ProgrammeNotFound("No programme has this code.", programme=data.programme)
    shares: dict[int, int] = {}
    for number, share in enumerate(data.shares):
        partner = registry.partner_coded(share.partner)
        if partner is None:
            raise PartnerNotFound("No partner has this code.", partner=share.partner)
        if partner.number in shares:
            refuse(f"$.shares[{number}].partner", share.partner, "each partner once")
        shares[partner.number] = share.parts
    lead = registry.partner_coded(data.shares[0].partner if data.lead is None else data.lead)
    if lead is None or lead.number not in shares:
        refuse("$.lead", str(data.lead), "one of the partners in shares")
    return NewCampaign(data.code, programme.number, shares, lead.number)


def _visible(request: CityRequest, registry: Registry) -> list[Campaign]:
    """The campaigns that the caller may see; raises Forbidden for staff who may see none."""
    caller = request.user
    campaigns = list(registry.campaigns.values())
    if isinstance(caller, PartnerCaller):
        return [one for one in campaigns if caller.partner in dict(registry.fundings[one.funding])]
    refuse_unless_staff_with(caller, READERS)
    return campaigns


def _answer(registry: Registry, campaign: Campaign) -> CampaignAnswer:
    return CampaignAnswer(
        code=campaign.code,
        programme=registry.programme_numbered(campaign.programme).code,
        lead=registry.partners[campaign.lead].code,
        shares=tuple(FundingShare(partner, parts) for partner, parts in funding_of(campaign.funding, registry)),
    )


campaign_routes = [post_campaign, list_campaigns]
