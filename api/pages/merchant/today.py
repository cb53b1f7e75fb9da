"""The first page of the merchant console."""

from litestar import Response, get

from api.pages.guards import for_merchants
from api.pages.merchant.merchant_view import merchant_page, merchant_view
from api.requests import CityRequest


@get("/", include_in_schema=False, before_request=for_merchants)
async def today_page(request: CityRequest) -> Response[str]:
    """Show whose console this is."""
    return merchant_page(request, await merchant_view(request), "today")
