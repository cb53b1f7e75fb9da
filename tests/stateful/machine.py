"""The state machine: any steps, in any order, over any time, done to the ledger and to the model."""

import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import ClassVar, Literal

import msgspec
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.stateful.model import MOST_POINTS, Label, Programme, Request
from tests.stateful.running_ledger import RunningLedger
from tests.stateful.side_by_side import PARTNERS, Disagreement, SideBySide

STEPS_BETWEEN_AUDITS = 10
OTHER_ZONE = timezone(timedelta(hours=-5))
NOBODY = "019b76da-a800-8001-8000-00000046ec23"
NOTHING: Label = ("SHOP", "never used")

HOUR, DAY, NO_TIME = timedelta(hours=1), timedelta(days=1), timedelta()
TOO_OLD, TOO_NEW, NEW_BUT_TOLERATED = 61 * DAY, -HOUR, timedelta(seconds=-30)
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
]


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """What someone wants to do; which member, programme and amount that is depends on the state."""

    operation: Literal["earn", "redeem", "reverse"]
    partner: str
    member: int
    programme: int
    amount: int
    share: Literal["amount", "half", "all", "more"]
    by_spend: bool
    age: timedelta
    delay: timedelta
    original: int
    oddity: str


def intents(operations: tuple[str, ...] = ("earn", "redeem", "redeem", "reverse")) -> st.SearchStrategy[Intent]:
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
        original=st.integers(0, 7),
        oddity=st.sampled_from([""] * 24 + ODDITIES),
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
    )


