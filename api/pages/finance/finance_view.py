"""What every page of the finance console shares: who looks, at which programme, in which language, and the sections."""

from datetime import date
from http import HTTPStatus

import msgspec
from litestar import Response

from api.pages import formats
from api.pages.console import console_page, person_called
from api.pages.finance.finance_texts import FINANCE
from api.pages.frame import NavigationEntry, Texts, language_of
from api.requests import CityRequest
from api.settlement_access import person_of
from api.wiring import Wiring, wiring_of
from ledger.errors import ProgrammeNotFound
from ledger.rules.programmes import Programme, Registry
from settlement.people import Person

_SECTIONS = (
    ("days", "/finance"),
    ("batches", "/finance/batches"),
    ("reports", "/finance/reports"),
    ("reconciliation", "/finance/reconciliation"),
    ("suspense", "/finance/suspense"),
    ("disputes", "/finance/disputes"),
    ("proposals", "/finance/proposals"),
    ("periods", "/finance/periods"),
)


class FinanceView(msgspec.Struct, frozen=True):
    """A staff person looking at one programme's money; ``programmes`` are all that there are."""

    wiring: Wiring
    person: Person
    programme: Programme
    programmes: tuple[Programme, ...]
    registry: Registry
    language: str

    def partner_name(self, number: int) -> str:
        """How a partner calls itself."""
        return self.registry.partners[number].name

    def called(self, person: str) -> str:
        """How somebody is called on the pages."""
        return person_called(person, self.language)

    def on(self, day: date) -> str:
        """A day as people write it."""
        return formats.day(day, self.language)

    def moment(self, instant: int) -> str:
        """Day and time of an instant in the programme's zone; microseconds since 1970 UTC."""
        return formats.moment(instant, self.programme.zone, self.language)

    def percent(self, permille: int) -> str:
        """Thousandths as +12.3 %."""
        sign = "+" if permille > 0 else formats.MINUS if permille < 0 else ""
        return f"{sign}{abs(permille) // 10:,}.{abs(permille) % 10}%"


async def finance_view(request: CityRequest, code: str | None) -> FinanceView:
    """The programme asked for, or the first, as seen by the person whom ``for_staff`` let pass.

    Raises ProgrammeNotFound.
    """
    wiring = wiring_of(request)
    registry = await wiring.fresh_registry()
    programmes = tuple(sorted(registry.programmes.values(), key=lambda one: one.number))
    found = next((one for one in programmes if code in {None, one.code}), None)
    if found is None:
        raise ProgrammeNotFound("No programme has this code.", programme=code)
    return FinanceView(wiring, person_of(request), found, programmes, registry, language_of(request))


def finance_page(
    request: CityRequest,
    view: FinanceView,
    template: str,
    *,
    texts: Texts | None = None,
    status_code: int = HTTPStatus.OK,
    back: str | None = None,
    **context: object,
) -> Response[str]:
    """Render a page of the finance console; its sections stay in the programme."""
    query = f"?programme={view.programme.code}" if len(view.programmes) > 1 else ""
    return console_page(
        request,
        f"finance/{template}.html",
        {**FINANCE, **(texts or {})},
        sections=[NavigationEntry(name, path, query) for name, path in _SECTIONS],
        status_code=status_code,
        back=back,
        cookies=None,
        view=view,
        **context,
    )
