"""What must agree, and how an answer is compared with the model's."""

from collections.abc import Sequence
from typing import Any

import httpx

from tests.stateful.figures import iso, moment
from tests.stateful.model.accounts import Deal, Label
from tests.stateful.model.answers import Answer


class Disagreement(AssertionError):
    """The ledger and the model disagree; ``check`` says what was being compared."""

    def __init__(self, check: str, got: object, wanted: object) -> None:
        super().__init__(f"{check}: got {got}, wanted {wanted}")
        self.check = check


def agree(check: str, got: object, wanted: object) -> None:
    """Raise Disagreement where two things differ."""
    if got != wanted:
        raise Disagreement(check, got, wanted)


def compare_answer(answer: Answer, got: httpx.Response, ids: dict[Label, str], *, shown: bool) -> None:
    """Status, code and body of an answer are the model's."""
    body = got.json()
    agree("answer", (got.status_code, body.get("code")), (answer.status, answer.code))
    if answer.items:
        agree("answer", [result["status"] for result in body["results"]], [item.status for item in answer.items])
        for item, result in zip(answer.items, body["results"], strict=True):
            compare_body(item, result["body"], ids, shown=False)
        return
    compare_body(answer, body, ids, shown=shown)


def compare_body(answer: Answer, body: dict[str, Any], ids: dict[Label, str], *, shown: bool) -> None:
    """The body of an answer is the model's; ``shown``: it may tell the member's balance."""
    if answer.deal is None:
        wanted = {name: fact for name, fact in answer.facts.items() if shown or name != "available"}
        agree("answer", {name: _plain(body.get(name)) for name in wanted}, wanted)
    elif "change" in body:
        agree("answer", body["change"], answer.deal.kind)
    else:
        _compare_transaction(answer.deal, body, ids, shown=shown)


def is_in_order_of_lanes(responses: Sequence[httpx.Response]) -> bool:
    """Whether what was posted comes in the order in which each lane has it; not all answers say."""
    latest: dict[int, int] = {}
    for response in responses:
        body = response.json()
        for posted in [result["body"] for result in body.get("results", ())] or [body]:
            lane, sequence = posted.get("lane"), posted.get("sequence")
            if sequence is None:
                continue
            if sequence < latest.get(lane, 0):
                return False
            latest[lane] = sequence
    return True


def is_replay(response: httpx.Response) -> bool:
    """Whether a response says that it was given before."""
    return bool(response.headers.get("idempotency-replayed") == "true")


def seen(response: httpx.Response) -> tuple[int, bytes]:
    """What of a response must never change: its status and all bytes of its body."""
    return (response.status_code, response.content)


def _compare_transaction(deal: Deal, body: dict[str, Any], ids: dict[Label, str], *, shown: bool) -> None:
    balance = {"available": deal.available, "held": deal.held, "pending": deal.pending} if shown else None
    agree("answer", (body["kind"], body["points"]), (deal.kind, deal.points))
    agree("answer", body.get("balance"), balance)
    lots = [(lot["funding"][0]["partner"], lot["points"], lot["expires_on"]) for lot in body["lots"]]
    agree("answer", lots, [(lot.issuer, points, iso(lot.expires_on)) for lot, points in deal.uses])
    opens = deal.kind == "hold" and deal.hold is not None
    agree("answer", body.get("expires_at"), moment(deal.hold.expires_at) if opens and deal.hold else None)
    agree("answer", body.get("hold"), None if opens or deal.hold is None else ids[deal.hold.label])
    agree("answer", body.get("released", 0), deal.released)


def _plain(fact: object) -> object:
    """Of a refusal within a refusal, its code."""
    return fact["code"] if isinstance(fact, dict) else fact
