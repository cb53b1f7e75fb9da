"""Gifts: points of one member for another, at no price."""

from tests.stateful.model.accounts import Deal, Label
from tests.stateful.model.answers import Refusal, Request
from tests.stateful.model.book import Book, refuse_too_few, refuse_too_many
from tests.stateful.model.people import Person
from tests.stateful.model.terms import ZONE


def gift(book: Book, label: Label, request: Request) -> Deal:
    programme, code, points = book.programme(request["programme"]), request["programme"], request["points"]
    giver = book.active(request["from"])
    receiver = _receiver(book, request["to"])
    if receiver is giver:
        raise Refusal("same-member")
    refuse_too_many(points)
    month, limit = (code, book.now.astimezone(ZONE).date().replace(day=1)), programme.gift_points_a_month
    given, received = giver.given.get(month, 0), receiver.received.get(month, 0)
    if given + points > limit:
        raise Refusal("limit-exceeded", limit=limit, used=given, requested=points)
    if received + points > limit:
        raise Refusal("limit-exceeded", limit=limit, requested=points)
    source, target = giver.account(code, programme), receiver.account(code, programme)
    refuse_too_few(points, source.seen(book.now).available(book.now))
    for account in (source, target):
        account.post_due(book.now)
    before, target_before = source.totals(), target.totals()
    uses = source.take(source.usable(book.now), points)
    arrived = [(target.continue_lot(lot, taken), taken) for lot, taken in uses]
    for lot, taken in arrived:
        target.credit(lot, taken)
    giver.given[month], receiver.received[month] = given + points, received + points
    target.post(Deal(None, "gift", points, uses=arrived), target_before, book.now)
    return book.post(source, Deal(label, "gift", points, uses=uses), before)


def _receiver(book: Book, name: str) -> Person:
    if name not in book.people:
        raise Refusal("receiver-not-found")
    receiver = book.people[name].present()
    if receiver.status != "active":
        raise Refusal("receiver-not-active")
    return receiver
