"""What crosses lanes: each lane's walk notes what it claims of others, and all claims are compared at the end.

How that stays exact while others post: what one command writes into several lanes is committed together, so
it is before the cut of all of them or of none. Of what lies behind a lane's cut nothing is claimed. In memory
is only what still waits for its other side; of a ledger in order that is little.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date

import msgspec

from ledger.audit.books import CAP_TRANSIT, IN_TRANSIT
from ledger.audit.points import TakenBack
from ledger.audit.report import Findings
from ledger.ids import Place
from ledger.rules.accounts import AccountKind
from ledger.rules.journal import Particulars

MOST_STEPS = 200
"""How many times a member is followed back to those who have become it; in a forged journal it may be itself."""

_OF_CAPS = frozenset({AccountKind.POOL, AccountKind.ALLOTMENT, AccountKind.USED})


class Part(msgspec.Struct, frozen=True):
    """What a leg moves of one lot: the points, and the terms that go with them; ``origin`` is where from."""

    origin: Place | None
    funding: int
    terms_version: int | None
    earned_at: int
    available_from: int
    expires_on: date | None
    amount: int


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What both legs of a pair must say alike. ``member`` is, of the heads of a merge or move, who receives.

    Of an exchange all is said as of the points burnt.
    """

    kind: int
    programme: int
    partner: int
    points: int
    recorded_at: int
    key_digest: bytes
    request_digest: bytes
    memo: tuple[str | None, str | None, str | None]
    parts: tuple[Part, ...]
    expires_at: int | None = None
    member: int | None = None
    exchange_rate: int | None = None


class Leg(msgspec.Struct, frozen=True):
    """One of two transactions that name each other."""

    place: Place
    counter: Place
    is_out: bool
    claim: Claim


class Return(msgspec.Struct, frozen=True):
    """A reversal for a member that the original's has become: what it counts as having expired before.

    ``step`` is how many times the member had become another one. Of ``open_points``, which nothing was free
    for, as many count as expired as ``gone`` holds beyond what earlier reversals counted.
    """

    step: int
    place: Place
    open_points: int
    gone: int


class Counted(msgspec.Struct, frozen=True):
    """What an original's row says was taken back for such members, and the reversals that it must count."""

    own_expired_counted: int
    expired_counted: int
    returns: frozenset[Place]


class Names(msgspec.Struct, frozen=True):
    """How many ids lead to a member, how many it was given itself, and the heads that brought others."""

    found: int
    born: int
    arrivals: tuple[Place, ...]


