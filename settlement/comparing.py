"""What changed since the batch before: each party's net before and now, the new parties, and those that are missing.

Pure: it looks at figures, and decides nothing.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Literal

import msgspec

from settlement.rounding import half_even

Standing = Literal["new", "missing", "changed", "same"]

TENTHS_OF_PERCENT = 1_000


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A party's net in two batches, in minor units, positive what it gets; ``None`` where it is not in a batch."""

    party: int
    before_minor: int | None
    now_minor: int | None

    @property
    def standing(self) -> Standing:
        """Whether the party is new, missing, changed, or the same."""
        if self.before_minor is None:
            return "new"
        if self.now_minor is None:
            return "missing"
        return "same" if self.before_minor == self.now_minor else "changed"

    @property
    def difference_minor(self) -> int:
        """By how much the net moved in the party's favour; a batch that it is not in counts as nothing."""
        return (self.now_minor or 0) - (self.before_minor or 0)

    @property
    def difference_permille(self) -> int | None:
        """The difference in thousandths of what was before, by size; None where nothing was."""
        if not self.before_minor or self.now_minor is None:
            return None
        return half_even(Fraction(self.difference_minor * TENTHS_OF_PERCENT, abs(self.before_minor)))


def changes(before: Mapping[int, int], now: Mapping[int, int]) -> tuple[Change, ...]:
    """The parties of two batches by their nets, the largest difference first."""
    found = [
        Change(party=party, before_minor=before.get(party), now_minor=now.get(party))
        for party in before.keys() | now.keys()
    ]
    return tuple(sorted(found, key=lambda one: (-abs(one.difference_minor), one.party)))
