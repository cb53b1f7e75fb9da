"""The operator's page: set-up, keys, appeals, and whether all is well."""

from litestar import Router

from api.pages.operator.appeals import appeals_list_page
from api.pages.operator.keys import keys_page, make_key_by_form, new_key_page
from api.pages.operator.one_appeal import (
    appeal_page,
    approve_by_form,
    decide_by_form,
    propose_by_form,
    unfreeze_by_form,
)
from api.pages.operator.one_key import key_page, revocation_page, revoke_key_by_form, rotate_key_by_form
from api.pages.operator.overview import overview_page
from api.pages.operator.partners import add_partner_by_form, partner_page, partners_page
from api.pages.operator.programmes import permit_in_programme, programme_page, programmes_page
from api.pages.page_errors import PAGE_EXCEPTION_HANDLERS

__all__ = ["operator_router"]

operator_router = Router(
    "/operator",
    route_handlers=[
        overview_page,
        programmes_page,
        programme_page,
        permit_in_programme,
        partners_page,
        partner_page,
        add_partner_by_form,
        keys_page,
        new_key_page,
        make_key_by_form,
        key_page,
        rotate_key_by_form,
        revocation_page,
        revoke_key_by_form,
        appeals_list_page,
        appeal_page,
        decide_by_form,
        propose_by_form,
        approve_by_form,
        unfreeze_by_form,
    ],
    exception_handlers=PAGE_EXCEPTION_HANDLERS,
)
"""The pages under ``/operator``."""
