"""What the ledger should do, in plain Python and as simply as it can be said; it shares no code with the ledger.

One command after the other, lists of lots and of debts, and nothing derived: whatever is asked is added up
anew. Points that have lapsed are written off by the next posted command on the account, as the ledger says.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
NEVER = datetime.max.replace(tzinfo=UTC)
MOST_POINTS = 10**12
STATUS = {
    "amount-out-of-range": 422,
    "currency-mismatch": 422,
    "idempotency-key-reused": 422,
    "member-not-found": 404,
    "partner-not-permitted": 403,
    "programme-not-found": 404,
    "transaction-not-found": 404,
}
"""Every other refusal is a 409."""

Label = tuple[str, str]
"""A partner and its idempotency key: the name of a transaction in the model."""
Request = dict[str, Any]


@dataclass
class Programme:
    points_per_step: int = 1
    step_minor: int = 100
    validity_days: int | None = None
    grace_days: int = 0
    member_owes: bool = True
    cut_off_hour: int = 0
    maximum_age_days: int = 60
    is_open: bool = True
    issuers: frozenset[str] = frozenset()
    acceptors: frozenset[str] = frozenset()

    def points_for(self, spend_minor: int) -> int:
        return spend_minor // self.step_minor * self.points_per_step

    def business_day(self, at: datetime) -> date:
        local = at.astimezone(ZONE)
        is_next = self.cut_off_hour and local.hour >= self.cut_off_hour
        return local.date() + timedelta(days=1) if is_next else local.date()


@dataclass
class Lot:
    number: int
    issuer: str
    original: int
    earned_at: datetime
    available_from: datetime
    expires_on: date | None
    root: "Lot | None" = None
    left: int = 0
    expired: int = 0

    @property
    def lapses_at(self) -> datetime:
        if self.expires_on is None:
            return NEVER
        return datetime.combine(self.expires_on + timedelta(days=1), datetime.min.time(), ZONE).astimezone(UTC)

    @property
    def order(self) -> tuple[datetime, datetime, int]:
        return (self.lapses_at, self.earned_at, self.number)


@dataclass
class Deal:
    """A transaction: what it moved in each lot, the member's change, and what was taken back of it since."""

    label: Label | None
    kind: str
    points: int
    spend_minor: int | None = None
    uses: list[tuple[Lot, int]] = field(default_factory=list)
    change: int = 0
    available: int = 0
    pending: int = 0
    balance: int = 0
    reversed_points: int = 0
    reversed_minor: int = 0
    expired_counted: int = 0


@dataclass
class Account:
    """A member's points in one programme. Debts are what is left to repay, oldest first."""

    programme: Programme
    lots: list[Lot] = field(default_factory=list)
    debts: list[int] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)

    def usable(self, now: datetime) -> list[Lot]:
        return sorted((x for x in self.lots if x.left and x.available_from <= now < x.lapses_at), key=lambda x: x.order)

    def available(self, now: datetime) -> int:
        return sum(lot.left for lot in self.usable(now))

    def pending(self, now: datetime) -> int:
        return sum(lot.left for lot in self.lots if now < lot.available_from and now < lot.lapses_at)

    def lapsing(self, now: datetime) -> int:
        return sum(lot.left for lot in self.lots if lot.lapses_at <= now)

    def open_lot(self, issuer: str, points: int, earned_at: datetime, **terms: Any) -> Lot:
        lot = Lot(len(self.lots), issuer, points, earned_at, **terms)
        self.lots.append(lot)
        return lot

    def credit(self, lot: Lot, points: int) -> None:
        """Every credit repays the debts first, oldest first."""
        for index, debt in enumerate(self.debts):
            paid = min(debt, points)
            self.debts[index] -= paid
            points -= paid
        lot.left += points

    def post(self, deal: Deal, before: int, now: datetime) -> None:
        deal.balance = sum(lot.left for lot in self.lots)
        deal.change = deal.balance - before
        deal.available, deal.pending = self.available(now), self.pending(now)
        self.deals.append(deal)

    def post_lapses(self, now: datetime) -> None:
        for lot in sorted((x for x in self.lots if x.left and x.lapses_at <= now), key=lambda x: x.order):
            before, points = sum(x.left for x in self.lots), lot.left
            lot.left, lot.expired = 0, lot.expired + points
            self.post(Deal(None, "expire", points, uses=[(lot, points)]), before, now)


