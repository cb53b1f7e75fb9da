"""Campaigns: points that several partners give together."""

from typing import Annotated

import msgspec
from msgspec import Meta

from api.answers import FundingShare
from api.schemas.fields import Code

MOST_PARTS = 1_000_000

Parts = Annotated[int, Meta(ge=1, le=MOST_PARTS, description="The partner's parts of the whole")]


class CampaignShare(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a partner bears of a campaign's points: ``parts`` of the sum of all parts."""

    partner: Code
    parts: Parts


class CampaignRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A campaign to add, for ever as it is. Points are settled at the terms of the ``lead``, by default the first."""

    code: Code
    programme: Code
    shares: Annotated[list[CampaignShare], Meta(min_length=2, max_length=32)]
    lead: Code | None = None


class CampaignAnswer(msgspec.Struct, frozen=True):
    """A campaign with who bears its points."""

    code: str
    programme: str
    lead: str
    shares: tuple[FundingShare, ...]


class CampaignPage(msgspec.Struct, frozen=True):
    """Campaigns in the order of their codes."""

    items: list[CampaignAnswer]
    next_cursor: str | None
