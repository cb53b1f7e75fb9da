"""Which lanes a batch locks, and what a command gets that asks for more.

A command that needs other lanes than its own leaves its batch and runs alone, with all of them locked in
ascending order. Only caps that are nearly exhausted are an exception: their home lanes are locked for the
whole batch, so that many refusals cost no more than many earns.
"""

import secrets
from collections.abc import Sequence

from ledger.ids import REQUEST_DIGEST_BYTES
from ledger.rules.commands import Earn, Submission, SweepCap
from ledger.rules.outcomes import NeedsLanes, NeedsLots
from ledger.rules.programmes import LEDGER_ITSELF, Registry

KEY_DIGEST_BYTES = 32


def lanes_of(submissions: Sequence[Submission], registry: Registry) -> set[int]:
    """The lanes of a batch, with the home lanes of swept caps that its earns fall under."""
    lanes = {submission.lane for submission in submissions}
    # An atomic command comes alone.
    lanes.update(item.lane for item in submissions[0].items)
    if registry.caps and any(cap.is_swept for cap in registry.caps):
        for submission in submissions:
            lanes.update(_homes(submission, registry))
    return lanes


def widened(submission: Submission, needs: NeedsLanes | NeedsLots) -> frozenset[int]:
    """Give a command what it asked for; returns the lanes to lock as well when it runs again, alone."""
    targets = submission.items or (submission,)
    if isinstance(needs, NeedsLots):
        for target in targets:
            target.needs_all_lots = True
        return frozenset()
    for target in targets:
        target.more_members |= needs.members
    return needs.lanes


def sweep_submission(cap: str) -> Submission:
    """The ledger's own command to sweep a cap; its key is never kept and need only be new."""
    key = secrets.token_bytes(KEY_DIGEST_BYTES)
    return Submission(
        command=SweepCap(cap=cap),
        partner=LEDGER_ITSELF,
        key_digest=key,
        request_digest=key[:REQUEST_DIGEST_BYTES],
        lane=0,
    )


def _homes(submission: Submission, registry: Registry) -> set[int]:
    command = submission.command
    if submission.items:
        return {home for item in submission.items for home in _homes(item, registry)}
    if not isinstance(command, Earn):
        return set()
    programme = registry.programmes.get(command.programme)
    if programme is None:
        return set()
    funding = registry.funding_of_earn(submission.partner, command.campaign)
    if funding is None:
        return set()
    caps = registry.caps_on(programme.number, submission.partner, command.scene, funding)
    return {cap.home_lane for cap in caps if cap.is_swept}
