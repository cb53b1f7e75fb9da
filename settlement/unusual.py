"""What is unusual about a batch: plain rules over its figures and those of the batches before it.

Nothing found here stops a batch. Each rule can be said in a sentence, so whoever approves can judge it. Pure.
"""

from collections.abc import Iterator, Sequence
from statistics import median_low
from typing import Literal

import msgspec

from settlement.batches import Batch

USUAL_BATCHES = 5
"""How many approved batches before say what is usual."""

MUCH_MORE = 3
LEAST_MINOR = 10_000
"""Below this an amount is never much: small sums vary by chance. Minor units of the programme's currency."""

Rule = Literal[
    "much-more",
    "new-payee",
    "account-changed",
    "first-negative",
    "no-account",
    "no-terms",
    "late-points",
    "adjustments",
    "adjustments-waiting",
    "suspense",
    "disputes",
]
RULES: tuple[Rule, ...] = (
    "account-changed",
    "new-payee",
    "much-more",
    "first-negative",
    "no-account",
    "no-terms",
    "late-points",
    "adjustments",
    "adjustments-waiting",
    "suspense",
    "disputes",
)
"""All rules, in the order in which they are shown."""


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What stands around a batch: ``without_terms`` are partners of the programme that have no contract.

    ``adjustments`` are those that were carried out between the approval of the batch before and this one's.
    """

    without_terms: tuple[int, ...] = ()
    adjustments: int = 0
    adjustments_waiting: int = 0
    suspense_items: int = 0
    open_disputes: int = 0


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a rule found: about a party, or a ``count`` of things. Amounts are minor units."""

    rule: Rule
    party: int | None = None
    now_minor: int | None = None
    usual_minor: int | None = None
    count: int | None = None


def unusual(batch: Batch, earlier: Sequence[Batch], around: Surroundings) -> tuple[Finding, ...]:
    """What the rules find; ``earlier`` are approved batches before it, the last first, of which a few count."""
    known = earlier[:USUAL_BATCHES]
    found = [*_of_amounts(batch, known), *_of_accounts(batch, known), *_of_things(batch, around)]
    return tuple(sorted(found, key=lambda one: (RULES.index(one.rule), -abs(one.now_minor or 0), one.party or 0)))


def _of_amounts(batch: Batch, earlier: Sequence[Batch]) -> Iterator[Finding]:
    for party, now_minor in batch.figures.nets.items():
        before = [nets[party] for one in earlier if party in (nets := one.figures.nets)]
        if not before:
            continue
        usual_minor = median_low([abs(net) for net in before])
        if abs(now_minor) >= LEAST_MINOR and abs(now_minor) > MUCH_MORE * usual_minor:
            yield Finding(rule="much-more", party=party, now_minor=now_minor, usual_minor=usual_minor)
        if now_minor < 0 <= min(before):
            yield Finding(rule="first-negative", party=party, now_minor=now_minor)


def _of_accounts(batch: Batch, earlier: Sequence[Batch]) -> Iterator[Finding]:
    now = batch.inputs.current_terms
    for party, net_minor in batch.figures.nets.items():
        if net_minor > 0:
            if earlier and not any(one.figures.nets.get(party, 0) > 0 for one in earlier):
                yield Finding(rule="new-payee", party=party, now_minor=net_minor)
            if party not in now or now[party].beneficiary is None:
                yield Finding(rule="no-account", party=party, now_minor=net_minor)
    last = earlier[0].inputs.current_terms if earlier else {}
    for party, terms in now.items():
        known = last[party].beneficiary if party in last else None
        if known is not None and terms.beneficiary != known:
            yield Finding(rule="account-changed", party=party, now_minor=batch.figures.nets.get(party))


def _of_things(batch: Batch, around: Surroundings) -> Iterator[Finding]:
    for party in around.without_terms:
        yield Finding(rule="no-terms", party=party)
    late_points = sum(line.late_points for line in batch.figures.lines)
    counts: tuple[tuple[Rule, int], ...] = (
        ("late-points", late_points),
        ("adjustments", around.adjustments),
        ("adjustments-waiting", around.adjustments_waiting),
        ("suspense", around.suspense_items),
        ("disputes", around.open_disputes),
    )
    for rule, count in counts:
        if count:
            yield Finding(rule=rule, count=count)
