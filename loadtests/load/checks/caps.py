"""Check: what is given under a limit never exceeds it; and what can have been used of a cap, for the refusals."""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

from loadtests.load.checks.evidence import Cap, Evidence
from loadtests.load.order import NEVER, Span, Window

EVERYTHING = Window(surely=NEVER, maybe=NEVER)


def caps_held(evidence: Evidence) -> Iterator[str]:
    """Caps and months of gifts above which was given: by the journal, whose rows every answer has to be among.

    A load test lies within one month.
    """
    for cap in evidence.caps:
        given = CapUse(evidence, cap).total
        if given > cap.authorised:
            yield f"{cap.partner} may give {cap.authorised} points and gave {given}"
    for member, life in evidence.lives.items():
        for arriving in (False, True):
            points = life.gifts(EVERYTHING, arriving=arriving)
            if points > evidence.gift_limit:
                what = "been given" if arriving else "given"
                yield f"{member} has {what} {points} points, the limit is {evidence.gift_limit}"


class CapUse:
    """What a partner gave under its cap. It takes nothing back in a load test, so what is used only grows."""

    def __init__(self, evidence: Evidence, cap: Cap) -> None:
        given = [row for row in evidence.rows if row.kind == "earn" and row.partner == cap.partner]
        order = evidence.order
        earliest = sorted((order.earliest(row.place), row.points) for row in given)
        self._moments = [moment for moment, _ in earliest]
        self._used = [0, *accumulate(points for _, points in earliest)]
        self._authorised = cap.authorised

    @property
    def total(self) -> int:
        """All that was given."""
        return self._used[-1]

    def least_left(self, span: Span) -> int:
        """The least that can have been left when a request of this span was decided: all is used that came before."""
        return self._authorised - self._used[bisect_right(self._moments, span.answered)]
