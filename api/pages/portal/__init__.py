"""The citizen portal: a member's points, code, statement, gifts, consents and data. Every page names nobody else."""

from litestar import Router

from api.pages.page_errors import PAGE_EXCEPTION_HANDLERS
from api.pages.portal.appeals import appeals_page, new_appeal_page, send_appeal
from api.pages.portal.balance import balance_page
from api.pages.portal.code import code_page, used_code
from api.pages.portal.consents import consents_page, give_own_consent, revoke_own_consent
from api.pages.portal.erasure import erase_own_data, erasure_page
from api.pages.portal.flows import flows_page
from api.pages.portal.gift import check_gift, gift_done_page, gift_page, make_gift
from api.pages.portal.notices import notices_page
from api.pages.portal.own_data import data_page, download_data
from api.pages.portal.statement import statement_page

__all__ = ["portal_router"]

portal_router = Router(
    "/portal",
    route_handlers=[
        balance_page,
        code_page,
        used_code,
        statement_page,
        flows_page,
        notices_page,
        gift_page,
        check_gift,
        make_gift,
        gift_done_page,
        appeals_page,
        new_appeal_page,
        send_appeal,
        consents_page,
        give_own_consent,
        revoke_own_consent,
        data_page,
        download_data,
        erasure_page,
        erase_own_data,
    ],
    exception_handlers=PAGE_EXCEPTION_HANDLERS,
)
"""The pages under ``/portal``."""
