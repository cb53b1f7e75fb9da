"""What the posters measure, for Prometheus."""

from collections import Counter as Tally
from collections.abc import Sequence

from prometheus_client import Counter, Gauge, Histogram

from ledger.rules.journal import TransactionKind
from ledger.rules.outcomes import KeyReused, Outcome, Posted, Refused, Replayed

POSTING_SECONDS = Histogram(
    "citypoints_posting_seconds",
    "Time from the arrival of a batch's oldest command in the queue to its outcome",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
BATCH_COMMANDS = Histogram(
    "citypoints_batch_commands",
    "Commands committed together in one unit of work",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
)
QUEUE_DEPTH = Gauge(
    "citypoints_queue_commands",
    "Commands waiting for a poster",
    multiprocess_mode="livesum",
)
TRANSACTIONS = Counter("citypoints_transactions_total", "Transactions recorded", ["kind"])
REFUSALS = Counter("citypoints_refusals_total", "Commands refused by a rule", ["code"])
REPLAYS = Counter("citypoints_replays_total", "Answers given again for a repeated key")
BATCH_RETRIES = Counter("citypoints_batch_retries_total", "Units of work submitted again", ["reason"])


def count_batch(outcomes: Sequence[Outcome]) -> None:
    """Count what became of a batch, with one step per kind and not per command."""
    BATCH_COMMANDS.observe(len(outcomes))
    recorded: Tally[int] = Tally()
    refused: Tally[str] = Tally()
    replayed = 0
    for outcome in outcomes:
        if isinstance(outcome, Posted):
            recorded.update([entry.transaction.kind for entry in outcome.entries])
        elif isinstance(outcome, Refused):
            refused[outcome.code] += 1
        elif isinstance(outcome, KeyReused):
            refused["idempotency-key-reused"] += 1
        elif isinstance(outcome, Replayed):
            replayed += 1
    for kind, count in recorded.items():
        TRANSACTIONS.labels(TransactionKind(kind).name.lower()).inc(count)
    for code, count in refused.items():
        REFUSALS.labels(code).inc(count)
    if replayed:
        REPLAYS.inc(replayed)
