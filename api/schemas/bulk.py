"""Many requests in one, each with its own outcome."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from api.schemas.commands import BulkItem

MAXIMUM_ITEMS = 1_000


class BulkRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Items that post or are refused each by itself; they are decided in order."""

    mode: Literal["independent"]
    items: Annotated[list[BulkItem], Meta(min_length=1, max_length=MAXIMUM_ITEMS)]


class BulkResult(msgspec.Struct, frozen=True):
    """What a single request would have been answered: its status and body, and whether it is a replay."""

    status: int
    body: msgspec.Raw
    replayed: bool = False


class BulkAnswer(msgspec.Struct, frozen=True):
    """The results, in the order of the items."""

    results: list[BulkResult]
