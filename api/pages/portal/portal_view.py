"""What every page of the portal shares: whose points, of which programme, in which language, and the sections."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from litestar import Response
from litestar.datastructures import Cookie

from api.pages import formats
from api.pages.frame import NavigationEntry, Texts, framed, language_of
from api.pages.guards import member_of
from api.pages.portal.portal_texts import PORTAL
from api.requests import CityRequest
from api.wiring import Wiring, wiring_of
from ledger.errors import ProgrammeNotFound
from ledger.reading.personal_data import read_programmes
from ledger.rules.programmes import Programme, Registry
from ledger.store.members import Member

_SECTIONS = (
    ("balance", "/portal"),
    ("code", "/portal/code"),
    ("statement", "/portal/statement"),
    ("flows", "/portal/flows"),
    ("gift", "/portal/gift"),
    ("notices", "/portal/notices"),
    ("appeals", "/portal/appeals"),
    ("consents", "/portal/consents"),
    ("data", "/portal/data"),
)


class PortalView(msgspec.Struct, frozen=True):
    """A member looking at its points of one programme; ``programmes`` are all that it has points in."""

    wiring: Wiring
    member: Member
    programme: Programme
    programmes: tuple[Programme, ...]
    registry: Registry
    language: str

    def partner_name(self, code: str | None) -> str | None:
        """How a partner calls itself, by its code."""
        if code is None:
            return None
        partner = self.registry.partner_coded(code)
        return code if partner is None else partner.name

    def day(self, instant: int) -> str:
        """The day of an instant in the programme's zone."""
        return formats.day(formats.local_day(instant, self.programme.zone), self.language)

    def moment(self, instant: int) -> str:
        """Day and time of an instant in the programme's zone."""
        return formats.moment(instant, self.programme.zone, self.language)


async def portal_view(request: CityRequest, code: str | None) -> PortalView:
    """The member's points in a programme: the one asked for, or its first; raises ProgrammeNotFound.

    A programme in which it never had points is not shown, unless it has none at all.
    """
    wiring = wiring_of(request)
    member = member_of(request)
    registry = await wiring.fresh_registry()
    async with wiring.engine.pool.connection() as connection:
        numbers = await read_programmes(connection, member)
    programmes = tuple(registry.programme_numbered(number) for number in numbers)
    if not programmes:
        programmes = tuple(sorted(registry.programmes.values(), key=lambda one: one.number)[:1])
    found = next((one for one in programmes if code in {None, one.code}), None)
    if found is None:
        raise ProgrammeNotFound("You have no points in a programme of this code.")
    return PortalView(wiring, member, found, programmes, registry, language_of(request))


def portal_page(
    request: CityRequest,
    view: PortalView,
    template: str,
    *,
    texts: Texts | None = None,
    status_code: int = HTTPStatus.OK,
    back: str | None = None,
    cookies: list[Cookie] | None = None,
    **context: object,
) -> Response[str]:
    """Render a page of the portal."""
    several = len(view.programmes) > 1
    query = f"?programme={view.programme.code}" if several else ""
    merged: Mapping[str, tuple[str, str]] = {**PORTAL, **(texts or {})}
    return framed(
        request,
        f"portal/{template}.html",
        merged,
        status_code=status_code,
        navigation=tuple(NavigationEntry(name, path, query) for name, path in _SECTIONS),
        back=back,
        cookies=cookies,
        headers=None,
        view=view,
        programme=view.programme.code,
        programmes=[one.code for one in view.programmes] if several else [],
        number=formats.number,
        signed=formats.signed,
        **context,
    )
