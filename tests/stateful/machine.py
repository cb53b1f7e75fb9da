"""The state machine: any steps, in any order, over any time, done to the ledger and to the model."""

import sys
from datetime import timedelta

import msgspec
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from tests.service import make_staff_key
from tests.stateful.comparing import Disagreement
from tests.stateful.drawing import DAY, FIRST_MORNING, HOUR, Drawing, Intent, in_words_of_another, intents, programmes
from tests.stateful.model.accounts import Label
from tests.stateful.model.answers import Request
from tests.stateful.model.terms import Programme, Rate
from tests.stateful.people_stories import PeopleStories
from tests.stateful.running_ledger import RunningLedger
from tests.stateful.sending import APPROVER, BY_LEAVE
from tests.stateful.side_by_side import PARTNERS, SideBySide
from tests.stateful.stories import Stories

STEPS_BETWEEN_AUDITS = 10


class LedgerBesideModel(Stories, PeopleStories):
    """Each rule is a step; after each, whatever it touched is compared."""

    @initialize(first=programmes(), second=programmes(), cap=st.sampled_from([None, None, 300]))
    def open(self, first: Programme, second: Programme, cap: int | None) -> None:
        """New programmes and members; the ledger itself goes on."""
        self.pair = SideBySide(self.ledger, self.keys)
        terms = {"MAIN": first, "SIDE": second, "SHUT": Programme(is_open=False)}
        self.codes = [self.pair.add_programme(name, programme) for name, programme in terms.items()]
        self.pair.add_rate(self.codes[0], self.codes[1], Rate("SHOP", 5, 4))
        self.pair.add_rate(self.codes[1], self.codes[0], Rate("BANK", 2, 3))
        if cap is not None:
            self.pair.add_cap(self.codes[0], cap, "SHOP")
        self.drawing = Drawing(self.pair, self.codes)
        self.members = self.drawing.members
        self.steps = 0

    @rule(intent=intents(("earn",)), shown=st.booleans())
    def earn(self, intent: Intent, shown: bool) -> None:
        self.pair.submit(*self.drawing.request_of(intent), shown=shown)

    @rule(intent=intents(("redeem",)), shown=st.booleans())
    def redeem(self, intent: Intent, shown: bool) -> None:
        self.pair.submit(*self.drawing.request_of(intent), shown=shown)

    @rule(intent=intents(("reverse",)), shown=st.booleans())
    def reverse(self, intent: Intent, shown: bool) -> None:
        self.pair.submit(*self.drawing.request_of(intent), shown=shown)

    @rule(intent=intents(("hold",)), shown=st.booleans())
    def hold(self, intent: Intent, shown: bool) -> None:
        self.pair.submit(*self.drawing.request_of(intent), shown=shown)

    @precondition(lambda self: self.pair.model.holds)
    @rule(intent=intents(("capture", "capture", "void")), shown=st.booleans())
    def capture_or_void(self, intent: Intent, shown: bool) -> None:
        self.pair.submit(*self.drawing.request_of(intent), shown=shown)

    @rule(intent=intents(("gift",)))
    def give_a_gift(self, intent: Intent) -> None:
        self.pair.submit(*self.drawing.request_of(intent))

    @rule(intent=intents(("exchange",)))
    def exchange_points(self, intent: Intent) -> None:
        self.pair.submit(*self.drawing.request_of(intent))

    @rule(intent=intents(("earn", "redeem", "reverse", "hold", "capture", "gift", "exchange")), thaws=st.booleans())
    def freeze_a_member(self, intent: Intent, thaws: bool) -> None:
        """Freeze, try something, and mostly let it thaw again."""
        member = self.members[intent.member]
        self.change("freeze", member)
        self.pair.submit(*self.drawing.request_of(intent))
        if thaws or intent.member < 2:
            self.change("unfreeze", member)

    @precondition(lambda self: self.pair.repeatable())
    @rule(which=st.integers(0, 40), shown=st.booleans(), in_other_words=st.booleans())
    def repeat(self, which: int, shown: bool, in_other_words: bool) -> None:
        label, request = self.earlier(which)
        self.pair.submit(label, in_words_of_another(request) if in_other_words else request, shown=shown)

    @precondition(lambda self: self.of_partners())
    @rule(which=st.integers(0, 40), intent=intents())
    def use_a_key_again_for_something_else(self, which: int, intent: Intent) -> None:
        requests = self.of_partners()
        label, request = requests[which % len(requests)]
        other = dict(request)
        if intent.by_spend or "items" in other:
            _, other = self.drawing.request_of(intent)
        elif "points" in other:
            other["points"] += 1
        else:
            other["reference"] = "another"
        self.pair.submit(label, other)

    @rule(intent=intents(), times=st.integers(2, 4))
    def send_one_request_several_times_at_once(self, intent: Intent, times: int) -> None:
        self.pair.submit_at_once(*self.drawing.request_of(intent), times)

    @precondition(lambda self: self.pair.repeatable())
    @rule(which=st.integers(0, 40))
    def repeat_several_times_at_once(self, which: int) -> None:
        self.pair.submit_at_once(*self.earlier(which), 3)

    @rule(several=st.lists(intents(), min_size=2, max_size=4))
    def send_different_requests_at_once(self, several: list[Intent]) -> None:
        self.pair.rush([self.drawing.request_of(intent) for intent in several])

    @rule(several=st.lists(intents(), min_size=1, max_size=4), repeats=st.booleans())
    def send_a_bulk(self, several: list[Intent], repeats: bool) -> None:
        """Of one partner; where it repeats, its first item comes again at its end."""
        items = self.of_one_partner(several)
        if items:
            self.pair.bulk([*items, items[0]] if repeats else items)

    @rule(
        several=st.lists(
            intents(("earn", "earn", "redeem", "reverse", "hold", "capture", "void")), max_size=4, min_size=1
        ),
        modest=st.booleans(),
    )
    def send_an_atomic_bulk(self, several: list[Intent], modest: bool) -> None:
        """Of one partner: all items post, or none; modestly, what is spent is earned first."""
        if modest:
            several = [modestly(intent) for intent in several]
            several = [*(msgspec.structs.replace(intent, operation="earn") for intent in several), *several]
        items = self.of_one_partner(several)
        if items:
            self.pair.submit(*self.together(items))

    @rule(
        several=st.lists(intents(("earn", "redeem", "hold", "capture")), min_size=4, max_size=6),
        split=st.integers(1, 3),
    )
    def send_atomic_bulks_at_once(self, several: list[Intent], split: int) -> None:
        items = self.of_one_partner([modestly(intent) for intent in several])
        parts = [part for part in (items[:split], items[split:]) if part]
        if parts:
            self.pair.rush([self.together(part) for part in parts])

    @rule(intent=intents())
    def quote(self, intent: Intent) -> None:
        self.pair.quote(
            *self.drawing.request_of(
                msgspec.structs.replace(intent, oddity="") if intent.oddity == "nobody" else intent
            )
        )

    @rule(interval=st.sampled_from([timedelta(seconds=1), HOUR, 5 * HOUR, DAY, 3 * DAY, 6 * DAY, 20 * DAY]))
    def let_time_pass(self, interval: timedelta) -> None:
        self.pair.advance(interval)

    @rule()
    def run_the_expiry_job(self) -> None:
        self.pair.expire()

    @precondition(lambda self: self.of_partners())
    @rule(which=st.integers(0, 40))
    def look_a_key_up(self, which: int) -> None:
        requests = self.of_partners()
        self.pair.look_up(requests[which % len(requests)][0])

    @precondition(lambda self: self.pair.model.holds)
    @rule(which=st.integers(0, 7))
    def look_a_hold_up(self, which: int) -> None:
        holds = list(self.pair.model.holds.values())
        self.pair.check_hold(holds[-1 - which % len(holds)])

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

    def earlier(self, which: int) -> tuple[Label, Request]:
        """A request made before."""
        requests = self.pair.repeatable()
        return requests[which % len(requests)]

    def of_partners(self) -> list[tuple[Label, Request]]:
        """The requests that partners have made."""
        return [(label, request) for label, request in self.pair.requests if label[0] in PARTNERS]

    def of_one_partner(self, several: list[Intent]) -> list[tuple[Label, Request]]:
        """What the first one's partner may send in a bulk."""
        partner = several[0].partner
        items = [self.drawing.request_of(msgspec.structs.replace(intent, partner=partner)) for intent in several]
        return [
            (label, request) for label, request in items if label[0] == partner and request["operation"] not in BY_LEAVE
        ]

    def together(self, items: list[tuple[Label, Request]]) -> tuple[Label, Request]:
        """Items of one partner as one atomic request."""
        partner = items[0][0][0]
        request: Request = {"operation": "atomic", "items": [(key, request) for (_, key), request in items]}
        return self.pair.new_label(partner), request


def modestly(intent: Intent) -> Intent:
    """The same by the shop, without its oddity, and for half of what there is."""
    return msgspec.structs.replace(intent, partner="SHOP", oddity="", share="half")


def machine_over(ledger: RunningLedger) -> type[LedgerBesideModel]:
    """The machine on a running ledger, to which the partners are added."""
    keys = {partner: ledger.service.add_partner(partner) for partner in PARTNERS}
    keys[APPROVER] = make_staff_key(ledger.service.database, "finance-approver")
    ledger.service.set_clock(FIRST_MORNING.isoformat())
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
