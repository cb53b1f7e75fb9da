"""What the model knows, and what every command is asked first."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.stateful.model.accounts import Account, Deal, Hold, Label
from tests.stateful.model.answers import Answer, Refusal, Request
from tests.stateful.model.people import Person
from tests.stateful.model.terms import Cap, Programme, Rate

MOST_POINTS = 10**12


@dataclass
class Book:
    now: datetime
    programmes: dict[str, Programme] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    caps: list[Cap] = field(default_factory=list)
    rates: dict[tuple[str, str], Rate] = field(default_factory=dict)
    deals: dict[Label, Deal] = field(default_factory=dict)
    holds: dict[Label, Hold] = field(default_factory=dict)
    keys: dict[Label, tuple[Request, Answer]] = field(default_factory=dict)

    def add_person(self, name: str) -> None:
        self.people[name] = Person(name)

    def accounts(self) -> list[Account]:
        """All accounts of those who are still themselves."""
        people = dict.fromkeys(person.present() for person in self.people.values())
        return [account for person in people for account in person.accounts.values()]

    def account(self, member: str, programme: str) -> Account:
        return self.people[member].present().account(programme, self.programmes[programme])

    def programme(self, code: str, *, is_open: bool = True) -> Programme:
        programme = self.programmes.get(code)
        if programme is None:
            raise Refusal("programme-not-found")
        if is_open and not programme.is_open:
            raise Refusal("programme-closed")
        return programme

    def person(self, name: str) -> Person:
        if name not in self.people:
            raise Refusal("member-not-found")
        return self.people[name].present()

    def active(self, name: str) -> Person:
        person = self.person(name)
        if person.status != "active":
            raise Refusal(f"member-{person.status}")
        return person

    def admit(self, label: Label, request: Request, allowed: str) -> tuple[Account, datetime]:
        """The account of an earning, redemption or hold that everything but its amount allows."""
        programme = self.programme(request["programme"], is_open=False)
        if label[0] not in getattr(programme, allowed):
            raise Refusal("partner-not-permitted")
        self.programme(request["programme"])
        person = self.active(request["member"])
        occurred_at: datetime = request.get("occurred_at", self.now)
        if occurred_at > self.now + timedelta(minutes=1):
            raise Refusal("occurred-in-future")
        if occurred_at < self.now - timedelta(days=programme.maximum_age_days):
            raise Refusal("occurred-too-long-ago")
        return person.account(request["programme"], programme), occurred_at

    def post(self, account: Account, deal: Deal, before: tuple[int, int]) -> Deal:
        """Post a deal under its key's name."""
        account.post(deal, before, self.now)
        assert deal.label is not None
        self.deals[deal.label] = deal
        return deal


def refuse_too_many(points: int) -> None:
    if points > MOST_POINTS:
        raise Refusal("amount-out-of-range")


def refuse_too_few(points: int, available: int) -> None:
    if available < points:
        raise Refusal("insufficient-points", requested=points, available=available)
