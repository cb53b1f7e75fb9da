"""What staff do to members: freeze, unfreeze, close, merge, and move to another lane."""

from typing import Any

from tests.stateful.model.accounts import Account, Deal, Debt, Label
from tests.stateful.model.answers import Refusal, Request
from tests.stateful.model.book import Book
from tests.stateful.model.people import Person


def freeze(book: Book, label: Label, request: Request) -> Deal:
    book.active(request["member"]).status = "frozen"
    return Deal(label, "freeze", 0)


def unfreeze(book: Book, label: Label, request: Request) -> Deal:
    person = _not_closed(book.person(request["member"]))
    if person.status != "frozen":
        raise Refusal("member-not-frozen")
    person.status = "active"
    return Deal(label, "unfreeze", 0)


def close(book: Book, label: Label, request: Request) -> Deal:
    person = _not_closed(book.person(request["member"]))
    seen = [account.seen(book.now) for account in person.accounts.values()]
    left = {
        "available": sum(account.available(book.now) for account in seen),
        "pending": sum(account.pending(book.now) for account in seen),
        "held": sum(account.held() for account in seen),
        "shortfall": sum(account.owed() for account in seen),
    }
    must_be_used = not request.get("give_up_points") and (left["available"] or left["pending"])
    if left["held"] or left["shortfall"] or must_be_used:
        raise Refusal("member-not-empty", **left)
    for account in person.accounts.values():
        account.post_due(book.now)
        account.expire(account.lots, book.now)
    person.status = "closed"
    return Deal(label, "close", 0)


def merge(book: Book, label: Label, request: Request) -> Deal:
    source = book.person(request["member"])
    if request["into"] not in book.people:
        raise Refusal("receiver-not-found")
    target = book.people[request["into"]].present()
    if target is source:
        raise Refusal("same-member")
    for person in (source, target):
        if person.status != "active":
            raise Refusal(f"member-{person.status}")
    for before, after in ((source.given, target.given), (source.received, target.received)):
        for month, points in before.items():
            after[month] = after.get(month, 0) + points
    _take_all("merge", book, source, target)
    return Deal(label, "merge", 0)


def move(book: Book, label: Label, request: Request) -> Deal:
    """To another lane: a new member of the same name, from whose side it is a merge."""
    source = book.person(request["member"])
    target = Person(source.name, source.status, given=source.given, received=source.received)
    _take_all("move", book, source, target)
    return Deal(label, "move", 0)


def _not_closed(person: Person) -> Person:
    if person.status == "closed":
        raise Refusal("member-closed")
    return person


def _take_all(kind: str, book: Book, source: Person, target: Person) -> None:
    for account in [*source.accounts.values(), *target.accounts.values()]:
        account.post_due(book.now)
    source.into, source.status = target, f"{kind}d"
    for account in source.accounts.values():
        into = target.account(account.code, account.programme)
        _take_lots(kind, book, account, into)
        _take_holds(kind, book, account, into)
        _take_debts(kind, book, account, into)
        if kind == "move":
            # Its statement goes on as if nothing had happened.
            into.deals = list(account.deals)


def _take_lots(kind: str, book: Book, account: Account, into: Account) -> None:
    """All points that are not held, pending ones too, in the order of use; they repay what is owed there."""
    before, uses = into.totals(), list[tuple[Any, int]]()
    for lot in sorted((lot for lot in account.lots if lot.left), key=lambda lot: lot.order):
        new = into.continue_lot(lot, lot.left, source=lot)
        into.credit(new, lot.left)
        uses.append((new, lot.left))
        lot.left = 0
    if uses:
        into.post(Deal(None, kind, sum(points for _, points in uses), uses=uses), before, book.now)


def _take_holds(kind: str, book: Book, account: Account, into: Account) -> None:
    for held in account.holds:
        before = into.totals()
        parts = [(into.continue_lot(lot, points, source=lot), points) for lot, points in held.take(held.remaining)]
        held.account, held.parts = into, parts
        into.holds.append(held)
        into.post(Deal(None, kind, held.remaining, uses=list(parts), hold=held), before, book.now)
    account.holds = []


def _take_debts(kind: str, book: Book, account: Account, into: Account) -> None:
    for debt in account.debts:
        if debt.left:
            before, owed = into.totals(), debt.left
            lot = into.continue_lot(debt.lot, owed, source=debt.lot, only_names_a_debt=True)
            into.debts.append(Debt(lot, owed))
            into.post(Deal(None, kind, owed, uses=[(lot, owed)]), before, book.now)
            debt.left = 0
