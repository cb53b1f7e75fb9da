"""Told stories: steps in an order that drawing them one by one seldom finds."""

from datetime import timedelta

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.stateful.drawing import DAY, HOUR, Intent, intents
from tests.stateful.model.answers import Request
from tests.stateful.side_by_side import SideBySide
from tests.stateful.telling import Telling

WAITS = st.sampled_from([HOUR, DAY, 3 * DAY, 7 * DAY])


class Stories(Telling):
    """Each story is one step of the machine."""

    @rule(intent=intents(("redeem", "hold", "gift")), earned=st.integers(1, 60), times=st.integers(2, 4))
    def spend_the_same_points_several_times_at_once(self, intent: Intent, earned: int, times: int) -> None:
        """Each of the requests is another one, and what there is suffices for one of them."""
        self.post("earn", intent.member, points=earned)
        all_of_them = msgspec.structs.replace(intent, partner="SHOP", programme=0, share="all", oddity="")
        self.pair.rush([self.drawing.request_of(all_of_them) for _ in range(times)])

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

    @rule(
        member=st.integers(0, 1),
        earned=st.integers(4, 60),
        first=st.integers(1, 60),
        ends=st.sampled_from(["captured", "final", "voided", "by time"]),
        wait=WAITS,
    )
    def deliver_in_two_parts(self, member: int, earned: int, first: int, ends: str, wait: timedelta) -> None:
        """Hold, capture a part, wait, end the hold in one of its ways, and return the first delivery."""
        self.post("earn", member, points=earned)
        hold = self.post("hold", member, points=earned, expires_at=self.later(2 * wait))
        delivery = self.post("capture", member, hold=hold, points=min(first, earned - 1))
        self.pair.advance(wait)
        if ends == "voided":
            self.post("void", member, hold=hold)
        elif ends == "by time":
            self.pair.advance(wait)
        else:
            self.post("capture", member, hold=hold, points=1, final=ends == "final")
        self.post("reverse", member, transaction=delivery)

    @rule(
        member=st.integers(0, 1),
        held=st.integers(1, 60),
        parts=st.integers(2, 4),
        ends=st.booleans(),
    )
    def end_a_hold_several_times_at_once(self, member: int, held: int, parts: int, ends: bool) -> None:
        """Captures of most of a hold at the same time, and its void: only some of them can be."""
        self.post("earn", member, points=held)
        hold = self.post("hold", member, points=held)
        request: Request = {"operation": "capture", "hold": hold, "points": held // 2 + 1}
        several = [(self.pair.new_label("SHOP"), dict(request)) for _ in range(parts)]
        if ends:
            several[-1][1].update(operation="void")
            del several[-1][1]["points"]
        self.pair.rush(several)

    @rule(member=st.integers(0, 1), earned=st.integers(2, 60), later=st.integers(1, 60), wait=WAITS)
    def take_back_what_is_held(self, member: int, earned: int, later: int, wait: timedelta) -> None:
        """Earn, hold it, take the earning back: the rest is owed, and the hold repays it when its time is over."""
        earning = self.post("earn", member, points=earned)
        hold = self.post("hold", member, points=earned, expires_at=self.later(wait))
        if later % 3 == 0:
            self.post("capture", member, hold=hold, points=max(earned // 3, 1))
        self.post("reverse", member, transaction=earning)
        self.pair.advance(wait)
        self.pair.check_touched()
        if later % 2:
            self.post("earn", member, points=later)
        else:
            self.post("redeem", member, points=later)

    @rule(member=st.integers(0, 1), earned=st.integers(2, 60), released=st.booleans())
    def hold_over_the_last_day(self, member: int, earned: int, released: bool) -> None:
        """A lot whose last day passes under a hold is still the hold's, and lapses when it is released."""
        self.post("earn", member, points=earned)
        hold = self.post("hold", member, points=earned, expires_at=self.later(30 * DAY))
        self.pair.advance(6 * DAY)
        delivery = self.post("capture", member, hold=hold, points=max(earned // 2, 1))
        if released:
            self.post("void", member, hold=hold)
        self.post("reverse", member, transaction=delivery)

    @rule(points=st.integers(4, 60), earners=st.lists(st.integers(0, 3), min_size=2, max_size=4))
    def run_a_cap_dry(self, points: int, earners: list[int]) -> None:
        """What a cap has left is asked for several times at once; what is given back can be had again, to the last."""
        if not any(cap.programme == self.codes[1] for cap in self.pair.model.caps):
            self.pair.add_cap(self.codes[1], points, "SHOP")
        cap = next(cap for cap in self.pair.model.caps if cap.programme == self.codes[1])
        if cap.left == 0:
            last = next(
                (d for d in reversed(self.pair.model.deals.values()) if cap in d.caps and d.kind == "earn"), None
            )
            if last is not None and last.label is not None:
                self.post("reverse", 0, transaction=last.label)
        share = max(cap.left * 2 // 3, 1)
        self.pair.rush([self.of_side("earn", earner, share) for earner in earners])
        for amount in (cap_left(self.pair, cap.code), 1):
            if amount:
                self.pair.submit(*self.of_side("earn", earners[0], amount))


def cap_left(pair: SideBySide, code: str) -> int:
    """What the model says is left of a cap."""
    return next(cap.left for cap in pair.model.caps if cap.code == code)
