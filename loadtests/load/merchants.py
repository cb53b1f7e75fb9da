"""What merchants do at their tills, and what an agency does with its budget."""

from collections import deque
from uuid import uuid4

import msgspec

from loadtests.load.checks.evidence import Told, refusal_code, told
from loadtests.load.files import import_file
from loadtests.load.records import Attempt, as_json
from loadtests.load.sending import Call, Part, Sender
from loadtests.load.town import PROGRAMME, Shop, Town, by_zipf

WEIGHTS = {"earn": 30, "redeem": 22, "hold": 10, "return": 10, "bulk": 3, "atomic": 3, "file": 1}
MOST_EARNED, MOST_REDEEMED, MOST_HELD, MOST_GIVEN = 200, 260, 200, 150
BULK_ITEMS, ATOMIC_ITEMS = 12, 4
GIVEN_AT_ONCE = 6
REMEMBERED = 40
HOLD_ENDS_AT = ("2027-10-01T00:00:00+08:00", "2026-11-24T00:00:00+08:00")
"""Beyond the run, whatever day the ledger's clock is set to; and when its first day ends."""

HOLD_WEIGHTS = (6, 3)


class Sale(msgspec.Struct, frozen=True):
    """What a till remembers for a return."""

    shop: Shop
    transaction: Told


