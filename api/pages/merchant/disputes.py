"""Disputes about redemptions that the partner accepted: seen here; the finance office opens and decides them."""

import msgspec
from litestar import Response, get
from litestar.params import FromQuery

from api.pages import formats
from api.pages.guards import for_merchants
from api.pages.merchant.merchant_view import MerchantView, merchant_page, merchant_view
from api.pages.merchant.statement_texts import DISPUTES
from api.pages_of_lists import cut, position_after
from api.requests import CityRequest
from ledger.ids import Place
from ledger.reading.transactions import read_views
from settlement.store.dispute_rows import Dispute, list_disputes

ADDRESS = "/merchant/disputes"
DISPUTES_PER_PAGE = 20
TONES = {"open": "warn", "for-acceptor": "good", "against-acceptor": "bad"}


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """A dispute as the list shows it. Who opened and decided it stays with the finance office."""

    transaction: str
    points: int
    amount: str
    state: str
    tone: str
    is_held: bool
    reason: str
    opened: str
    decided: str | None
    decision_reason: str | None


@get("/disputes", include_in_schema=False, before_request=for_merchants)
async def disputes_page(request: CityRequest, cursor: FromQuery[str | None] = None) -> Response[str]:
    """List the disputes that concern the partner, the last first."""
    view = await merchant_view(request)
    key, name = view.wiring.engine.key, f"own-disputes:{view.partner.number}"
    after = position_after(key, name, cursor, DISPUTES_PER_PAGE)
    async with view.wiring.engine.pool.connection() as connection:
        found = await list_disputes(connection, DISPUTES_PER_PAGE + 1, after, view.partner.number)
        page, following = cut(key, name, found, lambda one: str(one.dispute), DISPUTES_PER_PAGE)
        places = [Place(one.lane, one.sequence) for one in page]
        views = await read_views(connection, view.registry, places) if places else {}
    return merchant_page(
        request,
        view,
        "disputes",
        texts=DISPUTES,
        rows=[_row(view, one, views[place].id) for one, place in zip(page, places, strict=True)],
        newest=None if cursor is None else ADDRESS,
        following=None if following is None else f"cursor={following}",
    )


def _row(view: MerchantView, dispute: Dispute, transaction: str) -> _Row:
    programme = view.registry.programme_numbered(dispute.programme)
    return _Row(
        transaction=transaction,
        points=dispute.points,
        amount=formats.money(dispute.amount_minor, programme.currency, view.language),
        state=f"dispute_{dispute.state}",
        tone=TONES[dispute.state],
        is_held=dispute.is_held,
        reason=dispute.reason,
        opened=view.moment(dispute.opened_at, programme.code),
        decided=None if dispute.decided_at is None else view.moment(dispute.decided_at, programme.code),
        decision_reason=dispute.decision_reason,
    )
