"""The roll-forward of outstanding points: by funding and price version, from one batch to the next.

opening + issued - clawed back - redeemed + restored - exchanged - expired - recovered = closing, and the closing of one
batch is the opening of the next. What members came to owe is rolled forward beside it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from settlement.flows import Flow, FlowKind

_FIELDS = {
    FlowKind.ISSUE: "issued",
    FlowKind.CLAWBACK: "clawed_back",
    FlowKind.RECOVERY: "recovered",
    FlowKind.REDEEM: "redeemed",
    FlowKind.RETURN: "restored",
    FlowKind.DECIDED_RETURN: "restored",
    FlowKind.EXPIRE: "expired",
    FlowKind.EXCHANGE: "exchanged",
}


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Outstanding points of one funding and price version over a batch. ``owed`` and ``forgiven`` are members' debts.

    ``repaid`` is what of the funding's own reversed points was recovered; ``recovered`` is what of its points
    repaid whatever was owed.
    """

    funding: int
    version: int
    opening: int = 0
    issued: int = 0
    clawed_back: int = 0
    recovered: int = 0
    redeemed: int = 0
    restored: int = 0
    expired: int = 0
    exchanged: int = 0
    owed_opening: int = 0
    owed: int = 0
    repaid: int = 0
    forgiven: int = 0

    @property
    def closing(self) -> int:
        """Points outstanding at the end."""
        came = self.opening + self.issued + self.restored
        return came - self.clawed_back - self.redeemed - self.exchanged - self.expired - self.recovered

    @property
    def owed_closing(self) -> int:
        """Points that members owe at the end."""
        return self.owed_opening + self.owed - self.repaid - self.forgiven


def roll_forward(opening: Sequence[Position], flows: Iterable[Flow]) -> tuple[Position, ...]:
    """The positions after a batch, given those before it, in the order of funding and version."""
    before = {(position.funding, position.version): position for position in opening}
    moved: defaultdict[tuple[int, int], Counter[str]] = defaultdict(Counter)
    for flow in flows:
        place = (flow.funding, flow.version)
        if flow.kind == FlowKind.OWED:
            moved[place]["owed"] += flow.points
        elif flow.kind == FlowKind.FORGIVEN:
            moved[place]["forgiven"] += flow.points
        else:
            moved[place][_FIELDS[flow.kind]] += flow.points
        if flow.kind == FlowKind.RECOVERY:
            moved[flow.debtor_funding, flow.debtor_version]["repaid"] += flow.points
    positions = []
    for funding, version in sorted(before.keys() | moved.keys()):
        last = before.get((funding, version))
        position = Position(
            funding=funding,
            version=version,
            opening=0 if last is None else last.closing,
            owed_opening=0 if last is None else last.owed_closing,
            **moved[funding, version],
        )
        is_over = position == Position(funding=funding, version=version)
        if not is_over:
            positions.append(position)
    return tuple(positions)
