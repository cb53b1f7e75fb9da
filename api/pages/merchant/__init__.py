"""The merchant console: what people of one partner see and do. Every page is of the session's partner alone."""

from litestar import Router

from api.pages.merchant.today import today_page
from api.pages.page_errors import PAGE_EXCEPTION_HANDLERS

__all__ = ["merchant_router"]

merchant_router = Router(
    "/merchant",
    route_handlers=[today_page],
    exception_handlers=PAGE_EXCEPTION_HANDLERS,
)
"""The pages under ``/merchant``."""
