"""What a till's forms say: who is shown, what is sold, and what cannot be used of what was typed."""

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple, cast

import msgspec

from api.presented_codes import QR_PREFIX
from api.requests import CityRequest
from api.schemas.fields import refuse
from ledger.errors import MalformedRequest
from ledger.rules.commands import MAXIMUM_POINTS, Earn, Redeem
from ledger.rules.member_codes import CODE, is_code
from ledger.rules.money import to_minor
from ledger.rules.programmes import Programme
from ledger.rules.scenes import SCENES
from ledger.store.members import CARD_DIGITS

TILL_COOKIE = "till"
CHANNEL = "pos"
LONGEST_TYPED = 60

_OUTLET = re.compile(r"[A-Za-z0-9._-]{1,32}")
_OPERATIONS = ("earn", "redeem")
_CARRIED = ("operation", "programme", "spend", "points", "cash")


class Presented(NamedTuple):
    """What a member shows: a code, or a card."""

    kind: Literal["code", "card"]
    digits: str

    @property
    def name(self) -> str:
        """How the ledger names the member."""
        return f"{CODE if self.kind == 'code' else 'card:'}{self.digits}"

    @property
    def shown(self) -> str:
        """Its last digits, which tell one card from another."""
        return f"•••• {self.digits[-4:]}"


class Till(msgspec.Struct, frozen=True):
    """What a till sells, and the name of its outlet where it has one."""

    scene: str
    outlet: str = ""

    @property
    def cookie(self) -> str:
        """How the browser keeps it."""
        return f"{self.scene}.{self.outlet}"


class Sale(msgspec.Struct, frozen=True, kw_only=True):
    """What was typed for one customer, and the ``key`` under which it is posted.

    ``wrong`` are the fields that cannot be used, with the keys of what to say.
    """

    member: str
    operation: str = ""
    programme: str = ""
    spend: str = ""
    points: str = ""
    cash: str = ""
    key: str = ""
    wrong: Mapping[str, str] = {}

    @property
    def presented(self) -> Presented | None:
        """The code or card that was typed or scanned, if it is one."""
        digits = re.sub(r"[\s-]", "", self.member)
        if is_code(digits.upper().removeprefix(QR_PREFIX)):
            return Presented("code", digits.upper().removeprefix(QR_PREFIX))
        is_card = len(digits) == CARD_DIGITS and digits.isascii() and digits.isdigit()
        return Presented("card", digits) if is_card else None

    @property
    def carried(self) -> dict[str, str]:
        """What was typed beside the member, to be kept while another code is asked for."""
        return {name: value for name in _CARRIED if (value := getattr(self, name))}

    def command(self, presented: Presented, programme: Programme, till: Till) -> Earn | Redeem | Mapping[str, str]:
        """The command that was asked for, or what is wrong with the fields."""
        wrong: dict[str, str] = {}
        points = _points(self.points, "points", wrong)
        scene, outlet = till.scene, till.outlet or None
        if self.operation == "redeem":
            if not self.points:
                wrong["points"] = "points_wrong"
            cash = _minor(self.cash, programme, "cash", wrong)
            return wrong or Redeem(
                programme=programme.code,
                member=presented.name,
                points=points or 0,
                scene=scene,
                cash_minor=cash,
                currency=None if cash is None else programme.currency,
                channel=CHANNEL,
                outlet=outlet,
            )
        spend = _minor(self.spend, programme, "spend", wrong)
        if bool(self.spend) == bool(self.points):
            wrong["spend"] = "spend_or_points"
        elif spend == 0:
            wrong["spend"] = "money_wrong"
        return wrong or Earn(
            programme=programme.code,
            member=presented.name,
            scene=scene,
            points=points,
            spend_minor=spend,
            currency=None if spend is None else programme.currency,
            channel=CHANNEL,
            outlet=outlet,
        )


def read_sale(fields: Mapping[str, str]) -> Sale:
    """Read a form; raises MalformedRequest for what no form of ours sends."""
    operation = fields.get("operation", "")
    if operation and operation not in _OPERATIONS:
        refuse("operation", repr(operation[:40]), "earn or redeem")

    def typed(name: str) -> str:
        return fields.get(name, "").strip()[:LONGEST_TYPED]

    return Sale(
        member=typed("member"),
        operation=operation,
        programme=typed("programme"),
        spend=typed("spend"),
        points=typed("points"),
        cash=typed("cash"),
        key=fields.get("key", ""),
    )


def till_of(request: CityRequest) -> Till | None:
    """What this browser's till sells, as it was chosen; None where nothing was."""
    scene, _, outlet = (request.cookies.get(TILL_COOKIE) or "").partition(".")
    return read_till({"scene": scene, "outlet": outlet})


def read_till(fields: Mapping[str, str]) -> Till | None:
    """A till as a form or cookie says it; None for what cannot be one."""
    scene, outlet = fields.get("scene", ""), fields.get("outlet", "").strip()
    return Till(scene, outlet) if scene in SCENES and is_outlet(outlet) else None


def is_outlet(name: str) -> bool:
    """Whether an outlet may have this name; none is a name, too."""
    return not name or _OUTLET.fullmatch(name) is not None


def _points(typed: str, field: str, wrong: dict[str, str]) -> int | None:
    digits = typed.replace(",", "")
    if not digits:
        return None
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= len(str(MAXIMUM_POINTS))
    if not is_number or int(digits) == 0:
        wrong[field] = "points_wrong"
        return None
    return int(digits)


def _minor(typed: str, programme: Programme, field: str, wrong: dict[str, str]) -> int | None:
    amount = re.sub(r"[\s,¥]", "", typed)
    if not amount:
        return None
    try:
        return to_minor(amount, programme.currency)
    except MalformedRequest:
        wrong[field] = "money_wrong"
        return None


def kind_of(operation: str) -> Literal["earn", "redeem"]:
    """The operation of a form that asks for one; raises MalformedRequest."""
    if operation not in _OPERATIONS:
        refuse("operation", "nothing", "earn or redeem")
    return cast("Literal['earn', 'redeem']", operation)
