"""The finance console: days, batches, payments, proofs and what two persons decide."""

from litestar import Router

from api.pages.finance.batches import (
    ask_run_page,
    batch_page,
    batches_page,
    party_statement_file,
    payment_file,
    run_form,
)
from api.pages.finance.days import ask_close_page, close_day_form, days_page
from api.pages.finance.disputes import dispute_pages
from api.pages.finance.paying_again import paying_again_pages
from api.pages.finance.periods import period_pages
from api.pages.finance.proposals import proposal_pages
from api.pages.finance.proposing import proposing_pages
from api.pages.finance.reconciliation import reconciliation_pages
from api.pages.finance.reports import report_pages
from api.pages.finance.steps import ask_step_page, take_step_form
from api.pages.finance.suspense import suspense_pages
from api.pages.page_errors import PAGE_EXCEPTION_HANDLERS

__all__ = ["finance_router"]

finance_router = Router(
    "/finance",
    route_handlers=[
        days_page,
        *report_pages,
        *reconciliation_pages,
        *suspense_pages,
        *dispute_pages,
        *proposal_pages,
        *proposing_pages,
        *period_pages,
        ask_close_page,
        close_day_form,
        batches_page,
        batch_page,
        payment_file,
        *paying_again_pages,
        party_statement_file,
        ask_run_page,
        run_form,
        ask_step_page,
        take_step_form,
    ],
    exception_handlers=PAGE_EXCEPTION_HANDLERS,
)
"""The pages under ``/finance``."""
