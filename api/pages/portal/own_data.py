"""All that is held of a member: said, and handed out."""

from litestar import Response, get
from litestar.response import Stream

from api.member_export import write_export
from api.pages.guards import for_citizens, member_of
from api.pages.portal.action_texts import DATA
from api.pages.portal.portal_view import portal_page, portal_view
from api.posting_answers import JSON
from api.requests import CityRequest
from api.wiring import wiring_of


@get("/data", include_in_schema=False, before_request=for_citizens)
async def data_page(request: CityRequest) -> Response[str]:
    """Say what is held, and how to take it or have it erased."""
    view = await portal_view(request, None)
    return portal_page(request, view, "data", texts=DATA, member_id=await view.wiring.public_id(view.member))


@get("/data/export", include_in_schema=False, before_request=for_citizens)
async def download_data(request: CityRequest) -> Stream:
    """Everything that the ledger holds of the member, as the API's export writes it."""
    return Stream(
        write_export(wiring_of(request), member_of(request)),
        media_type=JSON,
        headers={
            "Content-Disposition": 'attachment; filename="city-points.json"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )
