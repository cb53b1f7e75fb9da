"""What must not be left to the luck of the draw: told as stories of members whom nobody else touches."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from ledger.ids import place_of, transaction_id
from ledger.rules.business_day import MICROSECONDS_PER_DAY
from ledger.rules.commands import (
    Capture,
    Earn,
    Freeze,
    GrantCap,
    Merge,
    Move,
    PartnerCommand,
    PlaceHold,
    Redeem,
    Reverse,
    StaffCommand,
    TakeBack,
)
from ledger.rules.journal import JournalEntry
from ledger.rules.outcomes import Outcome, Posted

Create = Callable[[], Awaitable[str]]
Post = Callable[[int, PartnerCommand], Awaitable[Outcome]]
ByStaff = Callable[[StaffCommand], Awaitable[Outcome]]

LANES = 3
CAP = "cap-3"
GRANTED = 40


class Told:
    """Stories that begin on the first day, go on soon after, and end late, when their lots have lapsed."""

    def __init__(self, create: Create, post: Post, by_staff: ByStaff, partners: list[int]) -> None:
        self._create = create
        self._post = post
        self._by_staff = by_staff
        self._issuer, self._acceptor, *_ = partners
        self._late = ""
        self._traveller = ""
        self._earned = ""
        self._captured = ""
        self._merged: list[str] = []
        self._at = 0

    async def first_day(self) -> None:
        """A saver spends; a traveller earns, has points held; of two who are frozen one moves."""
        saver = await self._create()
        await self._earn(saver, "GRACE", 30)
        self._late = await self._redeem(saver, "GRACE", 20)
        self._traveller = await self._create()
        self._earned = await self._earn(self._traveller, "GRACE", 100)
        self._captured = await self._hold_and_capture(self._traveller)
        for moves in (False, True):
            frozen = await self._create()
            await self._earn(frozen, "BORNE", 12)
            await self._by_staff(Freeze(member=frozen))
            if moves:
                await self._move(frozen, 1)

    async def soon_after(self) -> None:
        """Debts move, arise under lots of their own, and a cap is used up to its last unit."""
        await self._cancel_two_earns_after_a_move()
        await self._move_with_a_debt()
        await self._travel()
        await self._merge_what_was_merged()
        await self._by_staff(GrantCap(cap=CAP, points=GRANTED))
        for points in (GRANTED - 1, 2, 1, 1):
            member = await self._create()
            await self._post(self._issuer, Earn(programme="BORNE", member=member, points=points, scene="charity"))

    async def late(self) -> None:
        """What comes back late: with the programme's grace, and to whom the member has become by then.

        And what is still pending when all is over.
        """
        pending = Earn(
            programme="BORNE",
            member=await self._create(),
            points=3,
            scene="food",
            available_from=self._at + 90 * MICROSECONDS_PER_DAY,
        )
        _only(await self._post(self._issuer, pending))
        await self._post(self._acceptor, Reverse(transaction=self._late, points=15))
        await self._post(self._acceptor, Reverse(transaction=self._captured, points=7))
        await self._post(self._issuer, Reverse(transaction=self._earned, points=60))
        earned, redeemed = self._merged
        await self._post(self._acceptor, Reverse(transaction=redeemed))
        await self._post(self._issuer, Reverse(transaction=earned))
        await self._sweep_a_cap_that_is_granted_again()

    async def _sweep_a_cap_that_is_granted_again(self) -> None:
        """Every lane gets an allotment, all but a little is used at once, and more is granted."""
        await self._by_staff(GrantCap(cap=CAP, points=10_000))
        for points in (1, 1, 1, 1, 9_000):
            member = await self._create()
            await self._post(self._issuer, Earn(programme="BORNE", member=member, points=points, scene="charity"))
        await self._by_staff(GrantCap(cap=CAP, points=5))

    async def _merge_what_was_merged(self) -> None:
        """Of three that are one person the first one's earn and redemption come back when all is merged."""
        first, second, third = [await self._create() for _ in range(3)]
        self._merged = [await self._earn(first, "GRACE", 70), await self._redeem(first, "GRACE", 25)]
        await self._earn(second, "GRACE", 9)
        for member, into in ((first, second), (second, third)):
            assert isinstance(await self._by_staff(Merge(member=member, into=into)), Posted)

    async def _cancel_two_earns_after_a_move(self) -> None:
        """Nothing is left of either earn, and no lot of theirs has moved: each debt gets a lot of its own."""
        member = await self._create()
        for spend_minor in (1_000, 2_000):
            earn = Earn(programme="GRACE", member=member, spend_minor=spend_minor, currency="CNY", scene="food")
            posted = await self._post(self._issuer, earn)
            assert isinstance(posted, Posted)
            self._at = posted.own_entries[0].transaction.occurred_at
        await self._redeem(member, "GRACE", 45)
        await self._move(member, 1)
        command = TakeBack(programme="GRACE", member=member, spend_minor=3_000, currency="CNY", occurred_at=self._at)
        assert isinstance(await self._post(self._issuer, command), Posted)

    async def _move_with_a_debt(self) -> None:
        member = await self._create()
        earned = await self._earn(member, "GRACE", 50)
        await self._redeem(member, "GRACE", 40)
        await self._post(self._issuer, Reverse(transaction=earned, points=30))
        await self._move(member, 1)
        await self._earn(member, "GRACE", 5)

    async def _travel(self) -> None:
        """Away and back again, with a part of the earn and of the capture returned at each station."""
        for step in (1, 2, 0):
            await self._move(self._traveller, step)
            await self._post(self._acceptor, Reverse(transaction=self._captured, points=3))
            await self._post(self._issuer, Reverse(transaction=self._earned, points=4))

    async def _hold_and_capture(self, member: str) -> str:
        hold = PlaceHold(programme="GRACE", member=member, points=40, scene="food")
        held = _only(await self._post(self._acceptor, hold))
        return _only(await self._post(self._acceptor, Capture(hold=held, points=25)))

    async def _earn(self, member: str, programme: str, points: int) -> str:
        return _only(
            await self._post(self._issuer, Earn(programme=programme, member=member, points=points, scene="food"))
        )

    async def _redeem(self, member: str, programme: str, points: int) -> str:
        return _only(
            await self._post(self._acceptor, Redeem(programme=programme, member=member, points=points, scene="food"))
        )

    async def _move(self, member: str, step: int) -> None:
        """Move to a lane, counted from the one in which the member was created."""
        created_in = place_of(UUID(member))
        assert created_in is not None
        lane = (created_in.lane + step) % LANES
        assert isinstance(await self._by_staff(Move(member=member, to_lane=lane)), Posted)


def id_of(entry: JournalEntry) -> str:
    """The id of a transaction."""
    posted = entry.transaction
    return transaction_id(posted.recorded_at, posted.lane, posted.sequence, entry.hash)


def _only(outcome: Outcome) -> str:
    assert isinstance(outcome, Posted), outcome
    [entry] = outcome.own_entries
    return id_of(entry)
