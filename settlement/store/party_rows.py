"""What settlement has for one party: the batches that concern it, and the money still on its way."""

from datetime import date

import msgspec
from psycopg import AsyncConnection

# Approved batches, the last first, with the party's part: its net, its latest payment, what it is asked for.
_LIST = """
with page as (
    select batch, programme, first_day, last_day, state, figures from settlement_batches
    where sequence is not null and (%(after)s::text is null or (last_day, batch) < (
        select last_day, batch from settlement_batches where batch = %(after)s))
    order by last_day desc, batch desc limit %(limit)s
)
select page.batch, page.programme, page.first_day, page.last_day, page.state,
       (convert_from(page.figures, 'UTF8')::jsonb -> 'nets' ->> %(party)s::text)::bigint,
       p.amount_minor, p.currency, p.state, n.amount_minor, n.received_minor, n.currency, n.due_on, n.state
from page
left join lateral (
    select amount_minor, currency, state from payments
    where batch = page.batch and party = %(party)s::integer order by attempt desc limit 1
) p on true
left join lateral (
    select amount_minor, received_minor, currency, due_on, state from payment_notices
    where batch = page.batch and party = %(party)s::integer order by due_on limit 1
) n on true
order by page.last_day desc, page.batch desc
"""

# What is still to be paid to a party and by it; of a payment the latest attempt counts.
_OPEN_MONEY = """
select currency, sum(to_party)::bigint, sum(by_party)::bigint, min(due_on)
from (
    select currency, amount_minor as to_party, 0 as by_party, null::date as due_on
    from (select distinct on (batch) currency, amount_minor, state from payments
          where party = %(party)s order by batch, attempt desc) latest
    where state <> 'confirmed'
    union all
    select currency, 0, amount_minor - received_minor, due_on
    from payment_notices where party = %(party)s and state = 'open'
) still
group by currency order by currency
"""


class PartyBatch(msgspec.Struct, frozen=True):
    """An approved batch and what it is to a party, None where it has no part in it.

    ``net_minor`` is in minor units of the programme's currency, positive in the party's favour; payment and notice are
    in the party's own.
    """

    batch: str
    programme: int
    first_day: date
    last_day: date
    state: str
    net_minor: int | None
    payment_minor: int | None
    payment_currency: str | None
    payment_state: str | None
    notice_minor: int | None
    notice_received_minor: int | None
    notice_currency: str | None
    notice_due_on: date | None
    notice_state: str | None

    @property
    def concerns_party(self) -> bool:
        """Whether the party has a statement with anything on it."""
        return (self.net_minor, self.payment_minor, self.notice_minor) != (None, None, None)


class OpenMoney(msgspec.Struct, frozen=True):
    """What is still to be paid to a party and by it in a currency, minor units; ``due_on`` is the first day due."""

    currency: str
    to_party_minor: int
    by_party_minor: int
    due_on: date | None


async def list_party_batches(
    connection: AsyncConnection, party: int, *, after: str | None, limit: int
) -> list[PartyBatch]:
    """Read approved batches of all programmes, the last first, after one of them; also those without the party."""
    parameters = {"party": str(party), "after": after, "limit": limit}
    cursor = await connection.execute(_LIST, parameters)
    return [PartyBatch(*row) for row in await cursor.fetchall()]


async def read_open_money(connection: AsyncConnection, party: int) -> list[OpenMoney]:
    """Read what is still to be paid to a party and by it, by currency."""
    cursor = await connection.execute(_OPEN_MONEY, {"party": party})
    return [OpenMoney(*row) for row in await cursor.fetchall()]
