"""Problems in which a rule says no because of who pays for points, and when."""

from api.problem_catalogue.problem_type import ProblemType

FUNDING_REFUSALS = (
    ProblemType(
        code="campaign-not-found",
        status=404,
        title="Campaign not found",
        meaning="No campaign of the programme has this code, or you do not share in it. The two look the same.",
        what_to_do="Take the code from /v1/campaigns, or leave `campaign` out to issue at your own cost.",
        facts={
            "campaign": "code that was asked for",
        },
    ),
    ProblemType(
        code="issuer-suspended",
        status=403,
        title="Issuing is suspended",
        meaning=(
            "An issuer that would pay for these points owes what is overdue. Redemptions, captures and reversals "
            "go on as before."
        ),
        what_to_do="Pay what is due, or ask the operator; once issuing is resumed use a new Idempotency-Key.",
        facts={
            "issuer": "code of the partner that is suspended",
            "programme": "code of the programme",
        },
    ),
    ProblemType(
        code="period-closed",
        status=409,
        title="Period is closed",
        meaning="The books of the period in which the event occurred are closed; nothing is added to them.",
        what_to_do="Post it as an event of today, with a new Idempotency-Key, or ask the operator for a correction.",
        facts={
            "field": "which time or day",
            "closed_through": "last business day of the closed period",
            "occurred_on": "business day of the event",
            "got": "day that was asked for, where a period was to be closed",
        },
    ),
    ProblemType(
        code="issuer-cover-exhausted",
        status=409,
        title="Issuer's cover is used up",
        meaning="What the issuer has paid in advance, or may owe, is too little for what these points cost.",
        what_to_do="Pay in advance, or give fewer points; then use a new Idempotency-Key.",
        facts={
            "issuer": "code of the partner whose cover is too small",
            "programme": "code of the programme",
            "currency": "currency of the programme",
            "requested": "what the points cost, in 1/10,000 of the currency",
        },
    ),
    ProblemType(
        code="cover-in-use",
        status=409,
        title="Cover is in use",
        meaning="A cover cannot be made smaller than what is used of it.",
        what_to_do="Take at most what is left.",
        facts={
            "cap": "code of the cover",
            "requested": "what was to be taken, in 1/10,000 of the currency",
            "left": "what is not used, likewise",
        },
    ),
    ProblemType(
        code="no-cover-price",
        status=409,
        title="Issuer has no price",
        meaning="Nothing says what the issuer's points cost it, so no cover can be opened for it.",
        what_to_do="Agree its contract terms first.",
    ),
)
