"""Told stories of members: gifts, merges, moves to another lane, corrections, and the end of a membership."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.stateful.drawing import Intent, intents
from tests.stateful.model.answers import Request
from tests.stateful.sending import BY_LEAVE, STAFF
from tests.stateful.stories import WAITS
from tests.stateful.telling import Telling

POINTS = st.integers(2, 60)


class PeopleStories(Telling):
    """Each story is one step of the machine."""

    @rule(giver=st.integers(0, 3), earned=st.integers(2, 60), wait=WAITS)
    def give_a_gift_and_take_the_earning_back(self, giver: int, earned: int, wait: timedelta) -> None:
        """A gift keeps its terms; an earning that was given away is owed by its giver."""
        earning = self.post("earn", giver, points=earned)
        receiver = (giver + 1) % len(self.members)
        self.give(giver, receiver, earned)
        self.pair.advance(wait)
        self.pair.check_touched()
        self.post("reverse", giver, transaction=earning)
        self.post("redeem", receiver, points=earned)

    @rule(member=st.integers(0, 1), earned=st.integers(5, 60), times=st.integers(1, 3))
    def exchange_and_take_the_earning_back(self, member: int, earned: int, times: int) -> None:
        """Points are exchanged once, however often at once it is asked; what was exchanged is owed to who gave it."""
        owed = self.pair.submit(*self.of_side("earn", member, 6))
        if owed.deal is not None and owed.deal.label is not None:
            self.pair.submit(*self.of_side("redeem", member, 6))
            self.post("reverse", member, transaction=owed.deal.label)
        earning = self.post("earn", member, points=earned)
        exchanges = [self.exchange(member, earned // 5 * 5) for _ in range(times)]
        self.pair.rush(exchanges)
        self.pair.check_touched()
        self.post("reverse", member, transaction=earning)
        self.pair.submit(*self.of_side("redeem", member, 1))

    @rule(first=st.integers(0, 3), points=st.lists(st.integers(1, 40), min_size=2, max_size=4))
    def gifts_cross(self, first: int, points: list[int]) -> None:
        """Members give each other at once, round and round and back again."""
        givers = [(first + number) % len(self.members) for number in range(len(points))]
        for giver, amount in zip(givers, points, strict=True):
            self.post("earn", giver, points=amount)
        back = [self.gift(givers[1], givers[0], points[1])]
        around = [
            self.gift(giver, (giver + 1) % len(self.members), amount)
            for giver, amount in zip(givers, points, strict=True)
        ]
        self.pair.rush([*around, *back][:4])

    @rule(member=st.integers(0, 3), other=st.integers(0, 3), earned=POINTS, moves=st.booleans(), wait=WAITS)
    def take_everything_to_another(self, member: int, other: int, earned: int, moves: bool, wait: timedelta) -> None:
        """Merge or move a member with free, held, spent and owed points; what comes later finds its way."""
        owed = self.post("earn", member, points=earned)
        spending = self.post("redeem", member, points=earned)
        self.post("reverse", member, transaction=owed, points=earned // 2)
        earning = self.post("earn", member, points=2 * earned)
        hold = self.post("hold", member, points=max(earned // 2, 1), expires_at=self.later(2 * wait))
        if moves:
            self.move(member, 1 + other)
        else:
            self.change("merge", self.members[member], into=self.members[other])
        self.pair.check_touched()
        self.pair.advance(wait)
        delivery = self.post("capture", member, hold=hold, points=max(earned // 4, 1), final=other % 2 == 0)
        self.post("reverse", member, transaction=delivery)
        self.post("reverse", member, transaction=earning)
        self.post("reverse", member, transaction=spending)
        self.post("earn", member, points=earned)
        self.post("redeem", member, points=earned)

    @rule(member=st.integers(0, 3), lane=st.integers(1, 7), several=st.lists(intents(), min_size=2, max_size=3))
    def move_a_member_while_it_is_used(self, member: int, lane: int, several: list[Intent]) -> None:
        """Other requests go on while a member goes to another lane."""
        self.post("earn", member, points=20)
        request: Request = {"operation": "move", "member": self.members[member], "reason": "asked to"}
        request["lane"] = self.lane_from(member, lane)
        at_once = [self.drawing.request_of(intent) for intent in several if intent.operation not in BY_LEAVE]
        self.pair.rush([(self.pair.new_label(STAFF), request), *at_once], shown=False)

    @rule(giver=st.integers(0, 3), points=st.integers(1, 40), moves=st.booleans())
    def give_on_after_a_move(self, giver: int, points: int, moves: bool) -> None:
        """What a person may give and receive in a month does not grow by a new place in the ledger."""
        receiver, other = (giver + 1) % len(self.members), (giver + 2) % len(self.members)
        for earner in (giver, other):
            self.post("earn", earner, points=60)
        self.give(giver, receiver, points)
        if moves:
            self.move(giver, 1)
            self.move(receiver, 2)
        else:
            self.change("merge", self.members[giver], into=self.members[other])
        self.give(giver, receiver, 41 - points)
        self.give(other, receiver, 1)

    @rule(member=st.integers(0, 3), earned=POINTS, part=POINTS, takes=st.booleans())
    def correct(self, member: int, earned: int, part: int, takes: bool) -> None:
        """Forgive a part of what is owed, then give or take points; each by two persons."""
        earning = self.post("earn", member, points=earned)
        self.post("redeem", member, points=earned)
        self.post("reverse", member, transaction=earning)
        self.pair.correct({**self.of(member, "write-off"), "points": part})
        direction = "take" if takes else "give"
        self.pair.correct({**self.of(member, "adjust"), "points": part, "partner": "SHOP", "direction": direction})
        self.pair.correct(self.of(member, "write-off"))

    @rule(member=st.integers(2, 3), gives_up=st.booleans(), intent=intents(("earn", "gift", "reverse")))
    def end_a_membership(self, member: int, gives_up: bool, intent: Intent) -> None:
        """A membership ends when nothing is left in it, and then nothing can be done with it."""
        self.change("close", self.members[member], **({"give_up_points": True} if gives_up else {}))
        self.pair.submit(*self.drawing.request_of(intent))

    def move(self, member: int, lanes: int) -> None:
        """Take a member so many lanes further."""
        self.change("move", self.members[member], lane=self.lane_from(member, lanes))

    def of(self, member: int, operation: str) -> Request:
        """A correction of a member's points in the main programme."""
        request: Request = {"operation": operation, "programme": self.codes[0], "reason": "as agreed"}
        return {**request, "member": self.members[member]}
