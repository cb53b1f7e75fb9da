"""What someone wants to do, and the request that it becomes in the state of the moment."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
from hypothesis import strategies as st

from tests.stateful.model.accounts import Account, Label
from tests.stateful.model.answers import TIMES, Request
from tests.stateful.model.book import MOST_POINTS
from tests.stateful.model.terms import Programme
from tests.stateful.side_by_side import PARTNERS, SideBySide

OTHER_ZONE = timezone(timedelta(hours=-5))
NOBODY = "019b76da-a800-8001-8000-00000046ec23"
NOTHING: Label = ("SHOP", "never used")

HOUR, DAY, NO_TIME = timedelta(hours=1), timedelta(days=1), timedelta()
TOO_OLD, TOO_NEW, NEW_BUT_TOLERATED = 61 * DAY, -HOUR, timedelta(seconds=-30)
HOLDS_END_AFTER = [None, None, HOUR, DAY, 3 * DAY, 3 * DAY, 8 * DAY, 366 * DAY]
ODDITIES = [
    "nobody",
    "no programme",
    "shut programme",
    "too much",
    "too old",
    "too new",
    "slightly new",
    "euros",
    "a stranger",
    "no time",
    "too long",
]
ALL = ("earn", "redeem", "redeem", "reverse", "hold", "hold", "capture", "capture", "void", "gift", "exchange")


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """What someone wants to do; which member, programme and amount that is depends on the state.

    ``original`` counts back over what there is to reverse, capture or void; of a gift it is the receiver.
    """

    operation: str
    partner: str
    member: int
    programme: int
    amount: int
    share: str
    by_spend: bool
    age: timedelta
    delay: timedelta
    ends_after: timedelta | None
    original: int
    oddity: str


def intents(operations: tuple[str, ...] = ALL) -> st.SearchStrategy[Intent]:
    """Mostly what can be done, mostly about the same few points."""
    return st.builds(
        Intent,
        operation=st.sampled_from(operations),
        partner=st.sampled_from(["SHOP", "SHOP", "SHOP", "SHOP", "CAFE", "BANK"]),
        member=st.sampled_from([0, 0, 0, 0, 1, 1, 2, 3]),
        programme=st.sampled_from([0, 0, 0, 1]),
        amount=st.integers(1, 60),
        share=st.sampled_from(["amount", "amount", "half", "all", "more"]),
        by_spend=st.booleans(),
        age=st.sampled_from([NO_TIME] * 5 + [HOUR, DAY, 3 * DAY, 8 * DAY]),
        delay=st.sampled_from([NO_TIME] * 7 + [HOUR, 3 * DAY, 9 * DAY]),
        ends_after=st.sampled_from(HOLDS_END_AFTER),
        original=st.integers(0, 7),
        oddity=st.sampled_from([""] * 28 + ODDITIES),
    )


def programmes() -> st.SearchStrategy[Programme]:
    """The terms that change what happens to points."""
    return st.builds(
        Programme,
        points_per_step=st.sampled_from([1, 3]),
        step_minor=st.sampled_from([100, 700]),
        validity_days=st.sampled_from([2, 5, 5, None]),
        grace_days=st.sampled_from([0, 0, 3]),
        member_owes=st.sampled_from([True, True, True, False]),
        cut_off_hour=st.sampled_from([0, 22]),
        gift_points_a_month=st.sampled_from([40, 200, 5_000]),
    )


class Drawing:
    """Makes requests of intents, in one example."""

    def __init__(self, pair: SideBySide, codes: list[str]) -> None:
        self.pair = pair
        self.codes = codes
        self.members = list(pair.model.people)

    def request_of(self, intent: Intent) -> tuple[Label, Request]:
        """A request that has not been made, under a new key."""
        makers = {
            "reverse": self._reversal,
            "capture": self._ending,
            "void": self._ending,
            "gift": self._gift,
            "exchange": self._exchange,
        }
        return makers.get(intent.operation, self._points)(intent)

    def _points(self, intent: Intent) -> tuple[Label, Request]:
        """An earning, a redemption or a hold."""
        member = NOBODY if intent.oddity == "nobody" else self.members[intent.member]
        programme = self._programme(intent)
        request: Request = {"operation": intent.operation, "programme": programme, "member": member, "scene": "food"}
        if intent.operation == "earn" and intent.by_spend:
            request["spend"] = money(intent.amount * 37, intent)
        elif intent.operation == "earn":
            request["points"] = intent.amount
        else:
            request["points"] = part_of(self._available(member, programme), intent)
        if "points" in request and intent.oddity == "too much":
            request["points"] = MOST_POINTS + 1
        age = {"too old": TOO_OLD, "too new": TOO_NEW, "slightly new": NEW_BUT_TOLERATED}.get(intent.oddity, intent.age)
        if age:
            request["occurred_at"] = self._later(-age)
        if intent.delay and intent.operation == "earn":
            request["available_from"] = self._later(intent.delay)
        ends_after = {"no time": NO_TIME, "too long": 367 * DAY}.get(intent.oddity, intent.ends_after)
        if intent.operation == "hold" and ends_after is not None:
            request["expires_at"] = self._later(ends_after)
        return self.pair.new_label(intent.partner), request

    def _reversal(self, intent: Intent) -> tuple[Label, Request]:
        """Take back an earlier transaction: all of the rest, some points, or by the spend."""
        labels = [label for label in self.pair.model.deals if label[0] in PARTNERS]
        original = labels[-1 - intent.original % len(labels)] if labels else NOTHING
        partner = intent.partner if intent.oddity == "a stranger" else original[0]
        request: Request = {"operation": "reverse", "transaction": original, "reason": "returned"}
        deal = self.pair.model.deals.get(original)
        if intent.by_spend and deal is not None and (deal.spend_minor or intent.oddity):
            rest_minor = (deal.spend_minor or 0) - deal.reversed_minor
            request["spend"] = money(part_of(rest_minor, intent, 37), intent)
        elif intent.share != "all":
            request["points"] = part_of(0 if deal is None else deal.points - deal.reversed_points, intent)
        return self.pair.new_label(partner), request

    def _ending(self, intent: Intent) -> tuple[Label, Request]:
        """Capture or void a hold, mostly one that is still open."""
        holds = self.pair.model.holds
        still_open = [label for label, hold in holds.items() if hold.standing(self.pair.model.now) == "open"]
        labels = (list(holds) if intent.original == 0 else still_open) or [NOTHING]
        label = labels[-1 - intent.original % len(labels)]
        partner = intent.partner if intent.oddity == "a stranger" else label[0]
        request: Request = {"operation": intent.operation, "hold": label}
        if intent.operation == "void":
            request["reason"] = "not delivered"
        else:
            remaining = holds[label].remaining if label in holds else 0
            request |= {"final": True} if intent.by_spend else {}
            request |= {} if intent.share == "all" else {"points": part_of(remaining, intent)}
        return self.pair.new_label(partner), request

    def _gift(self, intent: Intent) -> tuple[Label, Request]:
        """Of a member to another: by itself, or at a partner's till."""
        giver, programme = self.members[intent.member], self._programme(intent)
        receiver = NOBODY if intent.oddity == "nobody" else self.members[intent.original % len(self.members)]
        points = part_of(self._available(giver, programme), intent)
        request: Request = {"operation": "gift", "programme": programme, "from": giver, "to": receiver}
        request["points"] = MOST_POINTS + 1 if intent.oddity == "too much" else points
        return self.pair.new_label(giver if intent.by_spend else intent.partner), request

    def _exchange(self, intent: Intent) -> tuple[Label, Request]:
        """By the member itself or at a till, mostly in whole steps of the rate."""
        member, code = self.members[intent.member], self._programme(intent)
        other = self.codes[0] if code == self.codes[1] else self.codes[1]
        points = part_of(self._available(member, code), intent)
        rate = self.pair.model.rates.get((code, other))
        if rate is not None and intent.original:
            points = max(points // rate.give, 1) * rate.give
        request: Request = {"operation": "exchange", "programme": code, "target_programme": other, "member": member}
        request["points"] = MOST_POINTS + 1 if intent.oddity == "too much" else points
        return self.pair.new_label(member if intent.by_spend else intent.partner), request

    def _programme(self, intent: Intent) -> str:
        if intent.oddity == "no programme":
            return "NONE"
        return self.codes[2 if intent.oddity == "shut programme" else intent.programme]

    def _available(self, member: str, programme: str) -> int:
        account = self.find_account(member, programme)
        now = self.pair.model.now
        return 0 if account is None else account.seen(now).available(now)

    def find_account(self, member: str, programme: str) -> Account | None:
        """An account that something has touched."""
        person = self.pair.model.people.get(member)
        return None if person is None else person.present().accounts.get(programme)

    def _later(self, interval: timedelta) -> str:
        return (self.pair.model.now + interval).isoformat()


def plain(operation: str, amount: int) -> Intent:
    """What the shop does with the first member's points in the main programme, without any oddity."""
    return Intent(
        operation=operation,
        partner="SHOP",
        member=0,
        programme=0,
        amount=amount,
        share="amount",
        by_spend=False,
        age=NO_TIME,
        delay=NO_TIME,
        ends_after=None,
        original=0,
        oddity="",
    )


def part_of(whole: int, intent: Intent, unit: int = 1) -> int:
    """Some of what there is, all of it, or one more; at least 1."""
    parts = {"half": whole // 2, "all": whole, "more": whole + 1}
    return max(parts.get(intent.share, intent.amount * unit), 1)


def money(minor: int, intent: Intent) -> dict[str, str]:
    """An amount of money as requests have it."""
    return {"currency": "EUR" if intent.oddity == "euros" else "CNY", "amount": f"{minor // 100}.{minor % 100:02}"}


def in_words_of_another(request: Request) -> Request:
    """The same request, written otherwise: times with another offset, amounts without useless noughts."""
    other: dict[str, Any] = dict(reversed(request.items()))
    for name in TIMES & other.keys():
        other[name] = datetime.fromisoformat(other[name]).astimezone(OTHER_ZONE).isoformat()
    if "spend" in other and other["spend"]["amount"].endswith("0"):
        other["spend"] = {**other["spend"], "amount": other["spend"]["amount"].rstrip("0").rstrip(".")}
    return other


FIRST_MORNING = datetime(2026, 3, 1, 9, tzinfo=UTC)
