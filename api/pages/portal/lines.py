"""Lines of a statement as the pages show them."""

import msgspec

from api.appealing import points_taken
from api.pages.portal.explanations import explanation
from api.pages.portal.portal_view import PortalView
from ledger.reading.member_transactions import MemberTransaction
from ledger.reading.transaction_views import TransactionView

_WITH_DIRECTION = frozenset({"reverse", "gift"})


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line: ``kind`` is the key of its name; ``held`` what it changed of the held points, where it did."""

    number: str
    kind: str
    partner: str | None
    scene: str | None
    when: str
    points: int
    held: int
    after: int
    why: str
    was_reversed: bool
    can_appeal: bool

    @property
    def shown(self) -> int:
        """The figure of the line: what it changed of the available points, or else of the held ones."""
        return self.points or self.held


def line_of(transaction: MemberTransaction, view: PortalView) -> Line:
    """Show a transaction of the member that looks."""
    shown = transaction.view
    partner = view.partner_name(shown.partner)
    return Line(
        number=shown.id,
        kind=kind_name(shown.kind, comes_in=_comes_in(shown)),
        partner=partner,
        scene=transaction.scene,
        when=view.moment(shown.occurred_at),
        points=shown.change("available"),
        held=shown.change("held"),
        after=shown.available,
        why=explanation(shown, view.language, partner),
        was_reversed=bool(transaction.reversed_by),
        can_appeal=points_taken(shown) > 0,
    )


def kind_name(kind: str, *, comes_in: bool) -> str:
    """The key of what happened: a reversal or a gift is told from its other direction."""
    return f"kind_{kind}_{'in' if comes_in else 'out'}" if kind in _WITH_DIRECTION else f"kind_{kind}"


def _comes_in(view: TransactionView) -> bool:
    """Whether points came to the member, be it that they only repay what it owes."""
    return view.change("available") + view.change("held") + view.change("shortfall") > 0