class Crossing:
    """Claims of all lanes; ``cuts`` has for each lane the sequence up to which all is compared."""

    def __init__(self, cuts: Mapping[int, int]) -> None:
        self._cuts = cuts
        self._waiting: dict[Place, Leg] = {}
        self._left: dict[Place, tuple[str | Place | None, str]] = {}
        self._came: dict[Place, tuple[str | None, str]] = {}
        self._names: dict[Place, Names] = {}
        self._brought: dict[Place, Names] = {}
        self._cap_transit: dict[tuple[bytes, int], tuple[int, tuple[Place, ...]]] = {}
        self._parties: defaultdict[tuple[int, int, int], int] = defaultdict(int)
        self._returns: defaultdict[Place, list[Return]] = defaultdict(list)
        self._counted: dict[Place, Counted] = {}
        self.epochs: dict[Place, Particulars] = {}

    def is_before_cut(self, place: Place) -> bool:
        """Whether all that was committed with a transaction is walked, too."""
        return place.number < self._cuts.get(place.lane, 0)

    def note_leg(self, leg: Leg, findings: Findings) -> None:
        """Note one leg; when it is the second of a pair, both are compared."""
        if not self.is_before_cut(leg.place):
            return
        other = self._waiting.get(leg.counter)
        if other is None or other.counter != leg.place:
            self._waiting[leg.place] = leg
            return
        del self._waiting[leg.counter]
        out, into = (leg, other) if leg.is_out else (other, leg)
        if leg.is_out == other.is_out:
            _differ(
                findings, leg.place, "other leg", f"transaction {leg.counter.number}", "one that goes the other way"
            )
        _compare_claims(out, into, findings)

    def note_left(self, arrival: Place, status: str | Place | None, public_id: str) -> None:
        """Note with which status and id a member moved to the head at ``arrival``.

        A status that its lane does not tell is named by the head that brought the member there.
        """
        if self.is_before_cut(arrival):
            self._left[arrival] = (status, public_id)

    def note_came(self, arrival: Place, status: str | None, public_id: str) -> None:
        """Note with which status, where its lane tells it, and with which id a member came."""
        if self.is_before_cut(arrival):
            self._came[arrival] = (status, public_id)

    def note_names(self, member: Place, names: Names, findings: Findings) -> None:
        """Note the ids that lead to a member; where it is nobody else, too, they are compared at once."""
        if names.arrivals:
            self._names[member] = names
        else:
            findings.compare(member.lane, f"member {member.number}", "names of kind id", names.found, names.born)

    def note_brought(self, arrival: Place, names: Names) -> None:
        """Note the ids that a member took with it to the head at ``arrival``."""
        self._brought[arrival] = names

    def note_cap_transit(self, place: Place, key_digest: bytes, cap: int, amount_points: int) -> None:
        """Note points of a cap that leave a lane (above zero) or arrive (below zero) by one command."""
        if not self.is_before_cut(place):
            return
        before, places = self._cap_transit.pop((key_digest, cap), (0, ()))
        if before + amount_points:
            self._cap_transit[key_digest, cap] = (before + amount_points, (*places, place))

    def note_parties(self, parties: Mapping[tuple[int, int, int], int]) -> None:
        """Note the balances of a lane at its cut."""
        for place, balance in parties.items():
            self._parties[place] += balance

    def note_return(self, original: Place, later_return: Return) -> None:
        """Note a reversal for a member that the original's has become."""
        self._returns[original].append(later_return)

    def note_counted(self, original: Place, counted: Counted) -> None:
        """Note what the row of such an original counts."""
        self._counted[original] = counted

    def compare(self, findings: Findings) -> None:
        """Compare all claims, once every lane has been walked."""
        for leg in self._waiting.values():
            expected = f"transaction {leg.counter.number} of lane {leg.counter.lane} names it back"
            _differ(findings, leg.place, "other leg", "none that names this one", expected)
        for arrival in self._left.keys() & self._came.keys():
            self._compare_moved(arrival, findings)
        for member, names in self._names.items():
            ids = self._ids_of(names, MOST_STEPS)
            if ids is not None:
                findings.compare(member.lane, f"member {member.number}", "names of kind id", names.found, ids)
        for (_, cap), (amount, places) in self._cap_transit.items():
            for place in places:
                _differ(findings, place, f"points of cap {cap} on their way by its command", amount, 0)
        self._compare_parties(findings)
        for original in self._returns.keys() | self._counted.keys():
            self._compare_returns(original, findings)

    def _compare_moved(self, arrival: Place, findings: Findings) -> None:
        left, left_id = self._left[arrival]
        for _ in range(MOST_STEPS):
            if isinstance(left, Place):
                left = self._left[left][0] if left in self._left else None
        came, came_id = self._came[arrival]
        if left_id != came_id:
            _differ(findings, arrival, "public id of the member that came", came_id, left_id)
        if isinstance(left, str) and came is not None and left != came:
            _differ(findings, arrival, "status of the member that came", came, left)

    def _ids_of(self, names: Names, steps: int) -> int | None:
        """How many ids must lead to a member; None where one came that its own lane does not know of yet.

        In a forged journal members may have become each other, so the ``steps`` back are bounded.
        """
        total = names.born
        for arrival in names.arrivals:
            came = self._brought.get(arrival) if steps else None
            brought = None if came is None else self._ids_of(came, steps - 1)
            if brought is None:
                return None
            total += brought
        return total

    def _compare_parties(self, findings: Findings) -> None:
        authorised: defaultdict[tuple[int, int], int] = defaultdict(int)
        for (kind, owner, programme), balance in self._parties.items():
            if kind in (IN_TRANSIT, CAP_TRANSIT):
                name = AccountKind(kind).name.lower()
                place = f"account {name} of {owner} in programme {programme}"
                findings.compare(None, place, "sum over all lanes", balance, 0)
            elif kind in _OF_CAPS:
                authorised[owner, programme] += balance
            elif kind == AccountKind.AUTHORISED:
                authorised[owner, programme] -= balance
        for (cap, programme), beyond in authorised.items():
            place = f"cap {cap} in programme {programme}"
            findings.compare(None, place, "pool, allotments and used beyond what was authorised", beyond, 0)

    def _compare_returns(self, original: Place, findings: Findings) -> None:
        returns = sorted(self._returns.get(original, ()), key=lambda r: (r.step, r.place.number))
        walked = frozenset(later_return.place for later_return in returns)
        place = f"taken back of transaction {original.number}"
        counted = self._counted.get(original)
        seen = frozenset() if counted is None else counted.returns
        for later in sorted(walked - seen):
            if self.is_before_cut(later):
                expected = f"transaction {later.number} of lane {later.lane}"
                findings.differ(original.lane, place, "later return", "not counted", expected)
        if counted is None or not seen <= walked:
            return
        expired = counted.own_expired_counted
        for later_return in returns:
            if later_return.place in seen:
                expired += min(later_return.open_points, max(later_return.gone - expired, 0))
        findings.compare(original.lane, place, "expired points", counted.expired_counted, expired)


def counted_of(own: TakenBack, expired_counted: int, returns: Iterable[Place]) -> Counted:
    """What a row counts, beside what the lane's own reversals have counted."""
    return Counted(own.expired_counted, expired_counted, frozenset(returns))


def _compare_claims(out: Leg, into: Leg, findings: Findings) -> None:
    for name in Claim.__struct_fields__:
        found, expected = getattr(into.claim, name), getattr(out.claim, name)
        if found != expected:
            what = f"{name.replace('_', ' ')} of the other leg"
            _differ(findings, into.place, what, found, expected)
            _differ(findings, out.place, what, expected, found)


def _differ(findings: Findings, place: Place, what: str, found: object, expected: object) -> None:
    findings.differ(place.lane, f"transaction {place.number}", what, found, expected)
