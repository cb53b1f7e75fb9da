"""What a look-up by key or reference finds."""

import msgspec

from api.answers import JournalAnswer
from api.problems import Problem


class FoundAnswer(msgspec.Struct, frozen=True):
    """Transactions, in order; or the problem that a key was refused with, or neither: it changed a member."""

    transactions: list[JournalAnswer]
    refusal: Problem | None
