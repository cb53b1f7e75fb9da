"""Drawing commands of all kinds by chance, such as fit what has happened so far."""

from collections.abc import Callable
from random import Random
from typing import Any

from ledger.rules.business_day import civil_day
from ledger.rules.commands import AnyCommand, Atomic, Capture, Reverse, SingleCommand, VoidHold
from ledger.rules.journal import JournalEntry, TransactionKind
from tests.builders import BANK, DAY, HOUR, SUPERMARKET, earn, expire, id_of, place_of_entry, redeem, reverse, take_back
from tests.rarer_builders import (
    adjust,
    atomic,
    capture,
    close,
    exchange,
    freeze,
    gift,
    grant_cap,
    hold,
    merge,
    move,
    notice,
    unfreeze,
    void,
    write_off,
)
from tests.rules.ledger_in_memory import LedgerInMemory

LANES = 4
CAPPED_SCENE = "leisure"
CAPS = ("FAIR", "BANK-FAIR")

MEMBERS = ("m1",) * 6 + ("m5",) * 6 + ("m2",) * 3 + ("m3", "m4", "m6", "m7", "m8")
LEAVING = ("m7", "m8")
MERGING = ("m3", "m4", "m6")
STAYING = ("m1", "m2", "m5")
MOVING = ("m1", "m2", "m3", "m4")

PLAIN = {
    "earn": 20,
    "redeem": 10,
    "hold": 14,
    "capture": 14,
    "reverse": 10,
    "back": 6,
    **dict.fromkeys(("spend", "late", "pending", "return_capture"), 6),
    "void": 6,
    **dict.fromkeys(("expire", "notice", "adjust", "take"), 3),
    "write_off": 6,
}
"""What touches one member in its lane, so that several may come in one batch."""
WIDE = {
    "gift": 14,
    "exchange": 10,
    "capped": 24,
    "grant": 4,
    "atomic": 8,
    "sent_again": 6,
    "move": 4,
    "merge": 2,
    "freeze": 2,
    "unfreeze": 4,
    "close": 2,
}
"""What may leave its batch and so comes alone: its place in the order of a lane would differ."""

REVERSIBLE = (TransactionKind.EARN, TransactionKind.REDEEM, TransactionKind.CAPTURE)


