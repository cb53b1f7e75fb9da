"""Check: a partner with a webhook was told of every transaction of its own, and of nothing else."""

from collections.abc import Iterator

from loadtests.load.checks.evidence import Evidence, Hook

MOST_NAMED = 20


def webhooks_arrived(evidence: Evidence) -> Iterator[str]:
    """Events that did not arrive, foreign ones, and signatures that were not good."""
    for hook in evidence.hooks:
        wanted = events_of(evidence, hook)
        missing, foreign = wanted - hook.arrived, hook.arrived - wanted
        for one in sorted(missing)[:MOST_NAMED]:
            yield f"{hook.partner} was not told of {one} ({len(missing)} of {len(wanted)} are missing)"
        for one in sorted(foreign)[:MOST_NAMED]:
            yield f"{hook.partner} was told of {one}, which is not its own"
        if hook.unverified:
            yield f"{hook.partner} got {hook.unverified} deliveries without a good signature"


def events_of(evidence: Evidence, hook: Hook) -> set[str]:
    """The ids of a partner's transactions."""
    return {row.id for row in evidence.rows if row.partner == hook.partner}
