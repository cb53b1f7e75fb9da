"""A batch as its day left it: what the service said of it, and what the bank paid."""

import msgspec


class Money(msgspec.Struct, frozen=True):
    """An amount as a decimal string."""

    currency: str
    amount: str


class Party(msgspec.Struct, frozen=True):
    """What a party gets (positive) or pays."""

    party: str
    net: Money


class Points(msgspec.Struct, frozen=True):
    """The batch's points."""

    opening: int
    issued: int
    redeemed: int
    restored: int
    closing: int


class Payment(msgspec.Struct, frozen=True):
    """A payment to a party."""

    end_to_end_id: str
    party: str
    amount: Money
    state: str


class Batch(msgspec.Struct, frozen=True):
    """What ``GET /v1/settlement-batches/{batch}`` tells of a batch, as far as the checks ask."""

    id: str
    state: str
    parties: list[Party]
    pay_out: Money
    operator: dict[str, Money]
    points: Points
    payments: list[Payment]


class Settled(msgspec.Struct, frozen=True):
    """A batch at the end of a run, with the instants (microseconds since 1970 UTC) between which its days lay.

    ``paid_minor`` is by how much the operator's account at the bank went down, in minor units.
    """

    batch: Batch
    begins_at: int
    ends_at: int
    paid_minor: int
