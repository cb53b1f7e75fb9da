"""The first page of the finance console."""

from litestar import Response, get
from litestar.params import FromQuery

from api.pages.finance.finance_view import finance_page, finance_view
from api.pages.guards import FINANCE_READERS, for_staff
from api.requests import CityRequest


@get("/", include_in_schema=False, before_request=for_staff(*FINANCE_READERS))
async def days_page(request: CityRequest, programme: FromQuery[str | None] = None) -> Response[str]:
    """Show whose money this is about."""
    return finance_page(request, await finance_view(request, programme), "days")
