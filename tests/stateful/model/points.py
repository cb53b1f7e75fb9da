"""Earnings and redemptions."""

from tests.stateful.model.accounts import Deal, Label
from tests.stateful.model.answers import Refusal, Request
from tests.stateful.model.book import Book, refuse_too_few, refuse_too_many


def earn(book: Book, label: Label, request: Request) -> Deal:
    account, occurred_at = book.admit(label, request, "issuers")
    programme, spend = account.programme, request.get("spend")
    points = request["points"] if spend is None else programme.points_for(spend[1])
    if spend is not None and spend[0] != "CNY":
        raise Refusal("currency-mismatch")
    if points == 0:
        raise Refusal("zero-points")
    refuse_too_many(points)
    caps = [cap for cap in book.caps if cap.covers(account.code, label[0])]
    for cap in caps:
        if cap.left < points:
            raise Refusal("cap-exhausted", cap=cap.code, requested=points)
    account.post_due(book.now)
    before = account.totals()
    lot = account.open_lot(
        label[0],
        points,
        occurred_at,
        available_from=request.get("available_from", min(occurred_at, book.now)),
        expires_on=programme.last_day(occurred_at),
    )
    account.credit(lot, points)
    for cap in caps:
        cap.left -= points
    return book.post(account, Deal(label, "earn", points, spend and spend[1], [(lot, points)], caps=caps), before)


def redeem(book: Book, label: Label, request: Request) -> Deal:
    account, _ = book.admit(label, request, "acceptors")
    points = request["points"]
    refuse_too_many(points)
    refuse_too_few(points, account.seen(book.now).available(book.now))
    account.post_due(book.now)
    before = account.totals()
    uses = account.take(account.usable(book.now), points)
    return book.post(account, Deal(label, "redeem", points, uses=uses), before)
