"""Why somebody could not sign in: each reason has its words in both languages, and nothing is half-done after it."""

from typing import Literal

Reason = Literal[
    "provider-unreachable",
    "provider-refused",
    "not-our-sign-in",
    "token-refused",
    "code-refused",
    "no-role",
    "no-member",
    "no-partner",
]


class SignInFailed(Exception):
    """Somebody could not sign in. ``cause`` is for the log: it holds no secret and names no person."""

    def __init__(self, reason: Reason, cause: str) -> None:
        super().__init__(f"{reason}: {cause}")
        self.reason = reason
        self.cause = cause
