"""Reversals, for the member that the points belong to now."""

from datetime import timedelta

from tests.stateful.model.accounts import Account, Deal, Debt, Label
from tests.stateful.model.answers import Refusal, Request
from tests.stateful.model.book import Book
from tests.stateful.model.terms import Lot, Programme

REVERSIBLE = ("earn", "redeem", "capture")


def reverse(book: Book, label: Label, request: Request) -> Deal:
    original = book.deals.get(request["transaction"])
    if original is None or original.account is None or request["transaction"][0] != label[0]:
        raise Refusal("transaction-not-found")
    programme = original.account.programme
    points, minor = _extent(original, programme, request)
    account = original.account.person.present().account(original.account.code, programme)
    account.post_due(book.now)
    before = account.totals()
    if original.kind == "earn":
        uses = _take_back_earning(account, original, points)
    else:
        uses = _give_back_spending(book, account, original, points)
    original.reversed_points += points
    original.reversed_minor += minor
    return book.post(account, Deal(label, "reverse", points, uses=uses), before)


def _extent(original: Deal, programme: Programme, request: Request) -> tuple[int, int]:
    """How many points, and how much of the spend, a reversal takes back."""
    if original.kind not in REVERSIBLE:
        raise Refusal("not-reversible")
    rest = original.points - original.reversed_points
    rest_minor = (original.spend_minor or 0) - original.reversed_minor
    if rest == 0 and rest_minor == 0:
        raise Refusal("already-reversed", points=original.points)
    if "spend" in request:
        currency, minor = request["spend"]
        if original.spend_minor is None:
            raise Refusal("not-reversible")
        if currency != "CNY":
            raise Refusal("currency-mismatch")
        if minor > rest_minor:
            raise Refusal("reversal-exceeds-original", requested_minor=minor, reversible_minor=rest_minor)
        return max(rest - programme.points_for(rest_minor - minor), 0), minor
    points: int = request.get("points", rest)
    if points > rest:
        raise Refusal("reversal-exceeds-original", requested=points, reversible=rest)
    return points, 0 if "points" in request else rest_minor


def _take_back_earning(account: Account, original: Deal, points: int) -> list[tuple[Lot, int]]:
    """First what is free in the lot and what came from it, then what has expired, then a debt."""
    root, family = original.uses[0][0], _family(account, original)
    own = sorted((lot for lot in family if lot in account.lots), key=lambda lot: lot.order)
    uses = account.take(own, points)
    rest = points - sum(taken for _, taken in uses)
    counted = min(rest, sum(lot.expired for lot in family) - original.expired_counted)
    original.expired_counted += counted
    debt = rest - counted if account.programme.member_owes else 0
    for cap in original.caps:
        cap.left += points - rest + debt
    if debt:
        named = own[0] if own else account.continue_lot(root, debt, source=root, only_names_a_debt=True)
        account.debts.append(Debt(named, debt))
        if named not in [lot for lot, _ in uses]:
            uses.append((named, debt))
    return uses


def _family(account: Account, original: Deal) -> list[Lot]:
    """The lot of an earning and all that came from it, wherever merges and moves have taken them."""
    root, family, one = original.uses[0][0], [], original.account
    while one is not None:
        family += [lot for lot in one.lots if lot.comes_from(root)]
        into = one.person.into
        one = None if one is account or into is None else into.account(one.code, one.programme)
    return family


def _give_back_spending(book: Book, account: Account, original: Deal, points: int) -> list[tuple[Lot, int]]:
    """Last used first; in a new lot where the used one was another member's, or has lapsed: then with the grace."""
    uses, skip, rest = [], original.reversed_points, points
    for used_lot, used in reversed(original.uses):
        piece = min(max(used - skip, 0), rest)
        skip -= min(skip, used)
        rest -= piece
        if piece == 0:
            continue
        lot, has_lapsed, is_own = used_lot, used_lot.lapses_at <= book.now, used_lot in account.lots
        if has_lapsed or not is_own:
            origin = {"root": lot.root or lot} if is_own else {"source": lot}
            lot = account.continue_lot(lot, piece, **origin)
        if has_lapsed:
            grace = timedelta(days=account.programme.grace_days)
            lot.expires_on = account.programme.business_day(book.now) + grace
        account.credit(lot, piece)
        if has_lapsed and account.programme.grace_days == 0:
            lot.expired, lot.left = lot.left, 0
        uses.append((lot, piece))
    return uses
