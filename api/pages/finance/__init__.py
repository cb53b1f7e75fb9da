"""The finance console: days, batches, payments, proofs and what two persons decide."""

from litestar import Router

from api.pages.finance.days import days_page
from api.pages.page_errors import PAGE_EXCEPTION_HANDLERS

__all__ = ["finance_router"]

finance_router = Router(
    "/finance",
    route_handlers=[days_page],
    exception_handlers=PAGE_EXCEPTION_HANDLERS,
)
"""The pages under ``/finance``."""
