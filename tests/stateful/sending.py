"""How requests are sent: path, body and headers of what the model answers as one command."""

from typing import Any

from tests.stateful.model.accounts import Label
from tests.stateful.model.answers import Request
from tests.stateful.model.commands import Model
from tests.stateful.running_ledger import Call

PATHS = {
    "earn": "/v1/earnings",
    "redeem": "/v1/redemptions",
    "reverse": "/v1/transactions/{transaction}/reversals",
    "hold": "/v1/holds",
    "capture": "/v1/holds/{hold}/captures",
    "void": "/v1/holds/{hold}/void",
    "gift": "/v1/gifts",
    "exchange": "/v1/exchanges",
    "freeze": "/v1/members/{member}/freeze",
    "unfreeze": "/v1/members/{member}/unfreeze",
    "close": "/v1/members/{member}/close",
    "merge": "/v1/members/{member}/merge",
    "move": "/v1/members/{member}/move-lane",
    "atomic": "/v1/bulk",
    "adjust": "/v1/adjustments",
    "write-off": "/v1/write-offs",
}
BY_LEAVE = ("gift", "exchange")
"""What a partner may ask for only beside the member's token, and alone."""
STAFF = "STAFF"
"""Who asks where it is no partner and no member."""
APPROVER = "APPROVER"
"""The second person of a correction."""
UNKNOWN_TRANSACTION = "019b76da-a800-8001-8000-000000650521"


class Sender:
    """The credentials of all who ask, and the ids that answers have given to what the model names by its label."""

    def __init__(self, keys: dict[str, str]) -> None:
        self.keys = keys
        self.tokens: dict[str, str] = {}
        self.ids: dict[Label, str] = {}

    def call(self, model: Model, label: Label, request: Request, *, shown: bool) -> Call:
        """A request as a POST; ``shown``: with the member's token, so that the answer may tell its balance."""
        path, body = PATHS[request["operation"]], self.body(request)
        for name in ("transaction", "hold", "member"):
            if f"{{{name}}}" in path:
                path = path.replace(f"{{{name}}}", body.pop(name))
        if request["operation"] == "atomic":
            items = [{**self.item(item), "key": key} for key, item in request["items"]]
            body = {"mode": "atomic", "items": items}
        return Call(path, body, {"Idempotency-Key": label[1], **self.headers(model, label, request, shown=shown)})

    def headers(self, model: Model, label: Label, request: Request, *, shown: bool) -> dict[str, str]:
        """Who asks, and for whom."""
        headers = {"Authorization": f"Bearer {self.tokens.get(label[0]) or self.keys[label[0]]}"}
        token = self.tokens.get(member_of(model, request))
        is_partner = label[0] not in self.tokens and label[0] != STAFF
        if token and is_partner and (shown or request["operation"] in BY_LEAVE):
            headers["Member-Token"] = token
        return headers

    def body(self, request: Request) -> dict[str, Any]:
        """The fields of a request, with ids in place of labels."""
        body = {name: value for name, value in request.items() if name != "operation"}
        for name in {"transaction", "hold"} & body.keys():
            body[name] = self.ids.get(body[name], UNKNOWN_TRANSACTION)
        return body

    def item(self, request: Request) -> dict[str, Any]:
        """The same, with the operation by its name: an item of a bulk, or a question."""
        return {"operation": request["operation"], **self.body(request)}


def member_of(model: Model, request: Request) -> str:
    """Whose points a request is about; nobody's where it names what does not exist."""
    for name in ("member", "from"):
        if name in request:
            return str(request[name])
    if "hold" in request:
        hold = model.holds.get(request["hold"])
        return "" if hold is None else hold.account.person.name
    deal = model.deals.get(request.get("transaction", ("", "")))
    return "" if deal is None or deal.account is None else deal.account.person.present().name
