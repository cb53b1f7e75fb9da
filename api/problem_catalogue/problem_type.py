"""What a problem type is."""

import msgspec


class ProblemType(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of problem: what a program sees of it, and what a person is told.

    ``retryable`` says whether the very same request, with the same ``Idempotency-Key``, may
    succeed later; ``retry_after_seconds`` how long to wait before that, where a wait is announced.
    ``facts`` names each further member that the problem document may have, and what it means.
    """

    code: str
    status: int
    title: str
    meaning: str
    what_to_do: str
    retryable: bool = False
    retry_after_seconds: int | None = None
    facts: dict[str, str] = {}
