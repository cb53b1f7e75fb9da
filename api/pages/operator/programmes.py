"""Programmes: what holds in each, and who may issue and accept there."""

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from api.pages import formats
from api.pages.frame import see_other
from api.pages.guards import OPERATION_READERS, for_staff, own_form
from api.pages.operator.operator_view import OperatorView, operator_page, operator_view
from api.pages.operator.set_up_texts import SET_UP
from api.pages.portal.portal_texts import PORTAL
from api.requests import CityRequest
from api.schemas.programmes import PermissionRequest
from api.set_up_changes import permit_partner
from ledger.errors import ProgrammeNotFound
from ledger.reading.caps import CapStanding, read_caps
from ledger.rules.programmes import Cap, Partner, Programme, ProgrammeVersion
from ledger.store.ledger_row import read_clock
from ledger.store.registry_writes import FIRST_DAY

SCENE_NAMES = {key: words for key, words in PORTAL.items() if key.startswith("scene_")}

_MINUTES_PER_HOUR = 60


class RulesRow(msgspec.Struct, frozen=True):
    """Rules of a programme from a day on, in words; ``since`` is None for the first ones of all."""

    since: str | None
    rate: str
    validity: str
    is_in_force: bool


class CapRow(msgspec.Struct, frozen=True):
    """A limit and how it stands; ``scene`` is the key of one, ``partner`` None for all."""

    code: str
    partner: str | None
    scene: str | None
    is_cover: bool
    standing: CapStanding


class Participant(msgspec.Struct, frozen=True):
    """A partner in a programme and what it may do there."""

    partner: Partner
    may_issue: bool
    may_accept: bool
    is_suspended: bool


@get("/programmes", include_in_schema=False, before_request=for_staff(*OPERATION_READERS))
async def programmes_page(request: CityRequest) -> Response[str]:
    """List all programmes."""
    view = await operator_view(request)
    now = await _now(view)
    programmes = sorted(view.registry.programmes.values(), key=lambda one: one.code)
    rows = [(one, _rules(one.version_on(one.business_day(now)), one, view, is_in_force=True)) for one in programmes]
    return operator_page(request, view, "programmes", texts=SET_UP, rows=rows)


@get("/programmes/{code:str}", include_in_schema=False, before_request=for_staff(*OPERATION_READERS))
async def programme_page(
    request: CityRequest, code: FromPath[str], done: FromQuery[str | None] = None
) -> Response[str]:
    """Show one programme: its rules by date, its limits, who takes part."""
    view = await operator_view(request)
    programme = _found(view, code)
    now = await _now(view)
    present = programme.version_on(programme.business_day(now))
    words = view.words(SET_UP)
    hours, minutes = divmod(programme.cut_off_minutes, _MINUTES_PER_HOUR)
    closed = programme.closed_through
    return operator_page(
        request,
        view,
        "programme",
        texts={**SET_UP, **SCENE_NAMES},
        programme=programme,
        heading=words["programme_is"].format(code=programme.code),
        cut_off=f"{hours:02}:{minutes:02}",
        maximum_age=_age(programme, words),
        closed_through=None if closed is None else formats.day(closed, view.language),
        grace=words["maximum_age_days"].format(number=programme.restore_grace_days),
        rules=[_rules(one, programme, view, is_in_force=one is present) for one in reversed(programme.versions)],
        caps=await _caps(view, programme),
        participants=_participants(view, programme),
        partners=sorted(view.registry.partners.values(), key=lambda one: one.code),
        is_done=done is not None,
    )


@post("/programmes/{code:str}/partners", include_in_schema=False, before_request=for_staff("operator"))
async def permit_in_programme(request: CityRequest, code: FromPath[str]) -> Redirect:
    """Say what a partner may do in the programme; sent again it says the same."""
    fields = await own_form(request)
    view = await operator_view(request)
    programme = _found(view, code)
    asked = PermissionRequest(may_issue="issue" in fields, may_accept="accept" in fields)
    await permit_partner(view.wiring, programme.code, fields.get("partner", ""), asked)
    return see_other(f"/operator/programmes/{programme.code}?done=yes")


async def _now(view: OperatorView) -> int:
    async with view.wiring.engine.pool.connection() as connection:
        return await read_clock(connection)


def _found(view: OperatorView, code: str) -> Programme:
    programme = view.registry.programmes.get(code)
    if programme is None:
        raise ProgrammeNotFound("No programme has this code.", programme=code)
    return programme


def _age(programme: Programme, words: dict[str, str]) -> str:
    days = programme.maximum_age_days
    return words["maximum_age_any"] if days is None else words["maximum_age_days"].format(number=formats.number(days))


def _rules(rules: ProgrammeVersion, programme: Programme, view: OperatorView, *, is_in_force: bool) -> RulesRow:
    words = view.words(SET_UP)
    validity = words["validity_none"]
    if rules.validity_months is not None:
        validity = words["validity_months"].format(number=rules.validity_months)
    elif rules.validity_days is not None:
        validity = words["validity_days"].format(number=formats.number(rules.validity_days))
    amount = formats.money(rules.earn_rate.per_minor, programme.currency, view.language)
    return RulesRow(
        since=None if rules.starts_on == FIRST_DAY else formats.day(rules.starts_on, view.language),
        rate=words["rate_is"].format(points=formats.number(rules.earn_rate.points), amount=amount),
        validity=validity,
        is_in_force=is_in_force,
    )


async def _caps(view: OperatorView, programme: Programme) -> list[CapRow]:
    caps = sorted(view.registry.caps_by_programme.get(programme.number, []), key=lambda cap: cap.code)
    async with view.wiring.engine.pool.connection() as connection:
        standings = await read_caps(connection, caps)
    return [_cap(view, cap, standings[cap.number]) for cap in caps]


def _cap(view: OperatorView, cap: Cap, standing: CapStanding) -> CapRow:
    partner = None if cap.partner is None else view.registry.partners[cap.partner].name
    return CapRow(cap.code, partner, cap.scene, cap.is_cover, standing)


def _participants(view: OperatorView, programme: Programme) -> list[Participant]:
    found = [
        Participant(
            partner,
            number in programme.issuers,
            number in programme.acceptors,
            number in programme.suspended,
        )
        for number, partner in view.registry.partners.items()
        if number in programme.issuers or number in programme.acceptors
    ]
    return sorted(found, key=lambda one: one.partner.code)
