"""Programmes and partners as decisions see them: dated rules, permissions, funding."""

from bisect import bisect_right
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

import msgspec
from msgspec.structs import replace

from ledger.rules.business_day import business_day

LEDGER_ITSELF = 0
"""The partner number of what the ledger does by itself, such as expiry."""

FIRST_SHARED_FUNDING = 1_000_000_000
"""A partner's own funding bears the partner's number; those of campaigns begin here, so the two never meet."""

DEFAULT_MAXIMUM_AGE_DAYS = 60
DEFAULT_GIFT_POINTS_A_MONTH = 5_000

PartnerKind = Literal["merchant", "government", "bank", "charity"]
ShortfallPolicy = Literal["member", "issuer"]
CapMeasure = Literal["points", "cover"]


class EarnRate(msgspec.Struct, frozen=True):
    """``points`` for each whole ``per_minor`` (minor units of the currency) that is spent."""

    points: int
    per_minor: int

    def points_for(self, spend_minor: int) -> int:
        """Whole points for a spend; the part below one whole step earns nothing."""
        return spend_minor // self.per_minor * self.points


class ProgrammeVersion(msgspec.Struct, frozen=True):
    """Earning rules from a business day on. Both validities missing: points do not expire."""

    version: int
    starts_on: date
    earn_rate: EarnRate
    validity_months: int | None = None
    validity_days: int | None = None

    def expires_on(self, day: date) -> date | None:
        """Last day on which points earned on a business day can be used.

        Months run to the end of the last month, days are counted exactly.
        """
        if self.validity_months is not None:
            return end_of_month_after(day, self.validity_months)
        if self.validity_days is not None:
            return day + timedelta(days=self.validity_days)
        return None


class Programme(msgspec.Struct, frozen=True):
    """A programme: whose zone and cut-off divide days, which rules hold when, who takes part."""

    number: int
    code: str
    currency: str
    zone: str
    cut_off_minutes: int
    is_open: bool
    maximum_age_days: int | None
    restore_grace_days: int
    shortfall_policy: ShortfallPolicy
    versions: tuple[ProgrammeVersion, ...]
    issuers: frozenset[int]
    acceptors: frozenset[int]
    gift_points_a_month: int = DEFAULT_GIFT_POINTS_A_MONTH
    """How many points a member may give, and receive, as gifts in a calendar month."""

    suspended: frozenset[int] = frozenset()
    """Issuers whose earns are refused, because they owe what is overdue."""

    closed_through: date | None = None
    """The last business day of the last closed period: nothing may have occurred on it or before."""

    def business_day(self, instant: int) -> date:
        """The business day of an instant in this programme."""
        return business_day(instant, self.zone, self.cut_off_minutes)

    def version_on(self, day: date) -> ProgrammeVersion:
        """The version in force on a business day; the first one has no lower bound."""
        index = bisect_right(self.versions, day, key=lambda version: version.starts_on)
        return self.versions[max(index - 1, 0)]


class Partner(msgspec.Struct, frozen=True):
    """A party that issues or accepts points. ``funding`` is the one under which it issues."""

    number: int
    code: str
    name: str
    kind: PartnerKind
    funding: int


class Campaign(msgspec.Struct, frozen=True):
    """What several partners give together: a ``funding`` that they share, settled at the terms of the ``lead``."""

    number: int
    code: str
    programme: int
    funding: int
    lead: int


class CoverPrice(msgspec.Struct, frozen=True):
    """What a point costs its issuer, reserve and fee, from a business day on: millionths of the programme's currency.

    ``added_at`` is when the ledger heard of it.
    """

    starts_on: date
    price_micros: int
    added_at: int


class ExchangeRate(msgspec.Struct, frozen=True):
    """From a business day of the programme ``source`` on, ``give`` of its points become ``get`` points of ``target``.

    The ``issuer`` issues them there, and has ``price_micros`` (millionths of the source's currency) for each. A rate
    that gets nothing ends the exchange. ``added_at`` is when the ledger heard of it; programmes and issuer are
    numbers.
    """

    number: int
    source: int
    target: int
    issuer: int
    starts_on: date
    give: int
    get: int
    price_micros: int
    added_at: int


class Cap(msgspec.Struct, frozen=True):
    """A hard limit on points given: in a programme, by one partner or all, in one scene or all.

    ``is_swept``: nearly exhausted, so its allotments are home and it is drawn from its pool directly. A
    prefunding cover is a cap on one issuer that counts 1/10,000 of the programme's currency instead of
    points; below its ``alert_level`` its issuer is told.
    """

    number: int
    code: str
    programme: int
    partner: int | None
    scene: str | None
    home_lane: int
    is_swept: bool
    measure: CapMeasure = "points"
    alert_level: int | None = None

    @property
    def is_cover(self) -> bool:
        """Whether it counts money that an issuer has paid or may owe, and not points."""
        return self.measure == "cover"


