"""Problems of the service: the same request may succeed later."""

from api.problem_catalogue.problem_type import ProblemType

_SEND_AGAIN_LATER = (
    "Nothing was recorded. Send the same request with the same Idempotency-Key after the time in Retry-After."
)

_WAIT = {"retry_after_seconds": "seconds to wait, as in Retry-After"}

SERVICE_PROBLEMS = (
    ProblemType(
        code="too-many-requests",
        status=429,
        title="Too many requests",
        meaning="The credential has used up its allowance for the moment.",
        what_to_do=_SEND_AGAIN_LATER,
        retryable=True,
        retry_after_seconds=1,
        facts=_WAIT,
    ),
    ProblemType(
        code="busy",
        status=503,
        title="Too busy at the moment",
        meaning="More requests are waiting than the service can promise to answer in time.",
        what_to_do=_SEND_AGAIN_LATER,
        retryable=True,
        retry_after_seconds=1,
        facts=_WAIT,
    ),
    ProblemType(
        code="clock-behind",
        status=503,
        title="The clock is behind the ledger",
        meaning=(
            "The database clock is more than 60 s behind the last transaction recorded. The "
            "ledger waits until it catches up."
        ),
        what_to_do=(f"{_SEND_AGAIN_LATER} The operator should look at the clock of the database machine."),
        retryable=True,
        retry_after_seconds=30,
        facts={**_WAIT, "lane": "number of the lane that is ahead of the clock"},
    ),
    ProblemType(
        code="database-unavailable",
        status=503,
        title="Database cannot be reached",
        meaning="The service runs, but its database does not answer.",
        what_to_do=(
            "Send the same request with the same Idempotency-Key after the time in Retry-After. It takes effect once."
        ),
        retryable=True,
        retry_after_seconds=5,
        facts=_WAIT,
    ),
    ProblemType(
        code="shutting-down",
        status=503,
        title="Shutting down",
        meaning="This process is finishing what it has and takes nothing new.",
        what_to_do=_SEND_AGAIN_LATER,
        retryable=True,
        retry_after_seconds=5,
        facts=_WAIT,
    ),
    ProblemType(
        code="internal-error",
        status=500,
        title="Something went wrong on our side",
        meaning="An unexpected fault. It has been logged under the request id.",
        what_to_do=(
            "Send the same request with the same Idempotency-Key: it takes effect at most once. "
            "If it fails again, report the request id."
        ),
        retryable=True,
        facts={
            "request_id": "id under which the fault was logged",
        },
    ),
)
"""In the order in which the pages list them."""
