"""The beginning of an epoch: a transaction without postings, of no member and no programme, one in each lane."""

from ledger.rules.commands import StartEpoch, Submission
from ledger.rules.journal import Particulars, TransactionKind
from ledger.rules.outcomes import Decided, Decision, Draft
from ledger.rules.programmes import LEDGER_ITSELF
from ledger.rules.state import LedgerState


def decide_start_epoch(command: StartEpoch, submission: Submission, state: LedgerState) -> Decision:
    """Record that an epoch begins in the submission's lane; its key makes it once."""
    draft = Draft(
        kind=TransactionKind.EPOCH,
        lane=submission.lane,
        programme=0,
        partner=LEDGER_ITSELF,
        member=0,
        points=0,
        occurred_at=state.lanes[submission.lane].now,
        key_digest=submission.key_digest,
        request_digest=submission.request_digest,
        postings=[],
        particulars=Particulars(
            epoch=command.number, epoch_identity=command.identity, superseded_seals=command.superseded_seals
        ),
    )
    return Decided([draft])
