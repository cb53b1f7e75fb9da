"""Gifts from member to member."""

import msgspec

from api.schemas.fields import Code, MemberName, Points, ShortText
from ledger.rules.commands import Gift


class GiftRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Points of a member for another one, ``to``.

    The giver, ``from``, is the member whose token the request carries, and may be left out.
    """

    programme: Code
    giver: MemberName | None = msgspec.field(default=None, name="from")
    receiver: MemberName = msgspec.field(name="to")
    points: Points
    reference: ShortText | None = None

    def gift_of(self, giver: str) -> Gift:
        """The command it asks for, of a giver by any of its names."""
        return Gift(
            programme=self.programme,
            member=giver,
            receiver=self.receiver,
            points=self.points,
            reference=self.reference,
        )


class GiftQuote(GiftRequest, frozen=True, tag_field="operation", tag="gift", kw_only=True):
    """What a gift would do."""