@dataclass
class Answer:
    status: int
    code: str | None = None
    deal: Deal | None = None
    facts: dict[str, int] = field(default_factory=dict)
    is_replay: bool = False


class Refusal(Exception):
    def __init__(self, code: str, **facts: int) -> None:
        super().__init__(code)
        self.answer = Answer(STATUS.get(code, 409), code, None, facts)


@dataclass
class Model:
    now: datetime
    programmes: dict[str, Programme] = field(default_factory=dict)
    members: set[str] = field(default_factory=set)
    accounts: dict[tuple[str, str], Account] = field(default_factory=dict)
    deals: dict[Label, tuple[Account, Deal]] = field(default_factory=dict)
    keys: dict[Label, tuple[Request, Answer]] = field(default_factory=dict)

    def submit(self, label: Label, request: Request) -> Answer:
        """Answer a partner's request under its key; the same key and request again change nothing."""
        meant = canonical(request)
        if label in self.keys:
            known, first = self.keys[label]
            if known == meant:
                return Answer(first.status, first.code, first.deal, first.facts, is_replay=True)
            return Answer(422, "idempotency-key-reused")
        try:
            operation = {"earn": self._earn, "redeem": self._redeem, "reverse": self._reverse}[meant["operation"]]
            answer = Answer(201, deal=operation(label, meant))
        except Refusal as refusal:
            answer = refusal.answer
        self.keys[label] = (meant, answer)
        return answer

    def post_all_lapses(self) -> None:
        for account in self.accounts.values():
            account.post_lapses(self.now)

    def account(self, member: str, programme: str) -> Account:
        return self.accounts.setdefault((member, programme), Account(self.programmes[programme]))

    def _admit(self, label: Label, request: Request, allowed: str) -> tuple[Account, datetime]:
        programme = self.programmes.get(request["programme"])
        if programme is None:
            raise Refusal("programme-not-found")
        if label[0] not in getattr(programme, allowed):
            raise Refusal("partner-not-permitted")
        if not programme.is_open:
            raise Refusal("programme-closed")
        if request["member"] not in self.members:
            raise Refusal("member-not-found")
        occurred_at: datetime = request.get("occurred_at", self.now)
        if occurred_at > self.now + timedelta(minutes=1):
            raise Refusal("occurred-in-future")
        if occurred_at < self.now - timedelta(days=programme.maximum_age_days):
            raise Refusal("occurred-too-long-ago")
        return self.account(request["member"], request["programme"]), occurred_at

    def _post(self, account: Account, deal: Deal, before: int) -> Deal:
        account.post(deal, before, self.now)
        assert deal.label is not None
        self.deals[deal.label] = (account, deal)
        return deal

    def _earn(self, label: Label, request: Request) -> Deal:
        account, occurred_at = self._admit(label, request, "issuers")
        programme, spend = account.programme, request.get("spend")
        points = request["points"] if spend is None else programme.points_for(spend[1])
        if spend is not None and spend[0] != "CNY":
            raise Refusal("currency-mismatch")
        if points == 0:
            raise Refusal("zero-points")
        if points > MOST_POINTS:
            raise Refusal("amount-out-of-range")
        account.post_lapses(self.now)
        before = sum(lot.left for lot in account.lots)
        days = programme.validity_days
        lot = account.open_lot(
            label[0],
            points,
            occurred_at,
            available_from=request.get("available_from", min(occurred_at, self.now)),
            expires_on=None if days is None else programme.business_day(occurred_at) + timedelta(days=days),
        )
        account.credit(lot, points)
        return self._post(account, Deal(label, "earn", points, spend and spend[1], [(lot, points)]), before)

    def _redeem(self, label: Label, request: Request) -> Deal:
        account, _ = self._admit(label, request, "acceptors")
        points = rest = request["points"]
        if points > MOST_POINTS:
            raise Refusal("amount-out-of-range")
        available = account.available(self.now)
        if available < points:
            raise Refusal("insufficient-points", requested=points, available=available)
        account.post_lapses(self.now)
        before, uses = sum(lot.left for lot in account.lots), []
        for lot in account.usable(self.now):
            taken = min(lot.left, rest)
            if taken:
                uses.append((lot, taken))
            lot.left -= taken
            rest -= taken
        return self._post(account, Deal(label, "redeem", points, uses=uses), before)

    def _reverse(self, label: Label, request: Request) -> Deal:
        account, original = self.deals.get(request["transaction"], (None, None))
        if account is None or original is None or request["transaction"][0] != label[0]:
            raise Refusal("transaction-not-found")
        points, minor = _extent(original, account.programme, request)
        account.post_lapses(self.now)
        before = sum(lot.left for lot in account.lots)
        take_back = self._take_back_earn if original.kind == "earn" else self._give_back_redemption
        uses = take_back(account, original, points)
        original.reversed_points += points
        original.reversed_minor += minor
        return self._post(account, Deal(label, "reverse", points, uses=uses), before)

    def _take_back_earn(self, account: Account, original: Deal, points: int) -> list[tuple[Lot, int]]:
        """First what is free in the lot and its children, then what has expired, then a debt."""
        root = original.uses[0][0]
        family = sorted((lot for lot in account.lots if root in (lot, lot.root)), key=lambda lot: lot.order)
        uses, rest = [], points
        for lot in family:
            taken = min(lot.left, rest)
            if taken:
                uses.append((lot, taken))
            lot.left -= taken
            rest -= taken
        counted = min(rest, sum(lot.expired for lot in family) - original.expired_counted)
        original.expired_counted += counted
        debt = rest - counted
        if debt and account.programme.member_owes:
            account.debts.append(debt)
            if root not in [lot for lot, _ in uses]:
                uses.append((root, debt))
        return uses

    def _give_back_redemption(self, account: Account, original: Deal, points: int) -> list[tuple[Lot, int]]:
        """Last used first; where a lot has lapsed its points come back as a child lot with the grace."""
        uses, skip, rest = [], original.reversed_points, points
        for used_lot, used in reversed(original.uses):
            piece = min(max(used - skip, 0), rest)
            skip -= min(skip, used)
            rest -= piece
            if piece == 0:
                continue
            lot, has_lapsed = used_lot, used_lot.lapses_at <= self.now
            if has_lapsed:
                grace = timedelta(days=account.programme.grace_days)
                expires_on = account.programme.business_day(self.now) + grace
                lot = account.open_lot(
                    lot.issuer,
                    piece,
                    lot.earned_at,
                    available_from=lot.available_from,
                    expires_on=expires_on,
                    root=lot.root or lot,
                )
            account.credit(lot, piece)
            if has_lapsed and account.programme.grace_days == 0:
                lot.expired, lot.left = lot.left, 0
            uses.append((lot, piece))
        return uses


