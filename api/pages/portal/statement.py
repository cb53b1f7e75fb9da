"""The statement: line by line, newest first, of all scenes or of one."""

from collections.abc import Mapping
from urllib.parse import urlencode

from litestar import Response, get
from litestar.params import FromQuery

from api.pages.guards import for_citizens
from api.pages.portal.lines import line_of
from api.pages.portal.portal_view import portal_page, portal_view
from api.requests import CityRequest
from ledger.errors import MalformedRequest
from ledger.reading.member_transactions import read_member_transactions

LINES_PER_PAGE = 20

SCENES: Mapping[str, tuple[str, ...]] = {
    "all": (),
    "clothing": ("clothing",),
    "food": ("food",),
    "housing": ("housing",),
    "transport": ("transport",),
    "leisure": ("leisure",),
    "public": ("government", "health", "education", "charity"),
    "banking": ("banking",),
}
"""What can be chosen, in this order, and the scenes that it stands for."""


@get("/statement", include_in_schema=False, before_request=for_citizens)
async def statement_page(
    request: CityRequest,
    programme: FromQuery[str | None] = None,
    scene: FromQuery[str] = "all",
    cursor: FromQuery[str | None] = None,
) -> Response[str]:
    """Show a page of the statement."""
    if scene not in SCENES:
        wanted = ", ".join(SCENES)
        raise MalformedRequest(f"scene: wanted is one of {wanted}.", field="scene", got=scene, wanted=wanted)
    view = await portal_view(request, programme)
    engine = view.wiring.engine
    async with engine.pool.connection() as connection:
        page = await read_member_transactions(
            connection,
            engine.key,
            view.registry,
            view.member,
            view.programme,
            scenes=SCENES[scene],
            cursor=cursor,
            limit=LINES_PER_PAGE,
        )
    chosen = {"programme": view.programme.code, "scene": scene}
    return portal_page(
        request,
        view,
        "statement",
        scene=scene,
        scenes=[(name, urlencode({**chosen, "scene": name})) for name in SCENES],
        is_first=cursor is None,
        newest=urlencode(chosen),
        following=None if page.next_cursor is None else urlencode({**chosen, "cursor": page.next_cursor}),
        lines=[line_of(transaction, view) for transaction in page.transactions],
    )