class Registry(msgspec.Struct, frozen=True):
    """What is set up, at one version; every change raises the version."""

    version: int
    programmes: dict[str, Programme]
    partners: dict[int, Partner]
    fundings: dict[int, tuple[tuple[int, int], ...]]
    """Funding number to its shares: pairs of partner number and parts."""

    numbered: dict[int, Programme] = {}
    """The programmes again, by number."""

    caps: tuple[Cap, ...] = ()
    caps_by_programme: dict[int, list[Cap]] = {}
    lanes: int = 64
    campaigns: dict[str, Campaign] = {}
    cover_prices: dict[tuple[int, int], tuple[CoverPrice, ...]] = {}
    """(programme, issuer) to what its points cost it, by the day from which on."""

    covers: dict[tuple[int, int], Cap] = {}
    """The prefunding covers among the caps, by (programme, issuer)."""

    exchange_rates: dict[int, ExchangeRate] = {}
    """All rates there ever were, by number, in the order of the days from which on."""

    def __post_init__(self) -> None:
        self.numbered.update({p.number: p for p in self.programmes.values()})
        self.caps_by_programme.clear()
        for cap in self.caps:
            self.caps_by_programme.setdefault(cap.programme, []).append(cap)
        self.covers.clear()
        self.covers.update({(cap.programme, cap.partner or 0): cap for cap in self.caps if cap.is_cover})

    def programme_numbered(self, number: int) -> Programme:
        """Find a programme by its number; KeyError for an unknown one."""
        return self.numbered[number]

    def caps_on(self, programme: int, partner: int, scene: str | None, funding: int) -> list[Cap]:
        """The caps that an earn draws from, in the order of their numbers; of covers those of all who fund it."""
        funders = [funder for funder, _ in self.fundings[funding]] if self.covers else []
        return [
            cap
            for cap in self.caps_by_programme.get(programme, ())
            if (cap.partner in funders if cap.is_cover else cap.partner in (None, partner))
            and cap.scene in (None, scene)
        ]

    def covers_of(self, programme: int, funding: int) -> list[Cap]:
        """The covers of those who fund a lot, in the order of their numbers."""
        covers = (self.covers.get((programme, funder)) for funder, _ in self.fundings[funding])
        return sorted((cover for cover in covers if cover is not None), key=lambda cover: cover.number)

    def rates_between(self, source: int, target: int) -> list[ExchangeRate]:
        """The rates at which points of one programme become those of another, in the order of their days."""
        return [rate for rate in self.exchange_rates.values() if (rate.source, rate.target) == (source, target)]

    def shares_in(self, partner: int, programme: int, campaign: str) -> bool:
        """Whether a programme has a campaign of this code that a partner shares in."""
        found = self.campaigns.get(campaign)
        return found is not None and found.programme == programme and partner in dict(self.fundings[found.funding])

    def campaign_funded(self, funding: int) -> Campaign | None:
        """The campaign that a funding is of; None for a partner's own."""
        return next((campaign for campaign in self.campaigns.values() if campaign.funding == funding), None)

    def funding_of_earn(self, partner: int, campaign: str | None) -> int | None:
        """The funding of a partner's earn: its own or a campaign's; None for an unknown campaign."""
        if campaign is None:
            return self.partners[partner].funding
        found = self.campaigns.get(campaign)
        return None if found is None else found.funding

    def with_swept(self, code: str) -> "Registry":
        """The set-up as it is once a cap is swept."""
        caps = tuple(replace(cap, is_swept=True) if cap.code == code else cap for cap in self.caps)
        return replace(self, caps=caps, numbered={}, caps_by_programme={}, covers={})

    def cap_numbered(self, number: int) -> Cap:
        """Find a cap by its number; StopIteration for an unknown one."""
        return next(cap for cap in self.caps if cap.number == number)

    def cap_coded(self, code: str) -> Cap | None:
        """Find a cap by its code."""
        return next((cap for cap in self.caps if cap.code == code), None)

    def partner_coded(self, code: str) -> Partner | None:
        """Find a partner by its code."""
        return next((p for p in self.partners.values() if p.code == code), None)


@lru_cache(maxsize=4096)
def end_of_month_after(day: date, months: int) -> date:
    """The last day of the month that is ``months`` after the day's month."""
    index = day.year * 12 + day.month - 1 + months + 1
    return date(index // 12, index % 12 + 1, 1) - timedelta(days=1)
