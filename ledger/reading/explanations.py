"""Sentences that say of a transaction who, where, by which rule, and what it takes back."""

from collections.abc import Callable

from ledger.reading.transaction_views import TransactionView
from ledger.rules.business_day import to_datetime
from ledger.rules.money import from_minor


def explain_spend(view: TransactionView) -> str | None:
    """How a spend became points, or became fewer; None where no spend was counted.

    The first answers carry this sentence and replays repeat it: its words belong to the answer's format.
    """
    if view.spend_minor is None or view.rate is None or view.spend_minor == 0:
        return None
    spend = _money(view.spend_minor, view)
    rule = (
        f"Version {view.programme_version} of the rules of {view.programme} gives {_points(view.rate.points)} "
        f"for each whole {_money(view.rate.per_minor, view)}"
    )
    if view.kind == "reverse":
        return f"{rule}: with {spend} taken back, {_points(view.points)} are no longer earned."
    return f"{rule}: {spend} earn {_points(view.points)}."


def explain_exchange(view: TransactionView) -> str | None:
    """How points of one programme became points of another; None for what is no exchange."""
    both = view.exchanged
    if both is None:
        return None
    return (
        f"{_points(both.burnt_points)} of {both.programme} were exchanged for "
        f"{_points(both.earned_points)} of {both.target_programme}."
    )


def explain(view: TransactionView) -> str:
    """What a line of a statement says about a transaction.

    Of another member nothing is said but that there is one.
    """
    sentence = WHAT_HAPPENED[view.kind](view)
    how = explain_spend(view)
    return sentence if how is None else f"{sentence} {how}"


def _earn(view: TransactionView) -> str:
    stated = "" if view.spend_minor is not None else ", a number that it stated itself"
    return f"{view.partner} gave {_points(view.points)}{_where(view)}{stated}.{_repaid(view)}"


def _redeem(view: TransactionView) -> str:
    cash = "" if view.cash_minor is None else f", beside {_money(view.cash_minor, view)} paid in cash"
    return f"{_points(view.points)} used with {view.partner}{_where(view)}{cash}."


def _reverse(view: TransactionView) -> str:
    if any(posting.debit.kind == "redeemed" for posting in view.postings):
        return f"{view.partner} gave back {_points(view.points)} of redemption {view.reverses}.{_repaid(view)}"
    owed = sum(posting.points for posting in view.postings if posting.debit.kind == "shortfall")
    used_up = f" {_points(owed)} were used already and are owed." if owed else ""
    return f"{view.partner} took back {_points(view.points)} of earn {view.reverses}.{used_up}"


def _expire(view: TransactionView) -> str:
    if view.is_given_up:
        return f"{_points(view.points)} were given up when the account was closed."
    last_days = ", ".join(lot.expires_on.isoformat() for lot in view.lots if lot.expires_on is not None)
    return f"{_points(view.points)} expired: the last day to use them was {last_days}."


def _hold(view: TransactionView) -> str:
    return f"{_points(view.points)} held for {view.partner}{_where(view)}{_until(view)}."


def _capture(view: TransactionView) -> str:
    cash = "" if view.cash_minor is None else f", beside {_money(view.cash_minor, view)} paid in cash"
    used = f"{_points(view.points)} of hold {view.hold} used with {view.partner}{_where(view)}{cash}."
    if view.released == 0:
        return used
    return f"{used} It was the last use: {_points(view.released)} released.{_repaid(view)}{_lapsed(view)}"


def _void(view: TransactionView) -> str:
    return f"{view.partner} released {_points(view.points)} of hold {view.hold}.{_repaid(view)}{_lapsed(view)}"


def _hold_expire(view: TransactionView) -> str:
    return (
        f"The time of hold {view.hold} for {view.partner} ended: {_points(view.points)} released."
        f"{_repaid(view)}{_lapsed(view)}"
    )


def _gift(view: TransactionView) -> str:
    _, arrives = _leg(view)
    # A member may give by itself, without a partner's app between.
    through = "" if view.partner is None else f", through {view.partner}"
    if arrives:
        return f"{_points(view.points)} received as a gift{through}.{_repaid(view)}"
    return f"{_points(view.points)} given to another member{through}."


def _exchange(view: TransactionView) -> str:
    return f"{explain_exchange(view)}{_repaid(view)}"


