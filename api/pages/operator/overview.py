"""The first page of the operator's."""

from litestar import Response, get

from api.pages.console import console_page
from api.pages.frame import NavigationEntry
from api.pages.guards import OPERATION_READERS, for_staff
from api.pages.operator.operator_texts import OPERATOR
from api.requests import CityRequest

_SECTIONS = (NavigationEntry("overview", "/operator"),)


@get("/", include_in_schema=False, before_request=for_staff(*OPERATION_READERS))
async def overview_page(request: CityRequest) -> Response[str]:
    """Show that the service answers."""
    return console_page(request, "operator/overview.html", OPERATOR, sections=_SECTIONS, cookies=None)
