"""Sentences that say of a transaction who, where, by which rule, and what it takes back."""

from ledger.reading.transaction_views import TransactionView
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


def explain(view: TransactionView) -> str:
    """What a line of a statement says about a transaction."""
    sentence = _WHAT_HAPPENED[view.kind](view)
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
    last_days = ", ".join(lot.expires_on.isoformat() for lot in view.lots if lot.expires_on is not None)
    return f"{_points(view.points)} expired: the last day to use them was {last_days}."


_WHAT_HAPPENED = {"earn": _earn, "redeem": _redeem, "reverse": _reverse, "expire": _expire}


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


def _points(number: int) -> str:
    return "1 point" if number == 1 else f"{number} points"


def _money(minor: int, view: TransactionView) -> str:
    return f"{from_minor(minor, view.currency)} {view.currency}"
