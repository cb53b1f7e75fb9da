"""What may have been posted before at a counter, whose answer was lost: under a form's key, with a code, or alike."""

from api.authentication import PartnerCaller
from api.pages.merchant.counter_form import Presented
from api.pages.merchant.merchant_view import MerchantView
from ledger.ids import Place
from ledger.reading.alike import read_alike
from ledger.reading.transaction_views import TransactionView
from ledger.reading.transactions import find_by_key, places_of
from ledger.rules.commands import Submission
from ledger.rules.programmes import Programme
from ledger.store.member_codes import find_presented
from ledger.store.members import Member

ALIKE_SECONDS = 10 * 60
KINDS = frozenset({"earn", "redeem"})
"""What a counter posts."""


async def posted_under(view: MerchantView, key: str) -> TransactionView | None:
    """What was posted under a form's key already."""
    owner = PartnerCaller(view.partner.number).owner
    async with view.wiring.engine.pool.connection() as connection:
        record = await find_by_key(connection, view.wiring.engine.key, owner, key)
    if record is None or record.lane is None:
        return None
    return await _of_counter(view, places_of(record)[0])


async def posted_with(view: MerchantView, presented: Presented) -> TransactionView | None:
    """What a used code was used for, where that is the partner's own."""
    if presented.kind != "code":
        return None
    async with view.wiring.engine.pool.connection() as connection:
        found = await find_presented(connection, view.wiring.engine.key, presented.digits)
    return None if found is None or found.used is None else await _of_counter(view, found.used)


async def posted_alike(
    view: MerchantView, submission: Submission, programme: Programme, would_be: TransactionView
) -> TransactionView | None:
    """The same posting of a moment ago: after a lost answer somebody may begin anew, with a key of its own."""
    if submission.member is None:
        return None
    async with view.wiring.engine.pool.connection() as connection:
        found = await read_alike(
            connection,
            Member(submission.lane, submission.member),
            would_be,
            partner=view.partner.number,
            programme=programme.number,
            within_seconds=ALIKE_SECONDS,
        )
    return None if found is None else await view.wiring.view(found)


async def _of_counter(view: MerchantView, place: Place) -> TransactionView | None:
    made = await view.wiring.view(place)
    return made if made.partner == view.partner.code and made.kind in KINDS else None
