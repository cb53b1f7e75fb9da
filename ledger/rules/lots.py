"""Lots: which can be used now, and in what order they are used."""

from collections.abc import Iterable

from ledger.rules.state import LotState, PointsState


def usable_lots(points: PointsState, now: int) -> list[LotState]:
    """Lots with points that are neither pending nor lapsed at ``now``, in the order of use.

    Soonest expiry first, then earliest earned, then lot number. Where not all lots were read, only
    those before the first unread one: what comes after it must not be used first.
    """
    usable = [lot for lot in points.lots if lot.remaining > 0 and lot.available_from <= now < lot.lapses_at]
    usable.sort(key=spend_order)
    if points.lots_complete:
        return usable
    return [lot for lot in usable if spend_order(lot) <= points.lots_read_to]


def spend_order(lot: LotState) -> tuple[int, int, int]:
    """Soonest expiry first, then earliest earned, then lot number."""
    return (lot.lapses_at, lot.earned_at, lot.lot)


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
