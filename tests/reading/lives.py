"""What happens to a point between earn and use: the commands of holds, gifts, merges and corrections, as views.

Each posts with the real posters of a Town, which compares the view of the outcome with the journal's.
"""

from datetime import date

from ledger.ids import Place
from ledger.reading.transactions import TransactionView, read_views, view_posted
from ledger.rules.commands import (
    Adjust,
    Capture,
    Gift,
    GrantCap,
    Merge,
    Move,
    Notice,
    PlaceHold,
    StaffCommand,
    Submission,
    VoidHold,
    WriteOff,
)
from ledger.rules.decisions.notices import notice_key
from ledger.rules.outcomes import Posted
from ledger.store.registry import raise_registry_version
from ledger.store.unit_of_work import unit_of_work
from tests.reading.town import Town, instant

APPROVAL = "019a8f4e-5d21-8001-8000-00000abcdef0"


async def hold(
    town: Town,
    points: int,
    until: str | None = None,
    *,
    member: str = "ann",
    programme: str = "CITY",
    outlet: str | None = None,
) -> TransactionView:
    """Hold points for the baker until a UTC time or for seven days."""
    command = PlaceHold(
        programme=programme,
        member=f"ref:{member}",
        points=points,
        scene="food",
        expires_at=None if until is None else instant(until),
        outlet=outlet,
    )
    [view] = await town.post("BAKER", command)
    return view


async def capture(
    town: Town, held: TransactionView, points: int | None = None, *, final: bool = False
) -> TransactionView:
    """Capture a part of a hold, or all of its rest."""
    [view] = await town.post("BAKER", Capture(hold=held.id, points=points, final=final))
    return view


async def void(town: Town, held: TransactionView) -> TransactionView:
    """Release a hold."""
    [view] = await town.post("BAKER", VoidHold(hold=held.id))
    return view


async def gift(town: Town, points: int, giver: str = "ann", receiver: str = "bob") -> TransactionView:
    """Give points; the giver's leg."""
    command = Gift(programme="CITY", member=f"ref:{giver}", receiver=f"ref:{receiver}", points=points)
    [view] = await town.post("BAKER", command)
    return view


async def merge(town: Town, member: str, into: str) -> TransactionView:
    """Merge two members; the head of the legs."""
    return await by_staff(town, Merge(member=await id_of(town, member), into=await id_of(town, into)))


async def move(town: Town, name: str = "ann") -> TransactionView:
    """Move a member to the next lane; the head of the legs."""
    member = await town.member(name)
    to_lane = (member.lane + 1) % town.engine.lanes
    return await by_staff(town, Move(member=await id_of(town, name), to_lane=to_lane))


async def adjust(town: Town, points: int, *, takes: bool = False, partner: str = "BAKER") -> TransactionView:
    """Give or take points of ann."""
    member = await id_of(town, "ann")
    return await by_staff(
        town,
        Adjust(programme="CITY", member=member, partner=partner, points=points, takes=takes, approval=APPROVAL),
    )


async def write_off(town: Town, points: int | None = None) -> TransactionView:
    """Forgive what ann owes."""
    return await by_staff(
        town, WriteOff(programme="CITY", member=await id_of(town, "ann"), points=points, approval=APPROVAL)
    )


async def notify(town: Town, last_day: str, days_before: int) -> TransactionView:
    """Record a notice for ann, as the worker does."""
    expires_on = date.fromisoformat(last_day)
    member, public_id = await town.member(), await id_of(town, "ann")
    command = Notice(programme="CITY", member=public_id, expires_on=expires_on, days_before=days_before)
    digest = notice_key(public_id, town.programme().number, expires_on, days_before)
    submission = Submission(
        command=command,
        partner=0,
        key_digest=digest,
        request_digest=digest[:16],
        lane=member.lane,
        member=member.number,
    )
    return await _posted(town, submission)


async def by_staff(town: Town, command: StaffCommand) -> TransactionView:
    """Post a command of the staff; its first transaction."""
    submission = await town.engine.intake.prepare(0, town.next_key(), command, owner="s:staff")
    view = await _posted(town, submission)
    town.engine.intake.forget_members()
    return view


async def add_cap(town: Town, code: str, points: int, home_lane: int) -> TransactionView:
    """Set a cap on what the baker gives in CITY, and authorise it."""
    async with town.connection() as connection:
        async with unit_of_work(connection):
            await connection.execute(
                "insert into caps (code, programme, partner, home_lane) values (%s, %s, %s, %s)",
                [code, town.programme().number, town.partners["BAKER"], home_lane],
            )
            await raise_registry_version(connection)
        await town.engine.registry.refresh(connection)
    return await by_staff(town, GrantCap(cap=code, points=points))


async def id_of(town: Town, name: str) -> str:
    """The id of a member, by the baker's reference."""
    member = await town.member(name)
    async with town.connection() as connection:
        cursor = await connection.execute(
            "select public_id::text from members where lane = %s and member = %s", [member.lane, member.number]
        )
        [(public_id,)] = await cursor.fetchall()
    return str(public_id)


async def counter_of(town: Town, view: TransactionView) -> TransactionView:
    """The other leg of a gift, merge or move."""
    assert view.counter is not None
    head = await town.engine.intake.find_transaction(view.counter)
    assert head is not None
    return await view_at(town, Place(head.lane, head.sequence))


async def view_at(town: Town, place: Place) -> TransactionView:
    """A transaction read back from the journal."""
    async with town.connection() as connection:
        return (await read_views(connection, town.engine.registry.current, [place]))[place]


async def _posted(town: Town, submission: Submission) -> TransactionView:
    outcome = await town.engine.posters.submit(submission)
    assert isinstance(outcome, Posted), outcome
    view = (await view_posted(town.engine.pool, outcome, town.engine.registry.current))[0]
    assert await view_at(town, Place(view.lane, view.sequence)) == view
    return view
