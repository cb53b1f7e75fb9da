"""Holds: points reserved, captured and released."""

from datetime import timedelta

from tests.stateful.model.accounts import Deal, Hold, Label
from tests.stateful.model.answers import Refusal, Request
from tests.stateful.model.book import Book, refuse_too_few, refuse_too_many

USUAL, LONGEST = timedelta(days=7), timedelta(days=366)


def hold(book: Book, label: Label, request: Request) -> Deal:
    account, _ = book.admit(label, request, "acceptors")
    points = request["points"]
    refuse_too_many(points)
    expires_at = request.get("expires_at", book.now + USUAL)
    if not book.now < expires_at <= book.now + LONGEST:
        raise Refusal("hold-expiry-out-of-range", longest_days=LONGEST.days)
    refuse_too_few(points, account.seen(book.now).available(book.now))
    account.post_due(book.now)
    before = account.totals()
    uses = account.take(account.usable(book.now), points)
    placed = Hold(label, account, points, expires_at, list(uses))
    account.holds.append(placed)
    book.holds[label] = placed
    return book.post(account, Deal(label, "hold", points, uses=uses, hold=placed), before)


def capture(book: Book, label: Label, request: Request) -> Deal:
    held = _open_hold(book, label, request)
    points = request.get("points", held.remaining)
    if points > held.remaining:
        raise Refusal("capture-exceeds-hold", requested=points, held=held.remaining)
    held.account.post_due(book.now)
    before = held.account.totals()
    deal = Deal(label, "capture", points, uses=held.take(points), hold=held)
    held.captures.append(deal)
    if request.get("final"):
        deal.released = held.remaining
        held.account.release(held, book.now)
    held.end = None if held.remaining else "captured"
    return book.post(held.account, deal, before)


def void(book: Book, label: Label, request: Request) -> Deal:
    held = _open_hold(book, label, request)
    held.account.post_due(book.now)
    before, points = held.account.totals(), held.remaining
    uses = held.account.release(held, book.now)
    held.end = "voided"
    return book.post(held.account, Deal(label, "void", points, uses=uses, hold=held), before)


def _open_hold(book: Book, label: Label, request: Request) -> Hold:
    held = book.holds.get(request["hold"])
    if held is None or held.label[0] != label[0]:
        raise Refusal("hold-not-found")
    if held.standing(book.now) != "open":
        raise Refusal("hold-not-open")
    return held
