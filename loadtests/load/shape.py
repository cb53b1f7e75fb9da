"""How many clients there are in the course of a run: a quiet morning, the evening peak, the burst at the cut-off."""

QUIET, EVENING, NIGHT = 0.4, 0.8, 0.5
EVENING_BEGINS, CUT_OFF, BURST_ENDS, NIGHT_BEGINS = 0.25, 0.5, 0.6, 0.85
"""Parts of the run. At the cut-off the ledger's clock jumps into the next day, and the finance people begin."""


def cut_offs(days: int) -> list[float]:
    """At which parts of the run a day ends: the first in the middle, the others evenly after it."""
    return [CUT_OFF + number * (1 - CUT_OFF) / days for number in range(days)]


def users_at(progress: float, most: int) -> int | None:
    """The clients at a part (0 to 1) of the run, of ``most``; None when it is over."""
    if progress >= 1:
        return None
    if CUT_OFF <= progress < BURST_ENDS:
        return most
    share = EVENING if EVENING_BEGINS <= progress < NIGHT_BEGINS else QUIET if progress < EVENING_BEGINS else NIGHT
    return max(3, round(most * share))


def is_burst(progress: float) -> bool:
    """Whether everybody sends without a pause, because the day ends."""
    return CUT_OFF <= progress < BURST_ENDS
