"""Problems that lie in the request itself, or in what it names."""

from api.problem_catalogue.problem_type import ProblemType

REQUEST_PROBLEMS = (
    ProblemType(
        code="idempotency-key-missing",
        status=400,
        title="Idempotency-Key is missing",
        meaning="Every request that changes the ledger carries a key, so that it can be repeated safely.",
        what_to_do=(
            "Send an Idempotency-Key header that is unique to this business event, such as the receipt number."
        ),
    ),
    ProblemType(
        code="idempotency-key-malformed",
        status=400,
        title="Idempotency-Key is malformed",
        meaning="A key has 1 to 255 visible ASCII characters, without spaces.",
        what_to_do="Send a key of that form.",
        facts={
            "got": "what is wrong with the key",
            "wanted": "the form of a key",
        },
    ),
    ProblemType(
        code="malformed-request",
        status=400,
        title="Request is malformed",
        meaning=(
            "The request could not be understood. Unknown fields are refused too, so that a typing error never passes."
        ),
        what_to_do="Correct the field named. The form of every request is at /docs.",
        facts={
            "field": "JSON path of the field in the body ($ is the whole body), or name of the parameter or header",
            "where": "body, query, path, header, cookie, or request for the request as a whole",
            "got": "what was sent, where that can be told",
            "wanted": "what is accepted there",
        },
    ),
    ProblemType(
        code="malformed-cursor",
        status=400,
        title="Cursor is not one of ours",
        meaning="The cursor was changed, shortened, or made for another list.",
        what_to_do="Use next_cursor exactly as answered, with the same filters, or start again without a cursor.",
        facts={
            "field": "name of the parameter",
        },
    ),
    ProblemType(
        code="cursor-before-restore",
        status=410,
        title="Cursor is of a time before the ledger was restored",
        meaning=(
            "The ledger was restored from a backup after this cursor was given. In each lane all is as you have "
            "read it through the sequence that known_through says; what followed may be gone."
        ),
        what_to_do=(
            "Take back what you have from transactions of a higher sequence in their lane. Then read on from "
            "resync_cursor; what is still true of them comes again, with the same ids."
        ),
        facts={
            "known_through": "for each lane, from 0 on, the last sequence that is still what you have read",
            "resync_cursor": "cursor of what follows known_through",
        },
    ),
    ProblemType(
        code="import-mapping-invalid",
        status=422,
        title="Import mapping does not fit",
        meaning="The mapping is not valid, or names columns that the file does not have.",
        what_to_do="Correct the mapping. Nothing of the file was posted.",
        facts={
            "field": "entry of the mapping",
            "got": "what it says",
            "wanted": "what is accepted there",
        },
    ),
    ProblemType(
        code="webhook-target-refused",
        status=422,
        title="Webhook may not lead there",
        meaning=(
            "Events are sent by https to hosts of the public internet alone; others, and plain http, only where the "
            "operator allows them by CITYPOINTS_WEBHOOK_TARGETS."
        ),
        what_to_do="Give an https address whose host is public. On a trial of your own, allow the host in the setting.",
        facts={
            "field": "JSON path of the field",
            "got": "what is wrong with the address",
            "wanted": "what is accepted there",
        },
    ),
    ProblemType(
        code="unauthenticated",
        status=401,
        title="Credential is missing or not valid",
        meaning="The request has no Authorization: Bearer header, or the key is unknown, expired or revoked.",
        what_to_do="Send a valid API key. An operator makes one with citypoints keys create.",
    ),
    ProblemType(
        code="forbidden",
        status=403,
        title="Credential may not do this",
        meaning="The credential is valid, but its scope or role does not cover this request.",
        what_to_do="Use a credential with the scope or role named.",
        facts={
            "needed": "scope or role that the request needs",
        },
    ),
    ProblemType(
        code="not-found",
        status=404,
        title="Not found",
        meaning="Nothing is at this address, or it is not yours to see. The two look the same.",
        what_to_do="Check the address and the id. All addresses are at /docs.",
    ),
    ProblemType(
        code="not-sealed-yet",
        status=404,
        title="Transaction is not sealed yet",
        meaning="The transaction is recorded, but no seal covers it so far. A seal is made every day.",
        what_to_do="Ask for the proof again after the next seal; GET /v1/seals shows when the last one was made.",
        retryable=True,
    ),
    ProblemType(
        code="method-not-allowed",
        status=405,
        title="Method is not allowed here",
        meaning="The address exists, but not for this HTTP method.",
        what_to_do="Use one of the methods in the Allow header.",
    ),
    ProblemType(
        code="not-acceptable",
        status=406,
        title="No acceptable form of answer",
        meaning="The Accept header asks for a form that this address does not produce.",
        what_to_do="Accept application/json, or leave the header out.",
    ),
    ProblemType(
        code="payload-too-large",
        status=413,
        title="Body is too large",
        meaning="The body is larger than this address takes.",
        what_to_do="Send fewer items at a time, or use POST /v1/imports, which takes files of any size.",
        facts={
            "maximum_bytes": "largest body accepted, in bytes",
        },
    ),
    ProblemType(
        code="unsupported-media-type",
        status=415,
        title="Body has the wrong media type",
        meaning="The Content-Type of the body is not one that this address reads.",
        what_to_do="Send application/json in UTF-8 (multipart/form-data for imports).",
        facts={
            "got": "Content-Type that was sent",
            "wanted": "Content-Type that is read",
        },
    ),
    ProblemType(
        code="precondition-failed",
        status=412,
        title="It has changed since you read it",
        meaning="The ETag in If-Match is not that of the present version: someone else changed it in between.",
        what_to_do="Read it again, look at what changed, and send the change with the new ETag.",
    ),
    ProblemType(
        code="precondition-required",
        status=428,
        title="If-Match is missing",
        meaning="A change here must say which version it was made from, so that no one's change is lost.",
        what_to_do="Read the resource and send its ETag in If-Match.",
    ),
    ProblemType(
        code="already-exists",
        status=409,
        title="Already exists",
        meaning="Something with this code or reference exists and is not the same as what was sent.",
        what_to_do="Read the existing one, or choose another code.",
        facts={
            "field": "which field is taken",
            "got": "value that is taken",
        },
    ),
    ProblemType(
        code="conflict",
        status=409,
        title="Not possible in the present state",
        meaning="The request is well formed, but does not fit the present state of what it names.",
        what_to_do="Read its present state and decide anew.",
    ),
    ProblemType(
        code="guardian-consent-needed",
        status=409,
        title="A guardian has to agree first",
        meaning="By its year of birth the member may be under 14: its consents need one of a guardian's.",
        what_to_do="Give the consent guardian once a guardian has agreed, then this one under a new Idempotency-Key.",
        facts={
            "needed": "purpose of the consent that comes first",
        },
    ),
    ProblemType(
        code="member-not-closed",
        status=409,
        title="The member is not closed",
        meaning="A member is erased for good, so its account must be closed first.",
        what_to_do="Close the member, then ask for the erasure under a new Idempotency-Key.",
        facts={
            "member_status": "present status of the member",
        },
    ),
    ProblemType(
        code="bank-file-invalid",
        status=422,
        title="Bank file cannot be used",
        meaning="A file from the bank, or an order for one, holds something that it may not. Nothing of it was taken.",
        what_to_do="Read which field is meant, ask the bank for the whole and right file, or correct the order.",
        facts={
            "field": "path of the element in the file, or field of the order",
            "got": "what is there",
            "wanted": "what may be there",
        },
    ),
    ProblemType(
        code="sandbox-only",
        status=409,
        title="Only possible on a sandbox",
        meaning=(
            "The clock can be set and references linked by the operator only on a ledger made with init --sandbox."
        ),
        what_to_do="Try it on a sandbox. A live ledger cannot become one.",
    ),
    ProblemType(
        code="clock-cannot-go-back",
        status=409,
        title="The clock cannot go back",
        meaning="Once a sandbox has its first transaction, its clock moves only forward.",
        what_to_do="Set a later time, or start with a new sandbox.",
        facts={
            "now": "present time of the sandbox (UTC)",
            "got": "time that was asked for (UTC)",
        },
    ),
)
"""In the order in which the pages list them."""
