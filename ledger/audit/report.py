"""What an audit says: its differences, bounded in number, and what it has looked at."""

import msgspec

MAXIMUM_DIFFERENCES = 1_000
MAXIMUM_SHOWN_CHARACTERS = 400


class Difference(msgspec.Struct, frozen=True):
    """One disagreement: where it is, what disagrees, what was found and what the journal says instead.

    ``lane`` is None for what belongs to no lane.
    """

    lane: int | None
    place: str
    what: str
    found: str
    expected: str


class AuditReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an audit.

    ``differences`` holds the first 1,000 of the ``difference_count`` found. ``erased_details`` counts
    transactions whose free text was erased: that is a right, not a difference.
    """

    transactions: int
    lanes: int
    keys: int
    erased_details: int
    difference_count: int
    differences: tuple[Difference, ...]
    seconds: float
    seals: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether the ledger is what its journal says."""
        return self.difference_count == 0


class Findings:
    """Collects differences while an audit runs."""

    def __init__(self) -> None:
        self.differences: list[Difference] = []
        self.count = 0
        self.transactions = 0
        self.keys = 0
        self.erased_details = 0
        self.seals = 0

    def differ(self, lane: int | None, place: str, what: str, found: object, expected: object) -> None:
        """Note a difference; beyond the first 1,000 it is only counted."""
        self.count += 1
        if len(self.differences) < MAXIMUM_DIFFERENCES:
            self.differences.append(Difference(lane, place, what, _shown(found), _shown(expected)))

    def compare(self, lane: int | None, place: str, what: str, found: object, expected: object) -> None:
        """Note a difference where there is one."""
        if found != expected:
            self.differ(lane, place, what, found, expected)


def _shown(value: object) -> str:
    if isinstance(value, str):
        text = value
    elif isinstance(value, bytes):
        text = value.hex()
    elif value is None:
        text = "nothing"
    elif isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        text = f"[{', '.join(_shown(item) for item in value)}]"
    else:
        text = str(value)
    return text if len(text) <= MAXIMUM_SHOWN_CHARACTERS else f"{text[:MAXIMUM_SHOWN_CHARACTERS]}…"
