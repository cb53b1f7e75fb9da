"""Programmes and their dated rules."""

from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from api.schemas.fields import Code, refuse
from ledger.rules.commands import MAXIMUM_POINTS
from ledger.rules.money import from_minor, minor_places, to_minor
from ledger.rules.programmes import (
    DEFAULT_GIFT_POINTS_A_MONTH,
    DEFAULT_MAXIMUM_AGE_DAYS,
    EarnRate,
    Programme,
    ProgrammeVersion,
    ShortfallPolicy,
)
from ledger.store.registry_writes import FIRST_DAY, NewProgramme, NewRules

MOST_POINTS_PER_STEP = 10_000
LONGEST_VALIDITY_MONTHS = 1_200
LONGEST_VALIDITY_DAYS = 36_500
_FIRST_RULES_YEAR, _LAST_RULES_YEAR = 1970, 2999
_MINUTES_PER_HOUR = 60

GiftPoints = Annotated[
    int,
    Meta(
        ge=0,
        le=MAXIMUM_POINTS,
        description="Points that a member may give, and receive, as gifts in a calendar month; 0: no gifts",
    ),
]
Days = Annotated[int, Meta(ge=0, le=LONGEST_VALIDITY_DAYS)]
CutOff = Annotated[
    str,
    Meta(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9](?!\n)$",
        description="When a business day ends, in the programme's zone: HH:MM; 00:00 makes it the calendar day",
    ),
]


class EarnRateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``points`` for each whole ``per_amount`` of the programme's currency, a decimal string."""

    points: Annotated[int, Meta(ge=1, le=MOST_POINTS_PER_STEP)]
    per_amount: Annotated[str, Meta(pattern=r"^(0|[1-9][0-9]{0,18})(\.[0-9]{1,4})?(?!\n)$")]


class RulesRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Earning rules from a business day on; without a validity points do not expire.

    ``validity_months`` runs to the end of the last month, ``validity_days`` is exact; at most one of them.
    """

    earn_rate: EarnRateBody
    validity_months: Annotated[int, Meta(ge=1, le=LONGEST_VALIDITY_MONTHS)] | None = None
    validity_days: Annotated[int, Meta(ge=1, le=LONGEST_VALIDITY_DAYS)] | None = None
    starts_on: date = FIRST_DAY

    def new_rules(self, currency: str, field: str) -> NewRules:
        """The rules to add; raises MalformedRequest that names what is below ``field``."""
        if self.validity_months is not None and self.validity_days is not None:
            refuse(f"{field}.validity_months, {field}.validity_days", "both of them", "at most one of the two")
        if not _FIRST_RULES_YEAR <= self.starts_on.year <= _LAST_RULES_YEAR:
            wanted = f"a year from {_FIRST_RULES_YEAR} to {_LAST_RULES_YEAR}"
            refuse(f"{field}.starts_on", f"the year {self.starts_on.year}", wanted)
        per_minor = to_minor(self.earn_rate.per_amount, currency, f"{field}.earn_rate.per_amount")
        if per_minor == 0:
            refuse(f"{field}.earn_rate.per_amount", "zero", "an amount above zero")
        rate = EarnRate(self.earn_rate.points, per_minor)
        return NewRules(rate, self.validity_months, self.validity_days, self.starts_on)


class ProgrammeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A programme to add, with its first rules. Its code is for ever.

    ``maximum_age_days``: how old an event may be when it is posted, null for any age. ``shortfall``: who
    bears points that were spent before they were taken back.
    """

    code: Code
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}(?!\n)$", description="ISO 4217 code")]
    zone: Annotated[str, Meta(min_length=1, max_length=64, description="IANA time zone, such as Asia/Shanghai")]
    rules: RulesRequest
    cut_off: CutOff = "00:00"
    maximum_age_days: Days | None = DEFAULT_MAXIMUM_AGE_DAYS
    restore_grace_days: Days = 0
    shortfall: ShortfallPolicy = "member"
    gift_points_a_month: GiftPoints = DEFAULT_GIFT_POINTS_A_MONTH

    def new_programme(self) -> NewProgramme:
        """The programme to add; raises MalformedRequest."""
        minor_places(self.currency, "$.currency")
        _refuse_unknown_zone(self.zone)
        hours, minutes = self.cut_off.split(":")
        return NewProgramme(
            code=self.code,
            currency=self.currency,
            zone=self.zone,
            rules=self.rules.new_rules(self.currency, "$.rules"),
            cut_off_minutes=int(hours) * _MINUTES_PER_HOUR + int(minutes),
            maximum_age_days=self.maximum_age_days,
            restore_grace_days=self.restore_grace_days,
            shortfall_policy=self.shortfall,
            gift_points_a_month=self.gift_points_a_month,
        )


class ProgrammeChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Open or close a programme for new earnings and redemptions, or change its limit on gifts; what is left out stays.

    At least one of the two.
    """

    is_open: bool | None = None
    gift_points_a_month: GiftPoints | None = None


class PermissionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a partner may do in a programme from now on."""

    may_issue: bool
    may_accept: bool


class RulesAnswer(msgspec.Struct, frozen=True):
    """Earning rules from a business day on."""

    version: int
    starts_on: date
    earn_rate: EarnRateBody
    validity_months: int | None
    validity_days: int | None


class PermissionAnswer(msgspec.Struct, frozen=True):
    """What a partner may do in a programme."""

    partner: str
    may_issue: bool
    may_accept: bool


class ProgrammeAnswer(msgspec.Struct, frozen=True):
    """A programme. Staff see every partner's permission, a partner its own."""

    code: str
    currency: str
    zone: str
    cut_off: str
    is_open: bool
    maximum_age_days: int | None
    restore_grace_days: int
    shortfall: str
    gift_points_a_month: int
    rules: list[RulesAnswer]
    partners: list[PermissionAnswer]


class ProgrammePage(msgspec.Struct, frozen=True):
    """Programmes in the order of their codes."""

    items: list[ProgrammeAnswer]
    next_cursor: str | None


def programme_answer(programme: Programme, partners: dict[int, str]) -> ProgrammeAnswer:
    """A programme as callers see it; ``partners`` are the ones shown, code by number."""
    shown = sorted((code, number) for number, code in partners.items())
    hours, minutes = divmod(programme.cut_off_minutes, _MINUTES_PER_HOUR)
    return ProgrammeAnswer(
        code=programme.code,
        currency=programme.currency,
        zone=programme.zone,
        cut_off=f"{hours:02}:{minutes:02}",
        is_open=programme.is_open,
        maximum_age_days=programme.maximum_age_days,
        restore_grace_days=programme.restore_grace_days,
        shortfall=programme.shortfall_policy,
        gift_points_a_month=programme.gift_points_a_month,
        rules=[rules_answer(version, programme.currency) for version in programme.versions],
        partners=[
            PermissionAnswer(code, number in programme.issuers, number in programme.acceptors)
            for code, number in shown
            if number in programme.issuers or number in programme.acceptors
        ],
    )


def rules_answer(version: ProgrammeVersion, currency: str) -> RulesAnswer:
    """Dated rules as callers see them."""
    return RulesAnswer(
        version=version.version,
        starts_on=version.starts_on,
        earn_rate=EarnRateBody(version.earn_rate.points, from_minor(version.earn_rate.per_minor, currency)),
        validity_months=version.validity_months,
        validity_days=version.validity_days,
    )


def _refuse_unknown_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    # A name with a slash at its start or a NUL is a ValueError, the name of a folder an OSError.
    except (KeyError, ValueError, OSError):
        refuse("$.zone", repr(name), "an IANA time zone, such as Asia/Shanghai")
