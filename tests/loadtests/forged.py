"""A small sound run, told step by step: what clients recorded and what the journal has; to be forged by tests."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from ledger.ids import make_id
from loadtests.load.checks.evidence import CLEAN, IMPORT_LINE, AuditRun, Cap, ClockSet, Evidence, Hook
from loadtests.load.journal import Row
from loadtests.load.order import Span
from loadtests.load.records import Attempt, as_json
from loadtests.load.settled import Batch, Money, Party, Payment, Points, Settled

CAFE, AGENCY = "CAFE", "AGENCY"
ANN, BEN = "member-ann", "member-ben"
LANES = {ANN: 1, BEN: 2}
CAP_POINTS = 60
TICK = 10
"""Between two moments of the clients' clock."""


@dataclass
class Balance:
    """What a member has."""

    available: int = 0
    held: int = 0


@dataclass
class Story:
    """Tells steps one after the other: each is sent, done and answered before the next one is sent."""

    attempts: list[Attempt] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    members: dict[str, Balance] = field(default_factory=lambda: {ANN: Balance(), BEN: Balance()})
    audit: AuditRun = CLEAN
    hooks: list[Hook] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    unsettled: str = ""
    clock: list[ClockSet] = field(default_factory=list)
    moment: int = 0

    def evidence(self) -> Evidence:
        """What the checks look at."""
        return Evidence(
            attempts=self.attempts,
            rows=self.rows,
            digest=digest,
            gift_limit=500,
            caps=[Cap(AGENCY, CAP_POINTS)],
            clock=self.clock,
            hooks=self.hooks,
            settled=self.settled,
            unsettled=self.unsettled,
            audit=self.audit,
        )

    def post(self, kind: str, key: str, points: int, member: str = ANN, **more: Any) -> Row:
        """Something is posted and answered."""
        row = self.write(kind, key, points, member, **more)
        self.answer(row, key)
        return row

    def write(
        self,
        kind: str,
        key: str,
        points: int,
        member: str = ANN,
        *,
        by: str = CAFE,
        moved: int = 0,
        moved_held: int = 0,
        **more: Any,
    ) -> Row:
        """Something gets into the journal."""
        lane = LANES[member]
        balance = self.members[member]
        balance.available += moved
        balance.held += moved_held
        sequence = 1 + sum(row.lane == lane for row in self.rows)
        row = Row(
            lane=lane,
            sequence=sequence,
            id=str(make_id(1_000_000, lane, sequence, 7)),
            kind=kind,
            points=points,
            member=member,
            partner=None if by in LANES else by,
            key=digest(by, key),
            available=balance.available,
            held=balance.held,
            moved=moved,
            moved_held=moved_held,
            **more,
        )
        self.rows.append(row)
        return row

    def answer(self, row: Row, key: str, **changes: Any) -> Attempt:
        """A client is told of a transaction."""
        said = {
            "id": row.id,
            "kind": row.kind,
            "points": row.points,
            "member": row.member,
            "partner": row.partner,
            "lane": row.lane,
            "sequence": row.sequence,
        }
        by = row.partner or row.member or ""
        body = {"member": row.member, "points": row.points}
        return self.attempt(row.kind, by, key, body, status=201, answer=as_json(said), **changes)

    def refuse(self, kind: str, key: str, code: str, points: int, member: str = ANN, **changes: Any) -> Attempt:
        """A client is refused."""
        by = changes.pop("by", CAFE)
        body = changes.pop("body", {"member": member, "points": points})
        return self.attempt(kind, by, key, body, status=409, answer=as_json({"code": code}), **changes)

    def cut(self, kind: str, key: str, points: int, member: str = ANN) -> Attempt:
        """A client leaves before its answer."""
        body = {"member": member, "points": points}
        attempt = self.attempt(kind, CAFE, key, body)
        attempt.answered, attempt.is_cut = None, True
        return attempt

    def show(self, kind: str, member: str, shown: object) -> Attempt:
        """A member reads."""
        return self.attempt(kind, member, None, None, status=200, answer=as_json(shown))

    def attempt(self, kind: str, by: str, key: str | None, body: object, **more: Any) -> Attempt:
        """Anything that a client sends; answered one tick later where nothing else is said."""
        self.moment += 2 * TICK
        whole = {
            "path": f"/v1/{kind}",
            "sent": self.moment,
            "answered": self.moment + TICK,
            "body": as_json(body),
            **more,
        }
        attempt = Attempt(kind=kind, by=by, key=key, **whole)
        self.attempts.append(attempt)
        return attempt

    def set_clock(self, at: int) -> Span:
        """The ledger's clock is set; gives when."""
        self.moment += 2 * TICK
        span = Span(self.moment, self.moment + TICK)
        self.clock.append(ClockSet(at, span))
        return span

    def of_key(self, key: str) -> Attempt:
        """The first attempt of a key."""
        return next(one for one in self.attempts if one.key == key)

    def row(self, key: str, by: str = CAFE) -> Row:
        """The first transaction of a key."""
        return next(row for row in self.rows if row.key == digest(by, key))

    def change(self, row: Row, **changes: Any) -> None:
        """Write a row of the journal anew."""
        self.rows[self.rows.index(row)] = msgspec.structs.replace(row, **changes)


