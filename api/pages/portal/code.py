"""The member's code: shown as a QR code with its digits, the next one after a minute, and what was posted with it."""

from litestar import Response, get
from litestar.params import FromQuery

from api.pages import formats
from api.pages.guards import for_citizens, member_of
from api.pages.portal.code_texts import CODE_TEXTS
from api.pages.portal.portal_view import PortalView, portal_page, portal_view
from api.pages.portal.qr_codes import qr_picture
from api.pages.texts import in_language
from api.posting_answers import JSON
from api.presented_codes import QR_PREFIX, make_code_of
from api.requests import CityRequest
from api.wiring import wiring_of
from ledger.errors import MemberClosed, MemberFrozen
from ledger.ids import Place
from ledger.reading.transaction_views import TransactionView
from ledger.rules.business_day import to_datetime, zone
from ledger.rules.member_codes import ROTATE_AFTER_SECONDS
from ledger.store.member_codes import last_used
from ledger.store.members import Member

MOST_TURNS = 10
"""How many codes come by themselves: a page that nobody looks at must not keep its session for ever."""

TOLD_SECONDS = 10 * 60
"""How long the page tells what was posted with the last code."""

_GROUP = 4


@get("/code", include_in_schema=False, before_request=for_citizens)
async def code_page(request: CityRequest, turn: FromQuery[int] = 0) -> Response[str]:
    """Show a new code each time: the digits of the last one are stored nowhere."""
    view = await portal_view(request, None)
    turn = min(max(turn, 0), MOST_TURNS)
    rotates = turn < MOST_TURNS
    used = await _last_used(request, view.member)
    told, number = (None, None) if used is None else (_told(view, used), used.id)
    try:
        made = await make_code_of(view.wiring, view.member)
    except (MemberFrozen, MemberClosed) as error:
        refusal = "code_none_frozen" if isinstance(error, MemberFrozen) else "code_none_closed"
        return portal_page(
            request, view, "code", texts=CODE_TEXTS, refusal=refusal, next_turn=None, told=told, used=number
        )
    return portal_page(
        request,
        view,
        "code",
        texts=CODE_TEXTS,
        refusal=None,
        picture=qr_picture(f"{QR_PREFIX}{made.digits}"),
        groups=[made.digits[at : at + _GROUP] for at in range(0, len(made.digits), _GROUP)],
        good_until=f"{to_datetime(made.expires_at).astimezone(zone(view.programme.zone)):%H:%M:%S}",
        next_turn=turn + 1 if rotates else None,
        seconds=ROTATE_AFTER_SECONDS,
        told=told,
        used=number,
    )


@get("/code/used", include_in_schema=False, before_request=for_citizens)
async def used_code(request: CityRequest) -> Response[str]:
    """Say which transaction a code of the member's was last used for, so that its page can tell at once."""
    used = await _last_used(request, member_of(request))
    written = f'{{"used":"{used.id}"}}' if used is not None else '{"used":null}'
    return Response(written, media_type=JSON, headers={"Cache-Control": "no-store"})


async def _last_used(request: CityRequest, member: Member) -> TransactionView | None:
    wiring = wiring_of(request)
    async with wiring.engine.pool.connection() as connection:
        place: Place | None = await last_used(connection, member, within_seconds=TOLD_SECONDS)
    return None if place is None else await wiring.view(place)


def _told(view: PortalView, used: TransactionView) -> tuple[str, str, int]:
    """When it was, what happened, and what was available then."""
    sentence = in_language(CODE_TEXTS, view.language)[f"code_used_{used.kind}"]
    told = sentence.format(points=formats.number(used.points), partner=view.partner_name(used.partner))
    return view.moment(used.recorded_at), told, used.available
