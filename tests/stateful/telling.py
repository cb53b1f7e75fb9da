"""How stories are told: what the shop, the members and the staff do in them."""

from datetime import timedelta
from typing import ClassVar

from hypothesis.stateful import RuleBasedStateMachine

from tests.stateful.drawing import Drawing
from tests.stateful.model.accounts import Account, Label
from tests.stateful.model.answers import Answer, Request
from tests.stateful.running_ledger import LANES, RunningLedger
from tests.stateful.sending import STAFF
from tests.stateful.side_by_side import SideBySide


class Telling(RuleBasedStateMachine):
    """One example, and short ways to do the usual."""

    ledger: ClassVar[RunningLedger]
    keys: ClassVar[dict[str, str]]
    pair: SideBySide
    drawing: Drawing
    codes: list[str]
    members: list[str]
    steps: int

    def post(self, operation: str, member: int, **fields: object) -> Label:
        """Do something of the shop's in the main programme; returns its label."""
        label = self.pair.new_label("SHOP")
        request: Request = {"operation": operation, **fields}
        if operation in ("reverse", "void"):
            request["reason"] = "returned"
        elif operation != "capture":
            request |= {"programme": self.codes[0], "member": self.members[member], "scene": "food"}
        self.pair.submit(label, request)
        return label

    def gift(self, giver: int, receiver: int, points: int) -> tuple[Label, Request]:
        """A gift in the main programme, by its giver."""
        request: Request = {"operation": "gift", "programme": self.codes[0], "points": points}
        request |= {"from": self.members[giver], "to": self.members[receiver]}
        return self.pair.new_label(self.members[giver]), request

    def give(self, giver: int, receiver: int, points: int) -> None:
        """Give a gift."""
        self.pair.submit(*self.gift(giver, receiver, points))

    def exchange(self, member: int, points: int) -> tuple[Label, Request]:
        """Points of the main programme for points of the other, by the member itself."""
        request: Request = {"operation": "exchange", "programme": self.codes[0], "target_programme": self.codes[1]}
        name = self.members[member]
        return self.pair.new_label(name), {**request, "member": name, "points": points}

    def of_side(self, operation: str, member: int, points: int) -> tuple[Label, Request]:
        """Something of the shop's in the other programme."""
        request: Request = {"operation": operation, "programme": self.codes[1], "points": points, "scene": "food"}
        return self.pair.new_label("SHOP"), {**request, "member": self.members[member]}

    def change(self, operation: str, member: str, **fields: object) -> Answer:
        """Something that staff do to a member."""
        request: Request = {"operation": operation, "member": member, "reason": "asked to", **fields}
        return self.pair.submit(self.pair.new_label(STAFF), request)

    def lane_from(self, member: int, lanes: int) -> int:
        """The lane that is so many further than the one of a member."""
        present = self.pair.model.people[self.members[member]].present()
        return (self.ledger.lane_of(present.name) + lanes) % LANES

    def account(self, member: int) -> Account:
        """A member's account in the main programme."""
        return self.pair.model.account(self.members[member], self.codes[0])

    def later(self, interval: timedelta) -> str:
        """A time from now, as requests have it."""
        return (self.pair.model.now + interval).isoformat()