def _merge(view: TransactionView) -> str:
    if view.programme is None:
        return "Two accounts of one person were merged."
    return _taken_over(view, "another account of the same person")


def _move(view: TransactionView) -> str:
    if view.programme is None:
        return "The account was moved to another lane."
    return _taken_over(view, "another lane")


def _taken_over(view: TransactionView, where: str) -> str:
    kind, arrives = _leg(view)
    what = _points(view.points)
    if kind == "held":
        what += f" held for {view.partner}{_until(view)}"
    elif kind == "shortfall":
        what += " owed"
    if arrives:
        return f"{what} taken over from {where}.{_repaid(view) if kind == 'available' else ''}"
    return f"{what} taken over by {where}."


def _adjust(view: TransactionView) -> str:
    if any(posting.credit.kind == "available" for posting in view.postings):
        return f"{_points(view.points)} given at the cost of {view.partner}, by decision of two persons.{_repaid(view)}"
    return f"{_points(view.points)} issued by {view.partner} taken back, by decision of two persons."


def _write_off(view: TransactionView) -> str:
    return f"{_points(view.points)} that were owed are forgiven, by decision of two persons."


def _notice(view: TransactionView) -> str:
    if view.notice is None:
        msg = f"transaction {view.id} is a notice and tells no day"
        raise ValueError(msg)
    days, last_day = view.notice.days_before, view.notice.last_day
    return f"Notice, {days} days before: {_points(view.points)} can be used until the end of {last_day}."


def _cap(view: TransactionView) -> str:
    [posting] = view.postings
    return f"{_points(view.points)} of cap {posting.credit.owner} from {posting.debit.kind} to {posting.credit.kind}."


WHAT_HAPPENED: dict[str, Callable[[TransactionView], str]] = {
    "earn": _earn,
    "redeem": _redeem,
    "reverse": _reverse,
    "expire": _expire,
    "hold": _hold,
    "capture": _capture,
    "void": _void,
    "hold-expire": _hold_expire,
    "gift": _gift,
    "exchange": _exchange,
    "merge": _merge,
    "move": _move,
    "adjust": _adjust,
    "write-off": _write_off,
    "freeze": lambda _: "The account was frozen.",
    "unfreeze": lambda _: "The account can be used again.",
    "close": lambda _: "The account was closed.",
    "notice": _notice,
    "cap": _cap,
    "cover-low": lambda view: f"Cover {view.postings[0].debit.owner} has fallen below its alert level.",
    "settle": lambda view: f"{_points(view.points)} were settled between acceptors and issuers.",
    "money": lambda _: "Money moved between parties; no points did.",
    "epoch": lambda _: "The ledger was restored from a backup, and an epoch of it begins here; no points moved.",
}


def _leg(view: TransactionView) -> tuple[str, bool]:
    """The member's account that a leg moves, and whether it brings points or a debt instead of taking them."""
    first = view.postings[0]
    is_credited = first.debit.kind == "in_transit"
    kind = first.credit.kind if is_credited else first.debit.kind
    return kind, is_credited != (kind == "shortfall")


def _where(view: TransactionView) -> str:
    named = [
        f"{name} {value}"
        for name, value in (("scene", view.scene), ("outlet", view.outlet), ("channel", view.channel))
        if value is not None
    ]
    return f" ({', '.join(named)})" if named else ""


def _repaid(view: TransactionView) -> str:
    repaid = sum(posting.points for posting in view.postings if posting.credit.kind == "shortfall")
    return f" {_points(repaid)} of them repaid what was owed." if repaid else ""


def _lapsed(view: TransactionView) -> str:
    lapsed = sum(posting.points for posting in view.postings if posting.credit.kind == "expired")
    return f" {_points(lapsed)} of them expired: the last day to use them was over." if lapsed else ""


def _until(view: TransactionView) -> str:
    return "" if view.expires_at is None else f" until {to_datetime(view.expires_at):%Y-%m-%d %H:%M} UTC"


def _points(number: int) -> str:
    return "1 point" if number == 1 else f"{number} points"


def _money(minor: int, view: TransactionView) -> str:
    if view.currency is None:
        msg = f"transaction {view.id} has an amount of money and no programme"
        raise ValueError(msg)
    return f"{from_minor(minor, view.currency)} {view.currency}"
