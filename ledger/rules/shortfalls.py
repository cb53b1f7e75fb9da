"""Shortfalls: what a member owes of a reversed earn, and how every credit repays it first."""

from ledger.rules.accounts import AccountKind
from ledger.rules.journal import Posting
from ledger.rules.state import PointsState


class Repayment:
    """Repays a member's shortfalls, oldest first, from the credits of one transaction."""

    def __init__(self, points: PointsState) -> None:
        self._member = points.member
        self._open = [
            [shortfall.remaining, shortfall.lot, shortfall.funding]
            for shortfall in points.shortfalls
            if shortfall.remaining > 0
        ]

    def from_credit(self, lot: int, funding: int, amount_points: int) -> tuple[list[Posting], int]:
        """Postings that repay from points just credited to a lot, and the points that remain there.

        Where the lot's funding differs from the shortfall's, a second posting moves the issuance.
        """
        if not self._open:
            return [], amount_points
        postings: list[Posting] = []
        rest = amount_points
        for shortfall in self._open:
            taken = min(rest, shortfall[0])
            if taken == 0:
                continue
            shortfall[0] -= taken
            rest -= taken
            _, owed_lot, owed_funding = shortfall
            postings.append(
                Posting(
                    AccountKind.AVAILABLE,
                    self._member,
                    AccountKind.SHORTFALL,
                    self._member,
                    taken,
                    lot,
                    owed_lot,
                )
            )
            if owed_funding != funding:
                postings.append(
                    Posting(
                        AccountKind.ISSUANCE,
                        owed_funding,
                        AccountKind.ISSUANCE,
                        funding,
                        taken,
                        lot,
                        owed_lot,
                    )
                )
        return postings, rest
