"""How every credit must repay what its member owes."""

from ledger.audit.books import AVAILABLE, ISSUANCE, SHORTFALL
from ledger.audit.points import Points
from ledger.rules.journal import LotOpening, Posting


class Repayment:
    """How the credits of one transaction repay what its member owes, oldest first."""

    def __init__(self, points: Points, member: int) -> None:
        self._member = member
        self._owed = [[owed.remaining, owed.lot, owed.funding] for owed in points.owed]

    def of(self, opening: LotOpening, credit_points: int) -> tuple[list[Posting], int]:
        """Postings that repay from a credit to a lot, and what stays in the lot.

        Points of another funding than the one owed settle between the two.
        """
        postings: list[Posting] = []
        rest = credit_points
        while self._owed and rest:
            owed, lot, funding = self._owed[0]
            taken = min(owed, rest)
            rest -= taken
            self._owed[0][0] -= taken
            if taken == owed:
                del self._owed[0]
            postings.append(Posting(AVAILABLE, self._member, SHORTFALL, self._member, taken, opening.lot, lot))
            if funding != opening.funding:
                postings.append(Posting(ISSUANCE, funding, ISSUANCE, opening.funding, taken, opening.lot, lot))
        return postings, rest
