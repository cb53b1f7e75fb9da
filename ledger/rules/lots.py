"""Lots: which can be used now, and in what order they are used."""

from collections.abc import Iterable

from ledger.rules.state import LotState


def usable_lots(lots: Iterable[LotState], now: int) -> list[LotState]:
    """Lots with points that are neither pending nor lapsed at ``now``, in the order of use.

    Soonest expiry first, then earliest earned, then lot number (contract: ledger README, "Spending").
    """
    usable = [lot for lot in lots if lot.remaining > 0 and lot.available_from <= now < lot.lapses_at]
    usable.sort(key=lambda lot: lot.spend_order)
    return usable


def consume_lots(lots: Iterable[LotState], amount_points: int) -> list[tuple[LotState, int]]:
    """Take whole points from lots in the given order; lots are not changed.

    The uses add up to ``amount_points``. Raises ValueError when the lots hold less, which the caller
    has ruled out by the balance: the two disagreeing is a broken invariant, not a refusal.
    """
    uses: list[tuple[LotState, int]] = []
    rest = amount_points
    for lot in lots:
        if rest == 0:
            break
        taken = min(lot.remaining, rest)
        uses.append((lot, taken))
        rest -= taken
    if rest:
        msg = f"the lots hold {amount_points - rest} points, the balance promised {amount_points}"
        raise ValueError(msg)
    return uses