class LedgerBesideModel(RuleBasedStateMachine):
    """Each rule is a step; after each, whatever it touched is compared."""

    ledger: ClassVar[RunningLedger]
    keys: ClassVar[dict[str, str]]

    @initialize(first=programmes(), second=programmes())
    def open(self, first: Programme, second: Programme) -> None:
        """New programmes and members; the ledger itself goes on."""
        self.pair = SideBySide(self.ledger, self.keys)
        terms = {"MAIN": first, "SIDE": second, "SHUT": Programme(is_open=False)}
        self.codes = [self.pair.add_programme(name, programme) for name, programme in terms.items()]
        self.members = list(self.pair.tokens)
        self.steps = 0

    @rule(intent=intents(("earn",)), shown=st.booleans())
    def earn(self, intent: Intent, shown: bool) -> None:
        self.pair.submit(*self.request_of(intent), shown=shown)

    @rule(intent=intents(("redeem",)), shown=st.booleans())
    def redeem(self, intent: Intent, shown: bool) -> None:
        self.pair.submit(*self.request_of(intent), shown=shown)

    @rule(intent=intents(("reverse",)), shown=st.booleans())
    def reverse(self, intent: Intent, shown: bool) -> None:
        self.pair.submit(*self.request_of(intent), shown=shown)

    @precondition(lambda self: self.pair.requests)
    @rule(which=st.integers(0, 40), shown=st.booleans(), in_other_words=st.booleans())
    def repeat(self, which: int, shown: bool, in_other_words: bool) -> None:
        label, request = self.earlier(which)
        self.pair.submit(label, in_words_of_another(request) if in_other_words else request, shown=shown)

    @precondition(lambda self: self.pair.requests)
    @rule(which=st.integers(0, 40), intent=intents())
    def use_a_key_again_for_something_else(self, which: int, intent: Intent) -> None:
        label, request = self.earlier(which)
        other = dict(request)
        if intent.by_spend:
            _, other = self.request_of(intent)
        elif "points" in other:
            other["points"] += 1
        else:
            other["reference"] = "another"
        self.pair.submit(label, other)

    @rule(intent=intents(), times=st.integers(2, 4))
    def send_one_request_several_times_at_once(self, intent: Intent, times: int) -> None:
        self.pair.submit_at_once(*self.request_of(intent), times)

    @precondition(lambda self: self.pair.requests)
    @rule(which=st.integers(0, 40))
    def repeat_several_times_at_once(self, which: int) -> None:
        self.pair.submit_at_once(*self.earlier(which), 3)

    @rule(several=st.lists(intents(), min_size=2, max_size=4))
    def send_different_requests_at_once(self, several: list[Intent]) -> None:
        self.pair.rush([self.request_of(intent) for intent in several])

    @rule(intent=intents(("redeem",)), earned=st.integers(1, 60), times=st.integers(2, 4))
    def spend_the_same_points_several_times_at_once(self, intent: Intent, earned: int, times: int) -> None:
        """Each of the requests is another one, and what there is suffices for one of them."""
        self.post("earn", intent.member, points=earned)
        all_of_them = msgspec.structs.replace(intent, partner="SHOP", programme=0, share="all", oddity="")
        self.pair.rush([self.request_of(all_of_them) for _ in range(times)])

    @rule(several=st.lists(intents(), min_size=1, max_size=4), repeats=st.booleans())
    def send_a_bulk(self, several: list[Intent], repeats: bool) -> None:
        """Of one partner; where it repeats, its first item comes again at its end."""
        partner = several[0].partner
        items = [self.request_of(msgspec.structs.replace(intent, partner=partner)) for intent in several]
        items = [(label, request) for label, request in items if label[0] == partner]
        if items:
            self.pair.bulk([*items, items[0]] if repeats else items)

    @rule(intent=intents())
    def quote(self, intent: Intent) -> None:
        self.pair.quote(
            *self.request_of(msgspec.structs.replace(intent, oddity="") if intent.oddity == "nobody" else intent)
        )

    @rule(interval=st.sampled_from([timedelta(seconds=1), HOUR, 5 * HOUR, DAY, 3 * DAY, 6 * DAY, 20 * DAY]))
    def let_time_pass(self, interval: timedelta) -> None:
        self.pair.advance(interval)

    @rule()
    def run_the_expiry_job(self) -> None:
        self.pair.expire()

    @precondition(lambda self: self.pair.requests)
    @rule(which=st.integers(0, 40))
    def look_a_key_up(self, which: int) -> None:
        self.pair.look_up(self.earlier(which)[0])

    @rule(member=st.integers(0, 1), earned=st.integers(2, 60), spent=st.integers(1, 60), later=st.integers(1, 60))
    def take_back_what_was_spent(self, member: int, earned: int, spent: int, later: int) -> None:
        """Earn, spend, take the earning back, give the spending back, earn again."""
        earning = self.post("earn", member, points=earned)
        spending = self.post("redeem", member, points=min(earned, spent))
        self.post("reverse", member, transaction=earning)
        if later % 2:
            self.post("reverse", member, transaction=spending)
        self.post("earn", member, points=later)

    @rule(
        member=st.integers(0, 1),
        earned=st.integers(2, 60),
        parts=st.integers(1, 3),
        wait=st.sampled_from([DAY, 7 * DAY]),
    )
    def give_back_later(self, member: int, earned: int, parts: int, wait: timedelta) -> None:
        """Earn, spend, wait, and give the spending back in parts, a day apart; then take the earning back in part."""
        earning = self.post("earn", member, points=earned)
        spending = self.post("redeem", member, points=earned)
        self.pair.advance(wait)
        for part in range(parts):
            points = max(earned // parts, 1)
            if part:
                self.pair.advance(DAY)
            self.post("reverse", member, transaction=spending, points=points)
        self.post("reverse", member, transaction=earning, points=max(earned // 2, 1))

    @rule(member=st.integers(0, 1), earned=st.integers(1, 60))
    def spend_just_too_late(self, member: int, earned: int) -> None:
        """Earn, wait until the last day is just over, and try to spend."""
        self.post("earn", member, points=earned)
        account = self.pair.model.account(self.members[member], self.codes[0])
        last = min((lot.lapses_at for lot in account.lots if lot.left), default=self.pair.model.now)
        if self.pair.model.now < last < self.pair.model.now + 30 * DAY:
            self.pair.advance(last - self.pair.model.now)
        self.post("redeem", member, points=earned)

    @invariant()
    def what_was_touched_agrees(self) -> None:
        if not hasattr(self, "pair"):
            return
        self.pair.check_touched()
        self.steps += 1
        if self.steps % STEPS_BETWEEN_AUDITS == 0:
            self.pair.audit()

    def teardown(self) -> None:
        """Compare everything at the end; keep what an example has failed by, or fails by now."""
        error = sys.exc_info()[1]
        if error is None and hasattr(self, "pair"):
            try:
                self.pair.check_everything()
                self.pair.audit()
            except Disagreement as disagreement:
                self.ledger.disagreements.append(disagreement)
                raise
        elif isinstance(error, Disagreement):
            self.ledger.disagreements.append(error)

    def post(self, operation: str, member: int, **fields: object) -> Label:
        """Do something of the shop's in the main programme; returns its label."""
        label = self.pair.new_label("SHOP")
        request: Request = {"operation": operation, **fields}
        if operation == "reverse":
            request["reason"] = "returned"
        else:
            request |= {"programme": self.codes[0], "member": self.members[member], "scene": "food"}
        self.pair.submit(label, request)
        return label

    def earlier(self, which: int) -> tuple[Label, Request]:
        """A request made before."""
        return self.pair.requests[which % len(self.pair.requests)]

    def request_of(self, intent: Intent) -> tuple[Label, Request]:
        """A request that has not been made, under a new key."""
        if intent.operation == "reverse":
            return self.reversal_of(intent)
        member = NOBODY if intent.oddity == "nobody" else self.members[intent.member]
        programme = self.codes[2 if intent.oddity == "shut programme" else intent.programme]
        if intent.oddity == "no programme":
            programme = "NONE"
        request: Request = {"operation": intent.operation, "programme": programme, "member": member, "scene": "food"}
        if intent.operation == "earn" and intent.by_spend:
            request["spend"] = money(intent.amount * 37, intent)
        elif intent.operation == "earn":
            request["points"] = intent.amount
        else:
            account = self.pair.model.accounts.get((member, programme))
            available = 0 if account is None else account.available(self.pair.model.now)
            request["points"] = part_of(available, intent)
        if "points" in request and intent.oddity == "too much":
            request["points"] = MOST_POINTS + 1
        age = {"too old": TOO_OLD, "too new": TOO_NEW, "slightly new": NEW_BUT_TOLERATED}.get(intent.oddity, intent.age)
        if age:
            request["occurred_at"] = (self.pair.model.now - age).isoformat()
        if intent.delay and intent.operation == "earn":
            request["available_from"] = (self.pair.model.now + intent.delay).isoformat()
        return self.pair.new_label(intent.partner), request

    def reversal_of(self, intent: Intent) -> tuple[Label, Request]:
        """Take back an earlier transaction: all of the rest, some points, or by the spend."""
        labels = list(self.pair.model.deals)
        original = labels[-1 - intent.original % len(labels)] if labels else NOTHING
        partner = intent.partner if intent.oddity == "a stranger" else original[0]
        request: Request = {"operation": "reverse", "transaction": original, "reason": "returned"}
        _, deal = self.pair.model.deals.get(original, (None, None))
        if intent.by_spend and deal is not None and (deal.spend_minor or intent.oddity):
            rest_minor = (deal.spend_minor or 0) - deal.reversed_minor
            request["spend"] = money(part_of(rest_minor, intent, 37), intent)
        elif intent.share != "all":
            request["points"] = part_of(0 if deal is None else deal.points - deal.reversed_points, intent)
        return self.pair.new_label(partner), request


def part_of(whole: int, intent: Intent, unit: int = 1) -> int:
    """Some of what there is, all of it, or one more; at least 1."""
    parts = {"half": whole // 2, "all": whole, "more": whole + 1}
    return max(parts.get(intent.share, intent.amount * unit), 1)


def money(minor: int, intent: Intent) -> dict[str, str]:
    """An amount of money as requests have it."""
    return {"currency": "EUR" if intent.oddity == "euros" else "CNY", "amount": f"{minor // 100}.{minor % 100:02}"}


def in_words_of_another(request: Request) -> Request:
    """The same request, written otherwise: times with another offset, amounts without useless noughts."""
    other = dict(reversed(request.items()))
    for name in {"occurred_at", "available_from"} & other.keys():
        other[name] = datetime.fromisoformat(other[name]).astimezone(OTHER_ZONE).isoformat()
    if "spend" in other and other["spend"]["amount"].endswith("0"):
        other["spend"] = {**other["spend"], "amount": other["spend"]["amount"].rstrip("0").rstrip(".")}
    return other


def machine_over(ledger: RunningLedger) -> type[LedgerBesideModel]:
    """The machine on a running ledger, to which the partners are added."""
    keys = {partner: ledger.service.add_partner(partner) for partner in PARTNERS}
    ledger.service.set_clock(datetime(2026, 3, 1, 9, tzinfo=UTC).isoformat())
    return type("LedgerBesideModelHere", (LedgerBesideModel,), {"ledger": ledger, "keys": keys})


def bounded(examples: int, steps: int, *, shrinks: bool, explores: bool = False) -> settings:
    """How long to go on; the same examples at every run, unless it ``explores``."""
    phases = [Phase.generate, Phase.shrink] if shrinks else [Phase.generate]
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=not explores,
        database=None,
        deadline=None,
        phases=phases,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