class Drawing:
    """Draws the next commands for a ledger."""

    def __init__(self, ledger: LedgerInMemory, random: Random) -> None:
        self._ledger = ledger
        self._random = random
        self._member = "m1"
        self._draws: dict[str, Callable[[int], AnyCommand | None]] = {
            "earn": lambda amount: earn(amount * 3, **self._named()),
            "spend": lambda amount: earn(spend_minor=amount * 111, **self._named()),
            "late": lambda amount: earn(amount, occurred_at=self._now - amount % 5 * DAY, **self._named()),
            "pending": lambda amount: earn(amount, available_from=self._now + DAY, **self._named()),
            "capped": lambda amount: earn(amount % 8 + 1, **self._named() | {"scene": CAPPED_SCENE}),
            "redeem": lambda amount: redeem(amount, **self._named()),
            "hold": self._hold,
            "back": lambda amount: take_back(amount * 77, occurred_at=self._now, **self._named()),
            "expire": lambda _: expire(**self._named()),
            "notice": self._notice,
            "adjust": lambda amount: adjust(amount, **self._named()),
            "take": lambda amount: adjust(amount, takes=True, partner="SUPERMARKET", **self._named()),
            "write_off": self._write_off,
            "gift": lambda amount: gift(amount, receiver=self._random.choice(MEMBERS), **self._named()),
            "exchange": self._exchange,
            "grant": lambda amount: grant_cap(amount * 4, self._random.choice(CAPS)),
            "move": lambda amount: move(amount % LANES, self._random.choice(MOVING)),
            "merge": lambda _: merge(self._random.choice(MERGING), self._random.choice(STAYING)),
            "freeze": lambda _: freeze("m2"),
            "unfreeze": lambda _: unfreeze(self._with("frozen")),
            "close": lambda amount: close(self._random.choice(LEAVING), gives_up_points=amount % 3 > 0),
            "atomic": self._atomic,
            "reverse": lambda amount: self._reversal(amount, self._written(*REVERSIBLE)),
            "return_capture": lambda amount: self._reversal(amount, self._written(TransactionKind.CAPTURE)),
            "capture": lambda amount: self._ending(amount, self._holds()),
            "void": lambda _: self._ending(0, self._holds()),
            "sent_again": self._of_gone_member,
        }

    def batch(self) -> list[AnyCommand]:
        """One command of any kind, or several of one member."""
        self._member = self._random.choice(MEMBERS)
        commands = [self._one(PLAIN | WIDE)]
        member = self._member
        for _ in range(self._random.choice([0, 0, 2, 5])):
            if self._is_wide() or self._member != member:
                break
            commands.append(self._one(PLAIN))
        if len(commands) > 1 and self._member != member:
            commands.pop()
        return commands

    @property
    def _now(self) -> int:
        return self._ledger.now

    def _one(self, weights: dict[str, int]) -> AnyCommand:
        while True:
            [what] = self._random.choices(list(weights), list(weights.values()))
            self._what = what
            command = self._draws[what](self._random.randint(1, 60))
            if command is not None:
                return command

    def _is_wide(self) -> bool:
        """Whether the last command may leave its batch though others of its member would not."""
        return self._what in WIDE or self._present(self._member) != int(self._member[1:])

    def _named(self) -> dict[str, Any]:
        programme = "PARK" if self._random.random() < 0.1 else "CITY"
        return {"member": self._member, "programme": programme}

    def _present(self, name: str) -> int:
        return self._ledger.present(int(name[1:])).number

    def _with(self, status: str) -> str:
        """A member of a status, where there is one."""
        found = [name for name in STAYING if self._ledger.state.members[self._present(name)].status == status]
        return self._random.choice(found or STAYING)

    def _notice(self, amount: int) -> AnyCommand:
        points = self._ledger.points(self._present(self._member))
        days = [lot.expires_on for lot in points.lots if lot.remaining and lot.expires_on]
        day = days[amount % len(days)] if days else civil_day(self._now, "Asia/Shanghai")
        return notice(day, member=self._member)

    def _write_off(self, amount: int) -> AnyCommand:
        in_debt = [name for name in STAYING if self._ledger.points(self._present(name)).shortfall]
        self._member = self._random.choice(in_debt or [self._member])
        return write_off(self._random.choice([None, amount % 9 + 1]), member=self._member)

    def _hold(self, amount: int) -> AnyCommand:
        lasting = self._random.choice([HOUR, DAY, DAY, 2 * DAY, 4 * DAY])
        return hold(amount, expires_at=self._now + lasting, **self._named())

    def _exchange(self, amount: int) -> AnyCommand:
        here = self._random.random() < 0.6
        programme, target = ("CITY", "PARK") if here else ("PARK", "CITY")
        points = amount // 5 * 5 + 5 if here and amount % 9 else amount
        return exchange(points, programme=programme, target_programme=target, member=self._member)

    def _written(self, *kinds: TransactionKind) -> list[JournalEntry]:
        """The last transactions of the member drawn."""
        mine = self._present(self._member)
        written = [
            entry
            for entry in self._ledger.state.entries[-400:]
            if entry.transaction.kind in kinds and entry.transaction.member == mine
        ]
        return written[-6:]

    def _holds(self) -> list[JournalEntry]:
        """The last holds of the member drawn, mostly those that are open."""
        holds = self._written(TransactionKind.HOLD)
        still_open = [held for held in holds if self._ledger.state.holds[place_of_entry(held)].remaining]
        return holds if self._random.random() < 0.1 else still_open

    def _of_gone_member(self, amount: int) -> AnyCommand | None:
        """A late return, capture or void that names what a member did before it became another."""
        members = self._ledger.state.members
        gone = [
            entry
            for entry in self._ledger.state.entries
            if entry.transaction.member and members[entry.transaction.member].into is not None
        ]
        kinds = (TransactionKind.HOLD,) if amount % 2 else REVERSIBLE
        chosen = [entry for entry in gone if entry.transaction.kind in kinds][-12:]
        return self._ending(amount, chosen) if amount % 2 else self._reversal(amount, chosen)

    def _reversal(self, amount: int, originals: list[JournalEntry]) -> Reverse | None:
        if not originals:
            return None
        part: dict[str, Any] = self._random.choice(
            [{}, {"points": amount // 3 + 1}, {"spend_minor": amount * 33, "currency": "CNY"}]
        )
        return reverse(self._random.choice(originals), **part)

    def _ending(self, amount: int, holds: list[JournalEntry]) -> Capture | VoidHold | None:
        if not holds:
            return None
        held = self._random.choice(holds)
        if amount == 0 or amount % 7 == 0:
            return void(held)
        return capture(held, self._random.choice([None, amount // 3 + 1]), final=amount % 2 == 0)

    def _atomic(self, _: int) -> Atomic:
        items: list[SingleCommand] = []
        wanted = self._random.randint(1, 4)
        while len(items) < wanted:
            self._member = self._random.choice(MEMBERS)
            what = self._random.choice(["earn", "redeem", "hold", "capture", "reverse", "capped"])
            drawn: Any = self._draws[what](self._random.randint(1, 20))
            if drawn is not None:
                items.append(drawn)
        return atomic(*items, key=f"item-{self._random.randrange(10**9)}")


def partner_of(command: AnyCommand, ledger: LedgerInMemory, random: Random) -> int:
    """Who sends a command: the partner of the original or hold, staff (0), or anybody."""
    if isinstance(command, Atomic):
        return partner_of(command.items[0].command, ledger, random)
    named = getattr(command, "transaction", None) or getattr(command, "hold", None)
    if named is not None:
        entry = next(entry for entry in ledger.state.entries if id_of(entry) == named)
        return entry.transaction.partner
    if type(command).__name__ in ("Earn", "Redeem", "PlaceHold", "TakeBack", "Gift", "Exchange"):
        return random.choice([BANK, SUPERMARKET])
    return 0
