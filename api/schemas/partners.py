"""Partners and their API keys."""

from typing import Annotated

import msgspec
from msgspec import Meta

from api.schemas.fields import Code, ShortText
from ledger.rules.programmes import PartnerKind
from ledger.store.credentials import StaffRole

LONGEST_KEY_DAYS = 3_650
LONGEST_OVERLAP_SECONDS = 7 * 24 * 60 * 60


class PartnerRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A partner to add; its code is for ever."""

    code: Code
    kind: PartnerKind
    name: ShortText


class PartnerAnswer(msgspec.Struct, frozen=True):
    """A partner."""

    code: str
    kind: str
    name: str


class PartnerPage(msgspec.Struct, frozen=True):
    """Partners in the order of their codes."""

    items: list[PartnerAnswer]
    next_cursor: str | None


class KeyRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An API key to make: of a ``partner``, or of one named person of ``staff`` with ``roles``."""

    partner: Code | None = None
    staff: ShortText | None = None
    roles: Annotated[list[StaffRole], Meta(max_length=6)] = []
    expires_in_days: Annotated[int, Meta(ge=1, le=LONGEST_KEY_DAYS)] | None = None


class RotationRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new key for an old one's owner; the old one works on for the overlap."""

    overlap_seconds: Annotated[int, Meta(ge=0, le=LONGEST_OVERLAP_SECONDS)] = 0


class KeyAnswer(msgspec.Struct, frozen=True):
    """An API key. ``key`` is the key itself, shown once, in the answer that makes it: null everywhere else."""

    prefix: str
    partner: str | None
    staff: str | None
    roles: list[str]
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    key: str | None = None


class KeyPage(msgspec.Struct, frozen=True):
    """Keys in the order of their prefixes."""

    items: list[KeyAnswer]
    next_cursor: str | None
