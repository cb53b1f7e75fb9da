"""What every page of the merchant console shares: which partner's, in which language, and the sections."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from litestar import Response

from api.access import partner_of
from api.pages import formats
from api.pages.console import console_page
from api.pages.frame import NavigationEntry, Texts, language_of
from api.pages.merchant.merchant_texts import MERCHANT
from api.requests import CityRequest
from api.wiring import Wiring, wiring_of
from ledger.rules.programmes import Partner, Programme, Registry

_SECTIONS = (
    NavigationEntry("today", "/merchant"),
    NavigationEntry("counter", "/merchant/counter"),
    NavigationEntry("transactions", "/merchant/transactions"),
    NavigationEntry("imports", "/merchant/imports"),
    NavigationEntry("statements", "/merchant/statements"),
    NavigationEntry("disputes", "/merchant/disputes"),
    NavigationEntry("webhooks", "/merchant/webhooks"),
    NavigationEntry("keys", "/merchant/keys"),
)


class MerchantView(msgspec.Struct, frozen=True):
    """People of a partner's looking at what is theirs."""

    wiring: Wiring
    partner: Partner
    registry: Registry
    language: str

    @property
    def programmes(self) -> list[Programme]:
        """The programmes that the partner takes part in, in the order in which they were added."""
        number = self.partner.number
        everything = sorted(self.registry.programmes.values(), key=lambda one: one.number)
        return [one for one in everything if number in one.issuers or number in one.acceptors]

    @property
    def zone(self) -> str:
        """The zone in which times are shown that are of no one programme."""
        return next((one.zone for one in self.programmes), "UTC")

    def moment(self, instant: int, programme: str | None = None) -> str:
        """Day and time of an instant, in a programme's zone or the partner's usual one."""
        found = self.registry.programmes.get(programme or "")
        return formats.moment(instant, self.zone if found is None else found.zone, self.language)


async def merchant_view(request: CityRequest) -> MerchantView:
    """The partner of a request that ``for_merchants`` let pass."""
    wiring = wiring_of(request)
    registry = await wiring.fresh_registry()
    return MerchantView(wiring, registry.partners[partner_of(request).partner], registry, language_of(request))


def merchant_page(
    request: CityRequest,
    view: MerchantView,
    template: str,
    *,
    texts: Texts | None = None,
    status_code: int = HTTPStatus.OK,
    back: str | None = None,
    **context: object,
) -> Response[str]:
    """Render a page of the merchant console."""
    merged: Mapping[str, tuple[str, str]] = {**MERCHANT, **(texts or {})}
    return console_page(
        request,
        f"merchant/{template}.html",
        merged,
        sections=_SECTIONS,
        status_code=status_code,
        back=back,
        cookies=None,
        view=view,
        **context,
    )
