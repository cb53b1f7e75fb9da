"""All checks by their names, run in order."""

from collections.abc import Callable, Iterator

import msgspec

from loadtests.load.checks.answers import answers_in_the_journal, order_is_the_clients
from loadtests.load.checks.auditing import audit_clean
from loadtests.load.checks.caps import caps_held
from loadtests.load.checks.evidence import Evidence
from loadtests.load.checks.holds import holds_end_once
from loadtests.load.checks.keys import nothing_unasked, one_key_one_effect
from loadtests.load.checks.members import never_below_zero, reads_are_states
from loadtests.load.checks.refusals import refusals_justified
from loadtests.load.checks.settlement import settlement_closed
from loadtests.load.checks.webhooks import webhooks_arrived

CHECKS: dict[str, Callable[[Evidence], Iterator[str]]] = {
    "answers-in-the-journal": answers_in_the_journal,
    "order-is-the-clients": order_is_the_clients,
    "one-key-one-effect": one_key_one_effect,
    "nothing-unasked": nothing_unasked,
    "refusals-justified": refusals_justified,
    "never-below-zero": never_below_zero,
    "reads-are-states": reads_are_states,
    "caps-held": caps_held,
    "holds-end-once": holds_end_once,
    "webhooks-arrived": webhooks_arrived,
    "settlement-closed": settlement_closed,
    "audit-clean": audit_clean,
}


HAPPENS_ALWAYS = frozenset({"earn", "redeem", "hold", "balance", "settle:close"})
"""Kinds of requests without which a run proves little."""


class Finding(msgspec.Struct, frozen=True):
    """How a check ended: every contradiction that it found."""

    check: str
    contradictions: list[str]

    @property
    def holds(self) -> bool:
        """Whether there was none."""
        return not self.contradictions


def never_answered(evidence: Evidence) -> list[str]:
    """The kinds that a run has to have and never had a good answer to: where nothing happens, every promise holds."""
    return sorted(HAPPENS_ALWAYS - {attempt.kind for attempt in evidence.attempts if attempt.is_good})


def run_checks(evidence: Evidence) -> Iterator[Finding]:
    """Run every check, one after the other."""
    for name, check in CHECKS.items():
        yield Finding(name, list(check(evidence)))
