"""Pages for people: the start page, the API browser, a page for every problem, signing in, and the pages of each role.

``page_routes``, ``signed_in_routes`` and ``static_router`` go into the application's ``route_handlers``; the
application's state carries a ``Site`` as ``site``.
"""

from api.pages.finance import finance_router
from api.pages.handlers import docs_page, problem_index, problem_page, start_page
from api.pages.merchant import merchant_router
from api.pages.operator import operator_router
from api.pages.portal import portal_router
from api.pages.rendering import Site
from api.pages.sign_in_pages import sign_in_router
from api.pages.static_files import static_router

__all__ = ["Site", "page_routes", "signed_in_routes", "static_router"]

page_routes = [start_page, docs_page, problem_index, problem_page]
"""The handlers of the public pages."""

signed_in_routes = [sign_in_router, portal_router, merchant_router, finance_router, operator_router]
"""Signing in, and the pages of those who have."""
