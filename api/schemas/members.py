"""Members, their names, cards and tokens."""

from typing import Annotated

import msgspec
from msgspec import Meta

from api.schemas.fields import Code, ShortText

DEFAULT_TOKEN_SECONDS = 15 * 60
LONGEST_TOKEN_SECONDS = 24 * 60 * 60


class MemberRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member to create, or to find again, under your own reference: never a phone or identity number."""

    reference: ShortText


class MemberAnswer(msgspec.Struct, frozen=True):
    """A member. ``card`` is its first card number, shown to the request that created it alone."""

    id: str
    status: str
    created_at: str
    card: str | None = None


class LinkRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Your own reference for an existing member. ``partner`` says whose it is where an operator links."""

    reference: ShortText
    partner: Code | None = None


class LinkAnswer(msgspec.Struct, frozen=True):
    """The member that the reference names now."""

    id: str


class CardRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new card; ``block_others`` makes every older card of the member unknown from now on."""

    block_others: bool = False


class CardAnswer(msgspec.Struct, frozen=True):
    """A member's new card number."""

    id: str
    card: str


class TokenRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member's token, good for 15 minutes where nothing else is asked."""

    lifetime_seconds: Annotated[int, Meta(ge=1, le=LONGEST_TOKEN_SECONDS)] = DEFAULT_TOKEN_SECONDS


class TokenAnswer(msgspec.Struct, frozen=True):
    """A member's token, shown once: null in a replay."""

    token: str | None
    expires_at: str
