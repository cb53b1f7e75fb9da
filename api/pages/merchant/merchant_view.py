"""What every page of the merchant console shares: which partner's, in which language, and the sections."""

from http import HTTPStatus

import msgspec
from litestar import Response

from api.access import partner_of
from api.pages.console import console_page
from api.pages.frame import NavigationEntry, Texts, language_of
from api.pages.merchant.merchant_texts import MERCHANT
from api.requests import CityRequest
from api.wiring import Wiring, wiring_of
from ledger.rules.programmes import Partner, Registry

_SECTIONS = (NavigationEntry("today", "/merchant"),)


class MerchantView(msgspec.Struct, frozen=True):
    """People of a partner's looking at what is theirs."""

    wiring: Wiring
    partner: Partner
    registry: Registry
    language: str


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
    return console_page(
        request,
        f"merchant/{template}.html",
        {**MERCHANT, **(texts or {})},
        sections=_SECTIONS,
        status_code=status_code,
        back=back,
        cookies=None,
        view=view,
        **context,
    )
