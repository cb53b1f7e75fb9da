"""What two persons set up beside contracts: our bank accounts, and how much a role may approve.

Each is the last approved proposal of its kind, so its history is the proposals'.
"""

from typing import Literal

import msgspec
from psycopg import AsyncConnection

from settlement.store.proposal_rows import list_approved

Approving = Literal["finance-approver", "manager"]


class LimitRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much a batch may pay out that a role approves, in minor units of the programme's currency."""

    role: Approving
    amount_minor: int


class AccountRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An account of ours that parties are paid from, and pay to, in a currency."""

    currency: str
    name: str
    account: str
    clearing_code: str


_limit = msgspec.json.Decoder(LimitRequest).decode
_account = msgspec.json.Decoder(AccountRequest).decode


async def read_limits(connection: AsyncConnection, programme: int) -> dict[str, int]:
    """The limit of each role that has one."""
    requests = [_limit(request) for request in await list_approved(connection, programme, "limit")]
    return {request.role: request.amount_minor for request in requests}


async def read_accounts(connection: AsyncConnection, programme: int) -> dict[str, AccountRequest]:
    """Our account in each currency."""
    requests = [_account(request) for request in await list_approved(connection, programme, "account")]
    return {request.currency: request for request in requests}