class Merchant:
    """A till: each time of another shop, for another member; some are met much more often than others.

    Every other shop gives points; all of them take points. So some are paid by the settlement, and others pay.
    """

    def __init__(self, sender: Sender, town: Town) -> None:
        self._sender = sender
        self._chance = sender.chance
        self._town = town
        self._issuers = town.merchants[::2]
        self._member_weights = by_zipf(len(town.members))
        self._sold: deque[Sale] = deque(maxlen=REMEMBERED)

    def trade(self) -> None:
        """Do one thing."""
        acts = {
            "earn": self._earn,
            "redeem": self._redeem,
            "hold": self._hold,
            "return": self._return,
            "bulk": self._bulk,
            "atomic": self._atomic,
            "file": self._file,
        }
        [act] = self._chance.choices(list(WEIGHTS), weights=list(WEIGHTS.values()))
        acts[act]()

    def _earn(self) -> None:
        shop = self._shop(self._issuers)
        self._remember(shop, self._post(shop, "earn", "/v1/earnings", self._body(MOST_EARNED)))

    def _redeem(self) -> None:
        shop = self._shop(self._town.merchants)
        self._remember(shop, self._post(shop, "redeem", "/v1/redemptions", self._body(MOST_REDEEMED)))

    def _hold(self) -> None:
        """Hold, then take all or part, let go, or have the two race for it."""
        shop = self._shop(self._town.merchants)
        [ends_at] = self._chance.choices(HOLD_ENDS_AT, HOLD_WEIGHTS)
        body = self._body(MOST_HELD) | {"expires_at": ends_at}
        held = _posted(self._post(shop, "hold", "/v1/holds", body))
        if held is None:
            return
        hold = f"/v1/holds/{held.id}"
        part = self._chance.randint(1, held.points)
        end = self._chance.choice(["whole", "parts", "void", "race", "too much", "after the end", "left open"])
        if end in {"whole", "after the end"}:
            self._remember(shop, self._post(shop, "capture", f"{hold}/captures", {}))
        elif end == "parts":
            self._remember(shop, self._post(shop, "capture", f"{hold}/captures", {"points": part}))
            self._post(shop, "capture", f"{hold}/captures", {"points": self._chance.randint(1, part), "final": True})
        elif end == "race":
            final = self._call(shop, "capture", f"{hold}/captures", {"points": part, "final": True})
            self._sender.at_once(final, self._call(shop, "void", f"{hold}/void", {}))
        elif end == "too much":
            self._post(shop, "capture", f"{hold}/captures", {"points": held.points + part})
        if end in {"void", "after the end", "too much"}:
            self._post(shop, "void", f"{hold}/void", {})

    def _return(self) -> None:
        """Give a part of a sale back; of one that was given back before it may be too much."""
        if not self._sold:
            return
        sale = self._chance.choice(self._sold)
        points = self._chance.randint(1, sale.transaction.points)
        path = f"/v1/transactions/{sale.transaction.id}/reversals"
        self._post(sale.shop, "reverse", path, {"points": points, "reason": "returned"})

    def _bulk(self) -> None:
        kinds = [self._chance.choice(["earn", "earn", "redeem"]) for _ in range(BULK_ITEMS)]
        parts = [self._part(kind, self._body(MOST_EARNED)) for kind in kinds]
        self._sender.insist(self._together("bulk", "independent", parts))

    def _atomic(self) -> None:
        """All or nothing, for members who are each named once: so no item explains the refusal of another."""
        people = self._chance.sample(self._town.members, ATOMIC_ITEMS)
        kinds = self._chance.sample(["redeem", *["earn"] * (ATOMIC_ITEMS - 1)], ATOMIC_ITEMS)
        bodies = [self._body(MOST_REDEEMED) | {"member": person.id} for person in people]
        parts = [self._part(kind, body) for kind, body in zip(kinds, bodies, strict=True)]
        self._sender.insist(self._together("atomic", "atomic", parts, key=f"atomic-{uuid4().hex}"))

    def _file(self) -> None:
        import_file(self._sender, self._shop(self._issuers), self._member)

    def _part(self, kind: str, body: dict[str, object]) -> Part:
        key = f"item-{uuid4().hex}"
        return Part(kind, key, as_json(body | {"operation": kind, "key": key}))

    def _together(self, kind: str, mode: str, parts: list[Part], key: str | None = None) -> Call:
        shop = self._shop(self._issuers)
        return Call(
            kind=kind,
            by=shop.code,
            bearer=shop.key,
            path="/v1/bulk",
            key=key,
            body=as_json({"mode": mode, "items": [part.body for part in parts]}),
            parts=tuple(parts),
        )

    def _post(self, shop: Shop, kind: str, path: str, body: dict[str, object]) -> Attempt | None:
        return self._sender.insist(self._call(shop, kind, path, body))

    def _call(self, shop: Shop, kind: str, path: str, body: dict[str, object]) -> Call:
        key = f"{kind}-{uuid4().hex}"
        return Call(kind=kind, by=shop.code, bearer=shop.key, path=path, key=key, body=as_json(body))

    def _body(self, most: int) -> dict[str, object]:
        points = self._chance.randint(1, most)
        return {"programme": PROGRAMME, "member": self._member(), "points": points, "scene": "food"}

    def _remember(self, shop: Shop, attempt: Attempt | None) -> None:
        posted = _posted(attempt)
        if posted is not None:
            self._sold.append(Sale(shop, posted))

    def _member(self) -> str:
        return self._chance.choices(self._town.members, cum_weights=self._member_weights)[0].id

    def _shop(self, shops: list[Shop]) -> Shop:
        return self._chance.choices(shops, cum_weights=by_zipf(len(shops)))[0]


class Agency:
    """Gives points to many at once, until the budget is used up to its last point; and is asked on, one by one."""

    def __init__(self, sender: Sender, town: Town) -> None:
        self._sender = sender
        self._town = town
        self._is_used_up = False

    def give(self) -> None:
        """Give to some people at the same time, who race for what is left; or try whether there is still a point."""
        if self._is_used_up:
            self._sender.insist(self._call())
            return
        answers = self._sender.at_once(*(self._call() for _ in range(GIVEN_AT_ONCE)))
        self._is_used_up = all(refusal_code(answer) == "cap-exhausted" for answer in answers)

    def _call(self) -> Call:
        chance, agency = self._sender.chance, self._town.agency
        member = chance.choice(self._town.members).id
        points = chance.randint(1, MOST_GIVEN)
        body = {"programme": PROGRAMME, "member": member, "points": points, "scene": "government"}
        key = f"earn-{uuid4().hex}"
        return Call(kind="earn", by=agency.code, bearer=agency.key, path="/v1/earnings", key=key, body=as_json(body))


def _posted(attempt: Attempt | None) -> Told | None:
    """The transaction of a good answer."""
    return told(attempt) if attempt is not None and attempt.is_good else None
