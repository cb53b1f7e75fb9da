"""What every page of the operator's shares: who looks and what they may do, the set-up, the language, the sections."""

from http import HTTPStatus

import msgspec
from litestar import Response

from api.access import staff_of
from api.pages import formats
from api.pages.console import console_page
from api.pages.frame import NavigationEntry, Texts, language_of
from api.pages.guards import OPERATION_READERS
from api.pages.operator.operator_texts import OPERATOR
from api.pages.texts import in_language
from api.requests import CityRequest
from api.wiring import Wiring, wiring_of
from ledger.rules.programmes import Registry

MICROSECONDS = 1_000_000
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_FEWEST_OF_A_UNIT = 2

APPEALS = NavigationEntry("appeals", "/operator/appeals")
_SECTIONS = (
    NavigationEntry("overview", "/operator"),
    NavigationEntry("programmes", "/operator/programmes"),
    NavigationEntry("partners", "/operator/partners"),
    NavigationEntry("keys", "/operator/keys"),
    APPEALS,
)


class OperatorView(msgspec.Struct, frozen=True):
    """Somebody of staff looking at the service: ``may_change`` the set-up or not, ``may_answer`` appeals or not."""

    wiring: Wiring
    registry: Registry
    language: str
    may_change: bool
    may_answer: bool
    sees_operation: bool
    owner: str
    person: str

    @property
    def zone(self) -> str:
        """The zone of the times shown: that of the first programme."""
        first = min(self.registry.programmes.values(), key=lambda one: one.number, default=None)
        return "UTC" if first is None else first.zone

    def moment(self, instant: int | None) -> str:
        """Day and time of an instant; nothing for none."""
        return "" if instant is None else formats.moment(instant, self.zone, self.language)

    def words(self, texts: Texts) -> dict[str, str]:
        """Texts in the reader's language."""
        return dict(in_language(texts, self.language))

    def length(self, seconds: int) -> str:
        """A length of time in the largest unit of which there are two or more."""
        words = self.words(OPERATOR)
        for unit, size in (("days", _DAY), ("hours", _HOUR), ("minutes", _MINUTE)):
            if seconds >= _FEWEST_OF_A_UNIT * size:
                return words[f"length_{unit}"].format(number=formats.number(seconds // size))
        return words["length_seconds"].format(number=formats.number(max(seconds, 0)))


async def operator_view(request: CityRequest) -> OperatorView:
    """The person of a request that a guard for staff let pass."""
    wiring = wiring_of(request)
    person = staff_of(request)
    roles = frozenset(person.roles)
    return OperatorView(
        wiring=wiring,
        registry=await wiring.fresh_registry(),
        language=language_of(request),
        may_change="operator" in roles,
        may_answer=not roles.isdisjoint({"operator", "support"}),
        sees_operation=not roles.isdisjoint(OPERATION_READERS),
        owner=person.owner,
        person=person.name,
    )


def operator_page(
    request: CityRequest,
    view: OperatorView,
    template: str,
    *,
    texts: Texts | None = None,
    status_code: int = HTTPStatus.OK,
    back: str | None = None,
    **context: object,
) -> Response[str]:
    """Render a page of the operator's."""
    return console_page(
        request,
        f"operator/{template}.html",
        {**OPERATOR, **(texts or {})},
        sections=_SECTIONS if view.sees_operation else (APPEALS,),
        status_code=status_code,
        back=back,
        cookies=None,
        view=view,
        **context,
    )
