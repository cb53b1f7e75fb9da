"""What the journal of a lane says of its members beside their points: status, and where they have gone."""

import msgspec

from ledger.ids import Place

ACTIVE, FROZEN, CLOSED = "active", "frozen", "closed"
MERGED, MOVED = "merged", "moved"


class Membership(msgspec.Struct):
    """One member of a lane.

    ``status`` is None as long as nothing in this lane tells it: a moved member comes as it was. ``came_as``
    is the status with which it came, once it is known, and ``came_from`` the head that brought it.
    ``into`` is what the member has become, by heads under ``left_by``, the other one of which is at
    ``left_to``; ``left_as`` is the status it then had, or the head that brought it with one nobody told.
    ``arrivals`` are the heads that brought those that have become this one.
    """

    status: str | None = ACTIVE
    came_as: str | None = None
    came_from: Place | None = None
    into: Place | None = None
    left_by: bytes = b""
    left_to: Place | None = None
    left_as: str | Place | None = None
    arrivals: list[Place] = []

    def must_be(self, status: str) -> bool:
        """Whether the member has a status; one that came with an unknown status came with this one."""
        if self.status is None:
            self.status = self.came_as = status
        return self.status == status

    @property
    def born(self) -> int:
        """How many ids the member was given by itself: a moved one came with its own."""
        return 0 if self.came_from is not None else 1

    def leave(self, status: str, into: Place, left_by: bytes, left_to: Place) -> None:
        """Become another member."""
        self.left_as = self.came_from if self.status is None else self.status
        self.status = status
        self.into = into
        self.left_by = left_by
        self.left_to = left_to


class Memberships(dict[int, Membership]):
    """Members of a lane of whom the journal says anything; all others are active."""

    def __missing__(self, member: int) -> Membership:
        return self.setdefault(member, Membership())
