"""Exchanges: points of one programme for points of another, at the rate that two persons agreed on."""

from tests.stateful.model.accounts import Deal, Label
from tests.stateful.model.answers import Refusal, Request
from tests.stateful.model.book import Book, refuse_too_few, refuse_too_many


def exchange(book: Book, label: Label, request: Request) -> Deal:
    code, target_code, points = request["programme"], request["target_programme"], request["points"]
    programme, other = book.programme(code), book.programme(target_code)
    person = book.active(request["member"])
    rate = book.rates.get((code, target_code))
    if rate is None:
        raise Refusal("exchange-not-offered", programme=code, target_programme=target_code)
    refuse_too_many(points)
    if points % rate.give:
        raise Refusal("exchange-not-whole", requested=points, give=rate.give, get=rate.get)
    got = points // rate.give * rate.get
    source, target = person.account(code, programme), person.account(target_code, other)
    refuse_too_few(points, source.seen(book.now).available(book.now))
    caps = [cap for cap in book.caps if cap.covers(target_code, rate.issuer)]
    for cap in caps:
        if cap.left < got:
            raise Refusal("cap-exhausted", cap=cap.code, requested=got)
    for account in (source, target):
        account.post_due(book.now)
    before, target_before = source.totals(), target.totals()
    uses = source.take(source.usable(book.now), points)
    last_day = other.last_day(book.now)
    lot = target.open_lot(rate.issuer, got, book.now, available_from=book.now, expires_on=last_day)
    target.credit(lot, got)
    for cap in caps:
        cap.left -= got
    target.post(Deal(None, "exchange", got, uses=[(lot, got)]), target_before, book.now)
    return book.post(source, Deal(label, "exchange", points, uses=uses), before)
