"""Adding campaigns: fundings that several partners share."""

from collections.abc import Mapping

import msgspec
from psycopg import AsyncConnection

from ledger.errors import AlreadyExists
from ledger.rules.programmes import FIRST_SHARED_FUNDING
from ledger.store.registry import raise_registry_version

_ADD = f"""
insert into campaigns (campaign, code, programme, funding, lead)
select next.campaign, %s, %s, {FIRST_SHARED_FUNDING} + next.campaign, %s
from (select coalesce(max(campaign), 0) + 1 as campaign from campaigns) next
on conflict (code) do nothing returning funding
"""
_ADD_SHARE = "insert into fundings (funding, partner, parts) values (%s, %s, %s)"


class NewCampaign(msgspec.Struct, frozen=True):
    """A campaign to be added, by numbers: ``shares`` are partners with their parts, ``lead`` is one of them."""

    code: str
    programme: int
    shares: Mapping[int, int]
    lead: int


async def add_campaign(connection: AsyncConnection, campaign: NewCampaign) -> int:
    """Add a campaign and return the number of its funding; raises AlreadyExists."""
    # Raised first: it locks the set-up, so two campaigns added at once get two numbers.
    await raise_registry_version(connection)
    cursor = await connection.execute(_ADD.encode(), [campaign.code, campaign.programme, campaign.lead])
    row = await cursor.fetchone()
    if row is None:
        msg = f"A campaign with code {campaign.code} exists already."
        raise AlreadyExists(msg, field="code", got=campaign.code)
    funding = int(row[0])
    for partner, parts in sorted(campaign.shares.items()):
        await connection.execute(_ADD_SHARE, [funding, partner, parts])
    return funding