def canonical(request: Request) -> Request:
    """What a request means, however it was written."""
    meant = {name: value for name, value in request.items() if value is not None}
    for name in {"occurred_at", "available_from"} & meant.keys():
        meant[name] = datetime.fromisoformat(meant[name]).astimezone(UTC)
    if "spend" in meant:
        meant["spend"] = (meant["spend"]["currency"], int(Decimal(meant["spend"]["amount"]) * 100))
    return meant


def _extent(original: Deal, programme: Programme, request: Request) -> tuple[int, int]:
    """How many points, and how much of the spend, a reversal takes back."""
    if original.kind not in ("earn", "redeem"):
        raise Refusal("not-reversible")
    rest = original.points - original.reversed_points
    rest_minor = (original.spend_minor or 0) - original.reversed_minor
    if rest == 0 and rest_minor == 0:
        raise Refusal("already-reversed", points=original.points)
    if "spend" in request:
        currency, minor = request["spend"]
        if original.spend_minor is None:
            raise Refusal("not-reversible")
        if currency != "CNY":
            raise Refusal("currency-mismatch")
        if minor > rest_minor:
            raise Refusal("reversal-exceeds-original", requested_minor=minor, reversible_minor=rest_minor)
        return max(rest - programme.points_for(rest_minor - minor), 0), minor
    points: int = request.get("points", rest)
    if points > rest:
        raise Refusal("reversal-exceeds-original", requested=points, reversible=rest)
    return points, 0 if "points" in request else rest_minor
