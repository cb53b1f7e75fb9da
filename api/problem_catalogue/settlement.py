"""Problems of settlement: what a step of it may be refused for."""

from api.problem_catalogue.problem_type import ProblemType

_BATCH = {"batch": "name of the batch", "state": "its state"}

SETTLEMENT_PROBLEMS = (
    ProblemType(
        code="contract-missing",
        status=409,
        title="Contract is missing",
        meaning="A partner has issued or accepted points that no contract of it prices.",
        what_to_do="Have its contract terms proposed and approved, then run the settlement again.",
        facts={"partner": "code of the partner", "programme": "code of the programme", "side": "issuer or acceptor"},
    ),
    ProblemType(
        code="quote-missing",
        status=409,
        title="No rate is in force",
        meaning="A party is settled in a foreign currency for which no rate was in force at the cut-off.",
        what_to_do="Enter the rate that was quoted, then run the settlement again.",
        facts={"currency": "the foreign currency", "day": "business day at whose end the rate is wanted"},
    ),
    ProblemType(
        code="day-not-over",
        status=409,
        title="Day is not over",
        meaning="A business day can be closed only after its cut-off.",
        what_to_do="Close it after the time in closes_at.",
        facts={"day": "the business day", "closes_at": "from when on it can be closed"},
    ),
    ProblemType(
        code="day-not-next",
        status=409,
        title="Another day comes first",
        meaning="Business days are closed in their order, without a gap.",
        what_to_do="Close the day in next first.",
        facts={"got": "the day asked for", "next": "the day that comes next"},
    ),
    ProblemType(
        code="nothing-to-settle",
        status=409,
        title="Nothing to settle",
        meaning="No business day is closed that could be settled.",
        what_to_do="Close the day first.",
        facts={"programme": "code of the programme"},
    ),
    ProblemType(
        code="batch-in-the-way",
        status=409,
        title="Another batch is in the way",
        meaning="A programme has one unapproved batch at a time, and pays one batch before it approves the next.",
        what_to_do="Finish or cancel the batch that is named.",
        facts=_BATCH,
    ),
    ProblemType(
        code="batch-not-in-state",
        status=409,
        title="Batch is in another state",
        meaning="The step does not follow from the state that the batch is in.",
        what_to_do="Look at the batch: another person may have gone on with it.",
        facts={**_BATCH, "wanted": "states in which the step is possible"},
    ),
    ProblemType(
        code="batch-outdated",
        status=409,
        title="Batch is outdated",
        meaning="Money has moved since the batch was run, so its figures no longer fit the ledger.",
        what_to_do="Cancel the batch and run it again.",
        facts={"batch": "name of the batch"},
    ),
    ProblemType(
        code="approval-limit-exceeded",
        status=403,
        title="Above your limit",
        meaning="The batch pays out more than your role may approve.",
        what_to_do="Ask a person with a higher limit to approve it.",
        facts={
            "batch": "name of the batch",
            "pays_out_minor": "what it pays out, in minor units",
            "limit_minor": "what you may approve, in minor units",
        },
    ),
    ProblemType(
        code="terms-in-the-past",
        status=409,
        title="Terms would change the past",
        meaning="New terms start after the version before them and after the last closed day.",
        what_to_do="Choose a later day to start on.",
        facts={"got": "the day asked for", "after": "the day it must be after"},
    ),
    ProblemType(
        code="proposal-decided",
        status=409,
        title="Proposal is decided",
        meaning="Another decision was made on the proposal before.",
        what_to_do="Read the proposal; make a new one where it was rejected.",
        facts={"state": "what was decided"},
    ),
)
