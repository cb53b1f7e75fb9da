"""Adjustments and write-offs, as they are once a second person has approved them."""

from tests.stateful.model.accounts import Deal, Label
from tests.stateful.model.answers import Refusal, Request
from tests.stateful.model.book import Book, refuse_too_few, refuse_too_many
from tests.stateful.model.terms import Lot


def adjust(book: Book, label: Label, request: Request) -> Deal:
    programme = book.programme(request["programme"], is_open=False)
    person, points, partner = book.person(request["member"]), request["points"], request["partner"]
    if person.status == "closed":
        raise Refusal("member-closed")
    refuse_too_many(points)
    account = person.account(request["programme"], programme)
    if request["direction"] == "take":
        funded = [lot for lot in account.seen(book.now).usable(book.now) if lot.issuer == partner]
        refuse_too_few(points, sum(lot.left for lot in funded))
    account.post_due(book.now)
    before = account.totals()
    if request["direction"] == "take":
        uses = account.take([lot for lot in account.usable(book.now) if lot.issuer == partner], points)
    else:
        last_day = programme.last_day(book.now)
        lot = account.open_lot(partner, points, book.now, available_from=book.now, expires_on=last_day)
        account.credit(lot, points)
        uses = [(lot, points)]
    return book.post(account, Deal(label, "adjust", points, uses=uses), before)


def write_off(book: Book, label: Label, request: Request) -> Deal:
    programme = book.programme(request["programme"], is_open=False)
    account = book.person(request["member"]).account(request["programme"], programme)
    owed = account.seen(book.now).owed()
    points = rest = request.get("points", owed)
    if points == 0 or points > owed:
        raise Refusal("write-off-exceeds-shortfall", requested=points, shortfall=owed)
    account.post_due(book.now)
    before = account.totals()
    forgiven: dict[Lot, int] = {}
    for debt in account.debts:
        piece = min(debt.left, rest)
        debt.left -= piece
        rest -= piece
        if piece:
            forgiven[debt.lot] = forgiven.get(debt.lot, 0) + piece
    return book.post(account, Deal(label, "write-off", points, uses=list(forgiven.items())), before)
