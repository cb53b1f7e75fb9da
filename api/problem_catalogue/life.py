"""Problems in which a rule says no to a hold, a gift, an exchange, a cap, a correction or a change of a member."""

from api.problem_catalogue.problem_type import ProblemType

LIFE_REFUSALS = (
    ProblemType(
        code="hold-not-found",
        status=404,
        title="Hold not found",
        meaning="No hold has this id, or it is not yours. The two look the same.",
        what_to_do="Check the id: a hold's id is the `id` that POST /v1/holds answered.",
        facts={
            "id": "the id that was asked for",
        },
    ),
    ProblemType(
        code="hold-not-open",
        status=409,
        title="Hold is not open any more",
        meaning="Nothing is held any more: the hold was captured to its end, voided, or its time is over.",
        what_to_do="Read the hold with GET /v1/holds/{id}. To take points now, redeem them or place a new hold.",
        facts={
            "id": "the hold",
        },
    ),
    ProblemType(
        code="capture-exceeds-hold",
        status=409,
        title="Capture is larger than what is held",
        meaning="All captures of a hold together may not exceed it.",
        what_to_do="Capture at most what is still held, or leave out `points` to capture all of the rest.",
        facts={
            "requested": "points the request asked to capture",
            "held": "points that the hold still holds",
        },
    ),
    ProblemType(
        code="hold-expiry-out-of-range",
        status=422,
        title="Hold ends too early or too late",
        meaning="A hold ends after now and within a year; without expires_at it ends after seven days.",
        what_to_do="Send a later or an earlier expires_at, or leave it out.",
        facts={
            "field": "which time",
            "longest_days": "days for which a hold may last at most",
        },
    ),
    ProblemType(
        code="limit-exceeded",
        status=409,
        title="Limit is exceeded",
        meaning="What a member may give, and receive, as gifts in a calendar month is limited in every programme.",
        what_to_do="Give fewer points, or wait for the next month. The limit is under /v1/programmes.",
        facts={
            "limit": "points that are allowed in a month",
            "used": "points the giver has given this month; not told of the receiver",
            "requested": "points the request asked to give",
        },
    ),
    ProblemType(
        code="exchange-not-offered",
        status=409,
        title="Exchange is not offered",
        meaning="No rate holds today at which points of the one programme become points of the other.",
        what_to_do="See GET /v1/programmes/{code}/exchange-rates for what is offered, and from which day on.",
        facts={
            "programme": "code of the programme whose points were to be given",
            "target_programme": "code of the programme whose points were asked for",
        },
    ),
    ProblemType(
        code="exchange-not-whole",
        status=409,
        title="Points are no multiple of what the rate takes",
        meaning="A rate takes points in whole steps, so that none is rounded away.",
        what_to_do="Exchange a multiple of `give`.",
        facts={
            "requested": "points the request asked to exchange",
            "give": "points that one step of the rate takes",
            "get": "points that one step of the rate gives",
        },
    ),
    ProblemType(
        code="receiver-not-found",
        status=404,
        title="Receiver not found",
        meaning="No member answers to the name of the one who is to receive.",
        what_to_do="Check the id or card number, and use a new Idempotency-Key.",
    ),
    ProblemType(
        code="receiver-not-active",
        status=409,
        title="Receiver cannot take gifts",
        meaning="The receiver's account is frozen or closed.",
        what_to_do="Choose another receiver.",
    ),
    ProblemType(
        code="same-member",
        status=409,
        title="Both are the same member",
        meaning="Both names lead to one and the same member.",
        what_to_do="Check both names.",
    ),
    ProblemType(
        code="cap-exhausted",
        status=409,
        title="Cap is exhausted",
        meaning="What may be given under a campaign, budget or other cap is used up, or too little of it is left.",
        what_to_do="Give fewer points, or ask the operator whether more will be granted; then use a new key.",
        facts={
            "cap": "code of the cap",
            "requested": "points the request asked to give",
        },
    ),
    ProblemType(
        code="cap-not-found",
        status=404,
        title="Cap not found",
        meaning="No cap has this code, or it is not yours to see.",
        what_to_do="Take the code from /v1/caps.",
        facts={
            "cap": "code that was asked for",
        },
    ),
    ProblemType(
        code="member-not-frozen",
        status=409,
        title="Member is not frozen",
        meaning="Only a frozen member can be unfrozen.",
        what_to_do="Nothing needs to be done.",
    ),
    ProblemType(
        code="member-not-empty",
        status=409,
        title="Member still has points, holds or debts",
        meaning="A membership ends when nothing is left: no open hold, nothing owed, and points used or given up.",
        what_to_do=(
            "Wait for the holds, settle what is owed, and send give_up_points where the member gives up its points; "
            "use a new Idempotency-Key."
        ),
        facts={
            "available": "points that can be spent; left out where the caller may not see the balance",
            "pending": "points that cannot be spent yet",
            "held": "points under open holds",
            "shortfall": "points owed",
        },
    ),
    ProblemType(
        code="lane-not-found",
        status=422,
        title="Lane does not exist",
        meaning="The ledger has no lane of this number.",
        what_to_do="Choose one of the lanes named.",
        facts={
            "lane": "lane that was asked for",
        },
    ),
    ProblemType(
        code="same-lane",
        status=409,
        title="Member is in this lane already",
        meaning="A member moves to another lane than its own.",
        what_to_do="Nothing needs to be done.",
        facts={
            "lane": "lane that was asked for",
        },
    ),
    ProblemType(
        code="partner-not-found",
        status=404,
        title="Partner not found",
        meaning="No partner has this code.",
        what_to_do="Take the code from /v1/partners.",
        facts={
            "partner": "code that was asked for",
        },
    ),
    ProblemType(
        code="write-off-exceeds-shortfall",
        status=409,
        title="Nothing, or not so much, is owed",
        meaning="No more can be forgiven than the member owes.",
        what_to_do="Write off at most what is owed, or leave out `points` to forgive all of it.",
        facts={
            "requested": "points the request asked to forgive",
            "shortfall": "points that the member owes",
        },
    ),
    ProblemType(
        code="second-person-required",
        status=409,
        title="A second person must decide",
        meaning="Whoever asked for a correction does not decide on it, whichever key is used.",
        what_to_do="Have another person with the role decide.",
    ),
    ProblemType(
        code="approval-decided",
        status=409,
        title="Already decided otherwise",
        meaning="What was rejected cannot be approved, and what was approved cannot be rejected.",
        what_to_do="Read the approval. To try again, ask for a new one.",
        facts={
            "state": "what became of it",
        },
    ),
    ProblemType(
        code="not-appealable",
        status=409,
        title="Nothing to appeal against",
        meaning=(
            "A member appeals against a transaction that took points of its own, or against the freeze that stands, "
            "and against each once at a time."
        ),
        what_to_do="Name such a transaction. Where an appeal against it is open, wait for its answer.",
    ),
    ProblemType(
        code="appeal-decided",
        status=409,
        title="Appeal was decided otherwise",
        meaning="An appeal is decided once, with the reason that its member reads.",
        what_to_do="Read the appeal. The member may appeal again.",
        facts={
            "state": "what became of it",
        },
    ),
    ProblemType(
        code="bulk-item-refused",
        status=409,
        title="An item is refused, so nothing is posted",
        meaning="An atomic bulk posts all of its items or none. One of them was refused.",
        what_to_do=(
            "Correct the item named and send the whole under a new Idempotency-Key. The items' keys were not used up."
        ),
        facts={
            "item": "number of the item, from 0",
            "key": "the item's key",
            "refusal": "code and facts of the item's own problem",
        },
    ),
)
"""In the order in which the pages list them."""
