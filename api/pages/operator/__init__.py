"""The operator's page: set-up, keys, and whether all is well."""

from litestar import Router

from api.pages.operator.overview import overview_page
from api.pages.page_errors import PAGE_EXCEPTION_HANDLERS

__all__ = ["operator_router"]

operator_router = Router(
    "/operator",
    route_handlers=[overview_page],
    exception_handlers=PAGE_EXCEPTION_HANDLERS,
)
"""The pages under ``/operator``."""
