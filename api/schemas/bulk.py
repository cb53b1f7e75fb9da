"""Many requests in one: each with its own outcome, or all of them or none."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from api.schemas.commands import EarnItem, RedeemItem, ReverseItem
from api.schemas.holds import CaptureItem, HoldItem, VoidItem

MAXIMUM_ITEMS = 1_000

BulkItem = EarnItem | RedeemItem | ReverseItem | HoldItem | CaptureItem | VoidItem


class BulkRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Items, decided in order: ``independent`` each by itself, ``atomic`` all of them or none."""

    mode: Literal["independent", "atomic"]
    items: Annotated[list[BulkItem], Meta(min_length=1, max_length=MAXIMUM_ITEMS)]


class BulkResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a single request would have been answered: its status and body.

    ``replayed`` says in the mode ``independent`` whether it was answered before.
    """

    status: int
    body: msgspec.Raw
    replayed: bool | None = None


class BulkAnswer(msgspec.Struct, frozen=True):
    """The results, in the order of the items."""

    results: list[BulkResult]