def digest(by: str, key: str) -> str:
    """The journal's key of a caller's; here it can be read."""
    return f"{by}/{key}"


def shown_balance(available: int, held: int = 0) -> dict[str, int]:
    """What the answer to a balance says."""
    return {"available": available, "held": held, "pending": 0, "shortfall": 0}


def shown_line(row: Row) -> dict[str, Any]:
    """A line of a statement."""
    return {
        "transaction_id": row.id,
        "balance_after": row.available,
        "available_after": row.available,
        "held_after": row.held,
        "pending_after": 0,
    }


def sound_story() -> Story:
    """A run in which every kind of thing happens, and all of it is right."""
    story = Story()
    first = story.post("earn", "receipt-1", 100, moved=100)
    story.answer(first, "receipt-1", is_replay=True)
    story.show("balance", ANN, shown_balance(100))
    bought = story.post("redeem", "receipt-2", 30, moved=-30)
    story.show("statement", ANN, {"lines": [shown_line(bought), shown_line(first)], "next_cursor": None})
    story.refuse("redeem", "receipt-3", "insufficient-points", 71)
    held = story.post("hold", "order-1", 40, moved=-40, moved_held=40)
    captures = f"/v1/holds/{held.id}/captures"
    taken = story.post("capture", "order-1-first", 10, moved_held=-10, hold=held.sequence)
    story.refuse("capture", "order-1-more", "capture-exceeds-hold", 31, path=captures)
    story.post("void", "order-1-end", 30, moved=30, moved_held=-30, hold=held.sequence)
    story.refuse("void", "order-1-again", "hold-not-open", 0, path=captures)
    story.post("reverse", "return-1", 10, moved=10, reverses=taken.place)
    story.refuse("reverse", "return-2", "reversal-exceeds-original", 1, path=f"/v1/transactions/{taken.id}/reversals")
    gift = story.write("gift", "gift-1", 20, by=ANN, moved=-20)
    story.write("gift", "gift-1", 20, BEN, by=ANN, moved=20, arrives=True)
    story.answer(gift, "gift-1")
    story.refuse("gift", "gift-2", "limit-exceeded", 0, by=ANN, body={"to": BEN, "points": 481})
    story.post("earn", "grant-1", 50, BEN, by=AGENCY, moved=50)
    story.refuse("earn", "grant-2", "cap-exhausted", 11, BEN, by=AGENCY)
    story.cut("earn", "lost-1", 5)
    story.write("earn", "lost-1", 5, moved=5)
    line = story.write("earn", "line-1", 8, moved=8)
    story.attempt(IMPORT_LINE, CAFE, "line-1", {"member": line.member, "points": 8}, status=201)
    tell_atomic(story)
    story.attempt("earn", CAFE, "busy-1", {"member": ANN, "points": 1}, status=503)
    story.hooks = [Hook(AGENCY, frozenset(row.id for row in story.rows if row.partner == AGENCY))]
    story.settled = [settled_day(story)]
    return story


def tell_atomic(story: Story) -> None:
    """Two atomic bulks: the one posts both its items, the other is refused for its second."""
    for key, member in (("all-1", ANN), ("all-2", BEN)):
        story.post("earn", key, 1, member, moved=1)
        story.of_key(key).whole = "all"
    refused = {"code": "bulk-item-refused", "key": "none-2", "refusal": {"code": "insufficient-points"}}
    for key, points, member in (("none-1", 1, ANN), ("none-2", 10_000, BEN)):
        story.refuse("redeem", key, "", points, member, whole="none")
        story.of_key(key).answer = as_json(refused)
    story.attempt("atomic", CAFE, "none", {}, status=409, answer=as_json(refused))


def settled_day(story: Story) -> Settled:
    """The batch of all that was told so far: it issues 165 points, 40 are used, 10 of them come back."""

    def money(amount: str) -> Money:
        return Money("CNY", amount)

    closing = sum(one.available + one.held for one in story.members.values())
    batch = Batch(
        id="CITY-20261123-1",
        state="closed",
        parties=[Party(AGENCY, money("-1.63")), Party(CAFE, money("0.29"))],
        pay_out=money("0.29"),
        operator={"obligation_change": money("1.33"), "commission": money("0.01"), "obligation_closing": money("1.33")},
        points=Points(opening=0, issued=165, redeemed=40, restored=10, closing=closing),
        payments=[Payment("CITY-20261123-1-1-1", CAFE, money("0.29"), "confirmed")],
    )
    return Settled(batch, begins_at=0, ends_at=1, paid_minor=29)
