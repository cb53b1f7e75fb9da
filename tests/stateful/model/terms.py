"""Programmes, caps and lots: the terms under which points live."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass
class Programme:
    points_per_step: int = 1
    step_minor: int = 100
    validity_days: int | None = None
    grace_days: int = 0
    member_owes: bool = True
    cut_off_hour: int = 0
    maximum_age_days: int = 60
    gift_points_a_month: int = 5_000
    is_open: bool = True
    issuers: frozenset[str] = frozenset()
    acceptors: frozenset[str] = frozenset()

    def points_for(self, spend_minor: int) -> int:
        return spend_minor // self.step_minor * self.points_per_step

    def business_day(self, at: datetime) -> date:
        local = at.astimezone(ZONE)
        is_next = self.cut_off_hour and local.hour >= self.cut_off_hour
        return local.date() + timedelta(days=1) if is_next else local.date()

    def last_day(self, at: datetime) -> date | None:
        return None if self.validity_days is None else self.business_day(at) + timedelta(days=self.validity_days)


@dataclass(eq=False)
class Cap:
    """A hard limit on what a partner, or every partner, may give in a programme."""

    code: str
    programme: str
    partner: str | None
    left: int

    def covers(self, programme: str, partner: str) -> bool:
        return self.programme == programme and self.partner in (None, partner)


@dataclass(frozen=True)
class Rate:
    """So many points given for so many of another programme, which the issuer issues there."""

    issuer: str
    give: int
    get: int


@dataclass(eq=False)
class Lot:
    """``root`` is the lot whose points came back in it, ``source`` the other member's lot that it continues."""

    number: int
    issuer: str
    original: int
    earned_at: datetime
    available_from: datetime
    expires_on: date | None
    root: "Lot | None" = None
    source: "Lot | None" = None
    left: int = 0
    expired: int = 0
    only_names_a_debt: bool = False

    @property
    def lapses_at(self) -> datetime:
        if self.expires_on is None:
            return NEVER
        return datetime.combine(self.expires_on + timedelta(days=1), datetime.min.time(), ZONE).astimezone(UTC)

    @property
    def order(self) -> tuple[datetime, datetime, int]:
        return (self.lapses_at, self.earned_at, self.number)

    def comes_from(self, other: "Lot") -> bool:
        """Whether it is that lot, or what became of it, over any number of steps."""
        return self is other or any(lot.comes_from(other) for lot in (self.root, self.source) if lot is not None)
