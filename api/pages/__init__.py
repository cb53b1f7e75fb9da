"""Pages for people: the start page, the API browser and a page for every problem.

``page_routes`` and ``static_router`` go into the application's ``route_handlers``; the
application's state carries a ``Site`` as ``site``.
"""

from api.pages.handlers import docs_page, problem_index, problem_page, start_page
from api.pages.rendering import Site
from api.pages.static_files import static_router

__all__ = ["Site", "page_routes", "static_router"]

page_routes = [start_page, docs_page, problem_index, problem_page]
