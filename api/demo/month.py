"""What happened in the demo city: a month of visits, made up from a seed.

The same seed and the same end give the same month, to the key and the amount. Each citizen's purse is
followed along, so that people pay with points only when they have some.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random

import msgspec

from api.demo.city import CHARITY, PARTNERS, PROGRAMME, ZONE, DemoPartner, citizens
from ledger.rules.business_day import civil_day, to_instant, zone
from ledger.rules.commands import Earn, Redeem

SEED = 20_260
DAYS = 30
CURRENCY = "CNY"
FEN_PER_YUAN = 100
FIRST_DAY_OF_WEEKEND = 5

MOST_VISITS_A_DAY = 4
ACTIVITIES = (0.12, 0.2, 0.3, 0.45)
WEEKEND_ACTIVITY = 1.25
FAVOURITES = 5
FAVOURITE_WEIGHT = 4.0

CHANCE_TO_REDEEM = 0.2
LEAST_TO_REDEEM_POINTS = 300
MOST_TO_REDEEM_POINTS = 2_000
REDEEM_STEP_POINTS = 50
CHANCE_OF_RETURN = 0.02
MOST_DAYS_TO_RETURN = 5


class Return(msgspec.Struct, frozen=True):
    """A return of part of what an earlier visit bought: money of an earn, or points of a redemption."""

    original_key: str
    spend_minor: int | None = None
    points: int | None = None


class Happening(msgspec.Struct, frozen=True):
    """One event: when (microseconds), under which idempotency key, at which partner, and what."""

    at: int
    key: str
    partner: str
    citizen: str
    command: Earn | Redeem | Return


def month(until: int, seed: int = SEED) -> list[Happening]:
    """All happenings of the month that ends at an instant (microseconds), in order of time."""
    last = civil_day(until, ZONE)
    days = [last - timedelta(days=ago) for ago in range(DAYS - 1, -1, -1)]
    happenings = [happening for citizen in citizens() for happening in _Life(citizen, seed).live(days)]
    happenings.sort(key=lambda happening: (happening.at, happening.key))
    return [happening for happening in happenings if happening.at <= until]


class _Life:
    """One citizen's month."""

    def __init__(self, citizen: str, seed: int) -> None:
        self._citizen = citizen
        self._seed = seed
        # Not a secret: the same seed must give the same city.
        self._chance = Random(f"{seed}:{citizen}")  # noqa: S311
        self._activity = self._chance.choice(ACTIVITIES)
        favourites = {partner.code for partner in self._chance.sample(PARTNERS, FAVOURITES)}
        self._taste = [FAVOURITE_WEIGHT if partner.code in favourites else 1.0 for partner in PARTNERS]
        self._points = 0
        self._coming: list[tuple[int, int]] = []
        self._count = 0

    def live(self, days: list[date]) -> Iterator[Happening]:
        """Live the days in order."""
        for day in days:
            for at, partner in self._visits(day):
                yield from self._visit(at, partner)

    def _visits(self, day: date) -> list[tuple[int, DemoPartner]]:
        is_weekend = day.weekday() >= FIRST_DAY_OF_WEEKEND
        activity = self._activity * (WEEKEND_ACTIVITY if is_weekend else 1.0)
        visits = []
        for _ in range(MOST_VISITS_A_DAY):
            if self._chance.random() < activity:
                partner = self._choose(is_weekend=is_weekend)
                visits.append((self._moment(day, partner), partner))
        return sorted(visits, key=lambda visit: visit[0])

    def _choose(self, *, is_weekend: bool) -> DemoPartner:
        weights = [
            (partner.weekend if is_weekend else partner.weekday) * taste
            for partner, taste in zip(PARTNERS, self._taste, strict=True)
        ]
        return self._chance.choices(PARTNERS, weights)[0]

    def _moment(self, day: date, partner: DemoPartner) -> int:
        start = datetime(day.year, day.month, day.day, self._chance.choice(partner.hours), tzinfo=zone(ZONE))
        return to_instant(start + timedelta(seconds=self._chance.randrange(3600)))

    def _visit(self, at: int, partner: DemoPartner) -> Iterator[Happening]:
        usable = self._usable(at)
        wants_to_redeem = partner is CHARITY or self._chance.random() < CHANCE_TO_REDEEM
        if partner.may_accept and wants_to_redeem and usable >= LEAST_TO_REDEEM_POINTS:
            yield from self._redeem(at, partner, usable)
        elif partner.may_issue:
            yield from self._earn(at, partner)

    def _usable(self, at: int) -> int:
        self._points += sum(points for available_from, points in self._coming if available_from <= at)
        self._coming = [coming for coming in self._coming if coming[0] > at]
        return self._points

    def _earn(self, at: int, partner: DemoPartner) -> Iterator[Happening]:
        spend_minor = self._spend_minor(partner)
        points = self._chance.choice(partner.awards) if partner.awards else None
        available_from = at + partner.pending_days * 86_400_000_000 if partner.pending_days else None
        earned = spend_minor // FEN_PER_YUAN if points is None else points
        self._coming.append((available_from or at, earned))
        bought = self._happening(
            at,
            partner,
            Earn(
                programme=PROGRAMME,
                member=f"ref:{self._citizen}",
                scene=partner.scene,
                points=points,
                spend_minor=spend_minor if points is None else None,
                currency=CURRENCY if points is None else None,
                channel=partner.channel,
                outlet=self._outlet(partner),
                occurred_at=at,
                available_from=available_from,
            ),
        )
        yield bought
        if points is None and self._chance.random() < CHANCE_OF_RETURN:
            returned_minor = max(spend_minor // 2, 1)
            self._points -= earned - (spend_minor - returned_minor) // FEN_PER_YUAN
            yield self._return(bought, Return(bought.key, spend_minor=returned_minor))

    def _redeem(self, at: int, partner: DemoPartner, usable: int) -> Iterator[Happening]:
        most = min(usable, MOST_TO_REDEEM_POINTS) // REDEEM_STEP_POINTS
        points = self._chance.randint(LEAST_TO_REDEEM_POINTS // REDEEM_STEP_POINTS, most) * REDEEM_STEP_POINTS
        self._points -= points
        paid = self._happening(
            at,
            partner,
            Redeem(
                programme=PROGRAMME,
                member=f"ref:{self._citizen}",
                points=points,
                scene=partner.scene,
                channel=partner.channel,
                outlet=self._outlet(partner),
                occurred_at=at,
            ),
        )
        yield paid
        if partner is not CHARITY and self._chance.random() < CHANCE_OF_RETURN:
            # Given back later than here; until then this purse only counts too little.
            yield self._return(paid, Return(paid.key, points=points // 2))

    def _return(self, bought: Happening, command: Return) -> Happening:
        days = self._chance.randint(1, MOST_DAYS_TO_RETURN)
        partner = next(partner for partner in PARTNERS if partner.code == bought.partner)
        return self._happening(bought.at + days * 86_400_000_000, partner, command)

    def _happening(self, at: int, partner: DemoPartner, command: Earn | Redeem | Return) -> Happening:
        self._count += 1
        key = f"demo-{self._seed}-{self._citizen}-{self._count}"
        return Happening(at, key, partner.code, self._citizen, command)

    def _spend_minor(self, partner: DemoPartner) -> int:
        lowest, highest = (yuan * FEN_PER_YUAN for yuan in partner.spend_yuan)
        usual = lowest + (highest - lowest) / 4
        return round(self._chance.triangular(lowest, highest, usual) / 10) * 10 if highest else 0

    def _outlet(self, partner: DemoPartner) -> str:
        return f"{partner.code}-{self._chance.randint(1, partner.outlets)}"
