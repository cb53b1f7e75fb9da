"""Problems in which a rule of the ledger says no."""

from api.problem_catalogue.problem_type import ProblemType

REFUSALS = (
    ProblemType(
        code="insufficient-points",
        status=409,
        title="Not enough points",
        meaning=(
            "The member has fewer points available than the request needs. Held, pending and "
            "lapsed points do not count."
        ),
        what_to_do="Ask for fewer points, or try again under a new Idempotency-Key once the member has earned more.",
        facts={
            "available": "points the member can spend now; left out where the caller may not see the balance",
            "requested": "points the request asked for",
        },
    ),
    ProblemType(
        code="member-not-found",
        status=404,
        title="Member not found",
        meaning="No member answers to this id, reference or card number, or the member is not yours to see.",
        what_to_do="Check the reference, or create the member first and then use a new Idempotency-Key.",
    ),
    ProblemType(
        code="code-used",
        status=409,
        title="Code has been used",
        meaning=(
            "The member's code is good for one posting, and one has been made with it: by you, by another till, or by "
            "another partner."
        ),
        what_to_do=(
            "Where the line dropped, repeat your own request with its Idempotency-Key: it is answered as the first "
            "time. Else ask the member for the next code and use a new Idempotency-Key."
        ),
    ),
    ProblemType(
        code="code-expired",
        status=409,
        title="Code is no longer good",
        meaning="A member's code is good for two minutes, and those are over.",
        what_to_do="Ask the member for the next code, and use a new Idempotency-Key.",
    ),
    ProblemType(
        code="member-frozen",
        status=409,
        title="Member is frozen",
        meaning="Staff have frozen this member. Nothing can be earned or redeemed until the member is unfrozen.",
        what_to_do="Send the member to the operator's support desk, and use a new Idempotency-Key afterwards.",
    ),
    ProblemType(
        code="member-closed",
        status=409,
        title="Member is closed",
        meaning="This member has left the scheme. A closed member takes part in nothing new.",
        what_to_do="Do not try again. A person who comes back is created as a new member.",
    ),
    ProblemType(
        code="partner-not-permitted",
        status=403,
        title="Partner may not do this in this programme",
        meaning="The programme does not list the partner as one that may issue (earn) or accept (redeem) its points.",
        what_to_do="Ask the operator to permit the partner in the programme.",
        facts={
            "programme": "code of the programme",
        },
    ),
    ProblemType(
        code="programme-closed",
        status=409,
        title="Programme is closed",
        meaning="The programme no longer takes this kind of transaction.",
        what_to_do="Use another programme. Its dates are under /v1/programmes.",
        facts={
            "programme": "code of the programme",
        },
    ),
    ProblemType(
        code="programme-not-found",
        status=404,
        title="Programme not found",
        meaning="No programme has this code, or it is not yours to see.",
        what_to_do="Take the code from /v1/programmes. Codes are written in capitals, as in CITY.",
        facts={
            "programme": "code that was asked for",
        },
    ),
    ProblemType(
        code="transaction-not-found",
        status=404,
        title="Transaction not found",
        meaning="No transaction has this id, or it is not yours to see. The two look the same.",
        what_to_do="Check the id. GET /v1/transactions?key=… finds a transaction by its Idempotency-Key.",
        facts={
            "id": "the id that was asked for",
        },
    ),
    ProblemType(
        code="reversal-exceeds-original",
        status=409,
        title="Reversal is larger than what is left of the original",
        meaning="All reversals of a transaction together may not exceed it.",
        what_to_do="Reverse at most what is still reversible, or leave out the amount to reverse all of the rest.",
        facts={
            "requested": "points the request asked to reverse",
            "reversible": "points that can still be reversed",
            "requested_minor": "money the request asked to reverse, in minor units",
            "reversible_minor": "money that can still be reversed, in minor units",
        },
    ),
    ProblemType(
        code="already-reversed",
        status=409,
        title="Already reversed",
        meaning="Nothing is left of the original: earlier reversals have taken all of it back.",
        what_to_do="Do not try again. Read the original transaction to see what reversed it.",
        facts={
            "points": "points of the original",
        },
    ),
    ProblemType(
        code="not-reversible",
        status=409,
        title="This kind of transaction cannot be reversed",
        meaning="Earnings, redemptions and captures can be reversed; reversals, expiries and other kinds cannot.",
        what_to_do="To undo a reversal, post the earning or redemption anew. What is only held is voided.",
    ),
    ProblemType(
        code="occurred-too-long-ago",
        status=409,
        title="Event is older than the programme accepts",
        meaning="occurred_at lies further back than the programme's maximum age of an event.",
        what_to_do="Check the time and its offset. For a true late event ask the operator.",
        facts={
            "field": "which time",
            "maximum_age_days": "how many days old an event may be",
        },
    ),
    ProblemType(
        code="occurred-in-future",
        status=409,
        title="Event lies in the future",
        meaning="occurred_at is later than the ledger's clock allows.",
        what_to_do=(
            "Check the clock of the sending system and the offset of the time, then use a new Idempotency-Key."
        ),
        facts={
            "field": "which time",
        },
    ),
    ProblemType(
        code="zero-points",
        status=409,
        title="This spend earns no points",
        meaning="Under the programme's rate of that day the spend is worth less than one whole point.",
        what_to_do="Nothing needs to be done: there is nothing to record.",
        facts={
            "spend_minor": "the spend, in minor units of the programme's currency",
            "step_minor": "the spend that earns one step of points, in minor units",
        },
    ),
    ProblemType(
        code="no-earlier-earn",
        status=409,
        title="No earlier earning to take back from",
        meaning=(
            "An imported cancellation names no original, and no earlier earning of that member has anything left."
        ),
        what_to_do="Check whether the earning is missing from the file, or leave the cancellation unposted.",
        facts={
            "spend_minor": "money for which no earlier earning was found, in minor units",
        },
    ),
    ProblemType(
        code="amount-out-of-range",
        status=422,
        title="Amount is out of range",
        meaning=(
            "The amount is not positive, is too large, or would take an account past what can be counted (2^63 - 1)."
        ),
        what_to_do="Send an amount within the limits named.",
        facts={
            "field": "which amount",
            "got": "the amount, as read",
            "maximum": "largest amount accepted",
        },
    ),
    ProblemType(
        code="currency-mismatch",
        status=422,
        title="Amount is in another currency",
        meaning="The programme counts spend in one currency, and the amount is in another.",
        what_to_do="Send the amount in the programme's currency; it is not converted here.",
        facts={
            "currency": "currency of the amount",
            "wanted": "currency of the programme",
        },
    ),
    ProblemType(
        code="idempotency-key-reused",
        status=422,
        title="Idempotency-Key was used for another request",
        meaning="The key already stands for a request with another body, member or operation. Nothing was changed.",
        what_to_do=(
            "Look up what the key stands for with GET /v1/transactions?key=…, and use a new key for a new request."
        ),
    ),
)
"""In the order in which the pages list them."""
