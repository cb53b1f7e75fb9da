"""What a batch needs to read: worked out from its submissions before anything is asked of the database."""

from collections.abc import Iterable, Sequence

import msgspec

from ledger.ids import Place
from ledger.rules.admission import programmes_of
from ledger.rules.commands import (
    MAXIMUM_POINTS,
    Close,
    Earn,
    Exchange,
    Expire,
    Gift,
    Merge,
    Move,
    Notice,
    PlaceHold,
    Redeem,
    Reverse,
    Submission,
    TakeBack,
)
from ledger.rules.programmes import Registry
from ledger.store.arrays import Bigints, Integers, Moments, Smallints

ALL_LOTS = -1
MOST_LOTS_AT_FIRST = 16
"""How many lots of a member are read before a command has said that they are not enough."""

LEAST_LOTS_AT_FIRST = 2
LEAST_LIKELY_POINTS_OF_A_LOT = 16
"""Most lots have more, so that few commands have to ask for more lots and be decided again, alone."""

MOST_MINOR = (1 << 63) - 1

_ONE_MEMBER = frozenset({Earn, Redeem, PlaceHold, Exchange, Expire, Notice})
"""Commands that need nothing but their member in the programmes they name; most are of these."""

_OF_ALL_LOTS = (Expire, Merge, Move, Close, Notice)
_SPENDS = (Redeem, PlaceHold, Gift, Exchange)


class Wanted(msgspec.Struct):
    """What a batch needs to read."""

    lanes: list[int]
    keys: list[bytes]
    points: dict[tuple[int, int, int], int]
    """(lane, member, programme) to how many points its commands use of its lots; ALL_LOTS for all there are."""
    originals: list[Place]
    take_backs: dict[tuple[int, int, int, int], list[TakeBack]]
    """(lane, member, programme, partner) to the take-backs of the batch."""
    reversed_members: set[int]
    """Members of whom the batch reverses a transaction by its name."""
    holds: list[Place] = []
    codes: list[bytes] = []
    gifts: set[tuple[int, int, int]] = set()
    """(lane, member, programme) of givers and receivers."""

    def earn_arrays(self, predecessors: Sequence[tuple[int, int, int]] = ()) -> list[bytes]:
        """Which earns to read: of a member, partner and programme up to a time, until they hold a spend.

        A batch's take-backs of one member may meet in the same earns, so each reads for all of them;
        beside a reversal, which may empty any earn, all are read. With ``predecessors``, as (member that
        they have become, lane, member), those of them instead.
        """
        earns: dict[tuple[int, int, int, int, int, int], None] = {}
        for (lane, member, programme, partner), commands in self.take_backs.items():
            spend_minor = min(sum(command.spend_minor for command in commands), MOST_MINOR)
            if member in self.reversed_members:
                spend_minor = MOST_MINOR
            places = [(lane, member)]
            if predecessors:
                places = [(there, former) for number, there, former in predecessors if number == member]
            for place in places:
                earns.update(
                    {(*place, programme, partner, command.occurred_at, spend_minor): None for command in commands}
                )
        return [
            Smallints.of([lane for lane, *_ in earns]),
            Bigints.of([member for _, member, *_ in earns]),
            Integers.of([programme for _, _, programme, *_ in earns]),
            Integers.of([partner for _, _, _, partner, *_ in earns]),
            Moments.of([occurred_at for *_, occurred_at, _ in earns]),
            Bigints.of([spend_minor for *_, spend_minor in earns]),
        ]


def wanted_of(lanes: set[int], submissions: Sequence[Submission], registry: Registry) -> Wanted:
    """What the submissions of a batch need, of members in the lanes that it locks."""
    wanted = Wanted(sorted(lanes), [], {}, [], {}, set())
    for submission in submissions:
        _add_wanted(wanted, lanes, submission, registry)
    return wanted


def lots_at_first(points: int) -> int | None:
    """How many lots of a member to read for commands that use so many points; None for all of them.

    Why not always the most: each is a row to fetch, and a purchase seldom uses more than one or two.
    """
    if points == ALL_LOTS:
        return None
    return min(MOST_LOTS_AT_FIRST, LEAST_LOTS_AT_FIRST + points // LEAST_LIKELY_POINTS_OF_A_LOT) if points else 0


def _add_wanted(wanted: Wanted, lanes: set[int], submission: Submission, registry: Registry) -> None:
    wanted.keys.append(submission.key_digest)
    programmes = programmes_of(submission, registry)
    if submission.member is not None:
        for programme in programmes:
            place = (submission.lane, submission.member, programme)
            wanted.points[place] = _more_points(wanted.points.get(place, 0), submission)
    if submission.code is not None:
        wanted.codes.append(submission.code)
    if type(submission.command) in _ONE_MEMBER and not submission.more_members:
        return
    _add_rarer(wanted, lanes, submission, registry, programmes)


def _add_rarer(
    wanted: Wanted, lanes: set[int], submission: Submission, registry: Registry, programmes: list[int]
) -> None:
    """Add what only some commands need: other members, originals, holds, items."""
    command = submission.command
    for item in submission.items:
        _add_wanted(wanted, lanes, item, registry)
    if submission.original is not None:
        wanted.originals.append(submission.original)
    if submission.hold is not None:
        wanted.holds.append(submission.hold)
    others = [(*place, programme) for place in _other_members(submission, lanes) for programme in programmes]
    for place in others:
        wanted.points[place] = _more_points(wanted.points.get(place, 0), submission)
    if submission.member is None or not programmes:
        return
    if isinstance(command, Gift):
        wanted.gifts.update(others, [(submission.lane, submission.member, programmes[0])])
    elif isinstance(command, TakeBack):
        for place in [(submission.lane, submission.member, programmes[0]), *others]:
            wanted.take_backs.setdefault((*place, submission.partner), []).append(command)
    elif isinstance(command, Reverse):
        wanted.reversed_members.add(submission.member)


def _other_members(submission: Submission, lanes: set[int]) -> Iterable[tuple[int, int]]:
    """The members of a submission beside its own, as far as their lanes are locked."""
    if submission.receiver is not None and submission.receiver_lane in lanes:
        yield (submission.receiver_lane, submission.receiver)
    for lane, member in submission.more_members:
        if lane in lanes:
            yield (lane, member)


def _more_points(points: int, submission: Submission) -> int:
    """Add what one more command of a member uses to what its others do."""
    command = submission.command
    if points == ALL_LOTS or submission.needs_all_lots or isinstance(command, _OF_ALL_LOTS):
        return ALL_LOTS
    return points + min(command.points, MAXIMUM_POINTS) if isinstance(command, _SPENDS) else points
