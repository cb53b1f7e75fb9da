"""The running ledger and the model, side by side: each step is done to both, and they must agree.

What disagrees is raised as a Disagreement that says which check found it.
"""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from datetime import timedelta
from itertools import count, permutations
from typing import Any

import httpx
import msgspec

from tests.stateful.figures import expected_balance, iso, lot_terms, shown_lot
from tests.stateful.model import Answer, Label, Model, Programme, Request
from tests.stateful.running_ledger import Call, Contents, RunningLedger

PATHS = {"earn": "/v1/earnings", "redeem": "/v1/redemptions"}
UNKNOWN_TRANSACTION = "019b76da-a800-8001-8000-000000650521"
PARTNERS = {"BANK": (True, False), "SHOP": (True, True), "CAFE": (False, True)}
"""Whether each may issue, and accept."""
MEMBERS = 4
STATEMENT_PAGE = 7
CREATED = 201
KEY_REUSED = "idempotency-key-reused"

_examples = count(1)


class BulkResult(msgspec.Struct):
    """A result in a bulk, with its very bytes."""

    status: int
    body: msgspec.Raw
    replayed: bool

    def response(self) -> httpx.Response:
        """The response that the item would have got by itself."""
        headers = {"Idempotency-Replayed": "true"} if self.replayed else {}
        return httpx.Response(self.status, content=bytes(self.body), headers=headers)


class BulkAnswer(msgspec.Struct):
    """All results of a bulk."""

    results: list[BulkResult]


class Disagreement(AssertionError):
    """The ledger and the model disagree; ``check`` says what was being compared."""

    def __init__(self, check: str, got: object, wanted: object) -> None:
        super().__init__(f"{check}: got {got}, wanted {wanted}")
        self.check = check


def agree(check: str, got: object, wanted: object) -> None:
    """Raise Disagreement where two things differ."""
    if got != wanted:
        raise Disagreement(check, got, wanted)


class SideBySide:
    """One example: programmes and members of its own in a ledger that goes on from example to example."""

    def __init__(self, ledger: RunningLedger, keys: dict[str, str]) -> None:
        self.ledger = ledger
        self.keys = keys
        self.example = next(_examples)
        self.model = Model(ledger.now())
        self.ids: dict[Label, str] = {}
        self.first_answers: dict[Label, httpx.Response] = {}
        self.requests: list[tuple[Label, Request]] = []
        self.tokens: dict[str, str] = {}
        self.touched: set[tuple[str, str]] = set()
        self._key_numbers = count(1)
        self._add_members()

    def add_programme(self, name: str, terms: Programme) -> str:
        """Add a programme to both, with the same partners' permissions; returns its code."""
        code, service = f"{name}-{self.example}", self.ledger.service
        amount = f"{terms.step_minor // 100}.{terms.step_minor % 100:02}"
        service.add_programme(
            code,
            rules={
                "earn_rate": {"points": terms.points_per_step, "per_amount": amount},
                **({} if terms.validity_days is None else {"validity_days": terms.validity_days}),
            },
            cut_off=f"{terms.cut_off_hour:02}:00",
            maximum_age_days=terms.maximum_age_days,
            restore_grace_days=terms.grace_days,
            shortfall="member" if terms.member_owes else "issuer",
        )
        for partner, (may_issue, may_accept) in PARTNERS.items():
            service.permit(code, partner, may_issue=may_issue, may_accept=may_accept)
        if not terms.is_open:
            etag = service.get(f"/v1/programmes/{code}").headers["etag"]
            service.request(
                "PATCH", f"/v1/programmes/{code}", json={"is_open": False}, headers={"If-Match": etag}
            ).raise_for_status()
        terms.issuers = frozenset(partner for partner, (issues, _) in PARTNERS.items() if issues)
        terms.acceptors = frozenset(partner for partner, (_, accepts) in PARTNERS.items() if accepts)
        self.model.programmes[code] = terms
        return code

    def new_label(self, partner: str) -> Label:
        """A key that the partner has not used."""
        return (partner, f"{self.example}-{next(self._key_numbers)}")

    # Steps.

    def submit(self, label: Label, request: Request, *, shown: bool = True) -> None:
        """Send a request to both; what does not post must leave everything but its key as it is."""
        before = self.ledger.contents()
        answer = self.model.submit(label, request)
        self._note(label, request)
        response = self.ledger.post(self._call(label, request, shown=shown))
        self._compare(label, answer, response, shown=shown)
        self._check_unchanged(before, [answer])

    def submit_at_once(self, label: Label, request: Request, times: int) -> None:
        """Send the same request several times at once: one effect, and the same answer for all."""
        before = self.ledger.contents()
        answer = self.model.submit(label, request)
        self._note(label, request)
        responses = self.ledger.post_at_once([self._call(label, request, shown=True)] * times)
        firsts = [one for one in responses if not is_replay(one)]
        wanted = 0 if answer.is_replay else times if answer.code == KEY_REUSED else 1
        agree("concurrent duplicates", len(firsts), wanted)
        self._compare(label, answer, (firsts or responses)[0], shown=True)
        for one in responses:
            agree("concurrent duplicates", (one.status_code, one.content), seen(responses[0]))
        self._check_unchanged(before, [answer])

    def rush(self, several: Sequence[tuple[Label, Request]]) -> None:
        """Send different requests at once: some order, one after the other, explains all answers."""
        responses = self.ledger.post_at_once([self._call(*one, shown=True) for one in several])
        sent = list(zip(several, responses, strict=True))
        disagreements = []
        for order in permutations(sent):
            model = deepcopy(self.model)
            try:
                answers = [(one, model.submit(*one), response) for one, response in order]
                for _, answer, response in answers:
                    self._compare_answer(answer, response, shown=True)
            except Disagreement as disagreement:
                disagreements.append(disagreement)
                continue
            self.model = model
            for (label, request), _, response in answers:
                self._note(label, request)
                self._keep(label, response)
            return
        got = [(request, one.status_code, one.text) for (_, request), one in sent]
        raise Disagreement("serial order", got, disagreements)

    def bulk(self, several: Sequence[tuple[Label, Request]]) -> None:
        """Send requests of one partner as one bulk: each is answered as it would be by itself."""
        before = self.ledger.contents()
        answers = [self.model.submit(*one) for one in several]
        items = []
        for label, request in several:
            self._note(label, request)
            items.append({**self._body(request), **self._named(request), "key": label[1]})
        headers = {"Authorization": f"Bearer {self.keys[several[0][0][0]]}"}
        response = self.ledger.post(Call("/v1/bulk", {"mode": "independent", "items": items}, headers))
        agree("bulk", response.status_code, 200)
        results = msgspec.json.decode(response.content, type=BulkAnswer).results
        for (label, _), answer, result in zip(several, answers, results, strict=True):
            self._compare(label, answer, result.response(), shown=False)
        self._check_unchanged(before, answers)

    def quote(self, label: Label, request: Request) -> None:
        """Ask what a request would do, and see that nothing was recorded."""
        before = self.ledger.contents()
        answer = deepcopy(self.model).submit(label, request)
        body = {**self._body(request), **self._named(request)}
        response = self.ledger.post(Call("/v1/quotes", body, self._headers(label, request, shown=True)))
        agree("quote", response.status_code, 200)
        quoted = response.json()
        agree("quote", quoted["posts"], answer.status == CREATED)
        found = quoted["transaction"] if answer.deal else quoted["refusal"]
        self._compare_body(answer, found, shown=True)
        agree("unchanged", self.ledger.contents(), before)

    def advance(self, interval: timedelta) -> None:
        """Let time pass for both."""
        self.model.now += interval
        self.ledger.service.set_clock(self.model.now.isoformat())
        self.touched |= self.model.accounts.keys()

    def expire(self) -> None:
        """Run the expiry job on both."""
        self.ledger.expire()
        self.model.post_all_lapses()
        self.touched |= self.model.accounts.keys()

    # Checks.

    def check_touched(self) -> None:
        """Compare the accounts that steps have touched since the last check."""
        for member, programme in sorted(self.touched):
            self.check_account(member, programme)
        self.touched.clear()

    def check_account(self, member: str, programme: str) -> None:
        """Balance, balance added up from the journal, and lots are the model's, and agree with each other."""
        account, token, now = self.model.account(member, programme), self.tokens[member], self.model.now
        path = f"/v1/members/{member}"
        balance = self.ledger.get(f"{path}/balances", token, programme=programme).json()
        agree("balance", balance, expected_balance(account, member, programme, now))
        at_now = self.ledger.get(f"{path}/balances", token, programme=programme, as_of=balance["as_of"]).json()
        agree("journal", at_now, balance)
        lots = self.ledger.get(f"{path}/lots", token, programme=programme, all=True, limit=200).json()["lots"]
        agree("lots", sorted(map(str, map(shown_lot, lots))), sorted(str(lot_terms(lot, now)) for lot in account.lots))
        left = sum(lot["remaining"] for lot in lots)
        lapsed = sum(lot["remaining"] for lot in lots if lot["state"] == "lapsed")
        agree("sums", balance["available"] + balance["held"] + balance["pending"] + lapsed, left)

    def check_everything(self) -> None:
        """Compare all accounts with all lines of their statements."""
        for member, programme in self.model.accounts:
            self.check_account(member, programme)
            self.check_statement(member, programme)

    def check_statement(self, member: str, programme: str) -> None:
        """Every line of a member's statement, page by page, is the model's."""
        account, lines, cursor = self.model.account(member, programme), list[Any](), None
        while True:
            query: dict[str, Any] = {"programme": programme, "limit": STATEMENT_PAGE}
            if cursor is not None:
                query["cursor"] = cursor
            page = self.ledger.get(f"/v1/members/{member}/statement", self.tokens[member], **query).json()
            if cursor is None:
                agree("statement", page["lapsing"], account.lapsing(self.model.now))
            lines += page["lines"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        shown = ("kind", "points", "balance_after", "available_after", "pending_after")
        got = [tuple(line[name] for name in shown) for line in reversed(lines)]
        wanted = [(deal.kind, deal.change, deal.balance, deal.available, deal.pending) for deal in account.deals]
        agree("statement", got, wanted)
        named = [line["transaction_id"] for line in reversed(lines)]
        for identifier, deal in zip(named, account.deals, strict=True):
            if deal.label is not None:
                agree("statement", identifier, self.ids[deal.label])

    def look_up(self, label: Label) -> None:
        """What a key stands for: its transaction, or its refusal."""
        _, answer = self.model.keys[label]
        found = self.ledger.get("/v1/transactions", self.keys[label[0]], key=label[1]).json()
        got = ([one["id"] for one in found["transactions"]], found["refusal"] and found["refusal"]["code"])
        agree("key", got, ([self.ids[label]] if answer.deal else [], answer.code))
        if answer.deal is not None:
            agree("key", found["transactions"][0]["points"], answer.deal.points)

    def audit(self) -> None:
        """The auditor finds nothing."""
        report = self.ledger.audit()
        agree("audit", report.differences, ())

    # How a request is sent and an answer compared.

    def _add_members(self) -> None:
        service = self.ledger.service
        for number in range(MEMBERS):
            member = service.add_member(self.keys["SHOP"], f"{self.example}-{number}")
            self.tokens[member] = service.add_member_token(member)
            self.model.members.add(member)

    def _note(self, label: Label, request: Request) -> None:
        """Remember a request that the model has answered, and whose points it may have touched."""
        self.requests.append((label, request))
        account, _ = self.model.deals.get(request.get("transaction", label), (None, None))
        for place, known in self.model.accounts.items():
            if place == (request.get("member"), request.get("programme")) or known is account:
                self.touched.add(place)

    def _call(self, label: Label, request: Request, *, shown: bool) -> Call:
        path = PATHS.get(request["operation"])
        if path is None:
            path = f"/v1/transactions/{self._named(request)['transaction']}/reversals"
        headers = {"Idempotency-Key": label[1], **self._headers(label, request, shown=shown)}
        return Call(path, self._body(request), headers)

    def _headers(self, label: Label, request: Request, *, shown: bool) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self.keys[label[0]]}"}
        token = self.tokens.get(self._member_of(request))
        return {**headers, "Member-Token": token} if shown and token else headers

    def _body(self, request: Request) -> dict[str, Any]:
        return {name: value for name, value in request.items() if name not in ("operation", "transaction")}

    def _named(self, request: Request) -> dict[str, str]:
        named = {"operation": request["operation"]}
        if "transaction" in request:
            named["transaction"] = self.ids.get(request["transaction"], UNKNOWN_TRANSACTION)
        return named

    def _member_of(self, request: Request) -> str:
        if "member" in request:
            return str(request["member"])
        account, _ = self.model.deals.get(request["transaction"], (None, None))
        return next((member for (member, _), one in self.model.accounts.items() if one is account), "")

    def _compare(self, label: Label, answer: Answer, got: httpx.Response, *, shown: bool) -> None:
        agree("replay", is_replay(got), answer.is_replay)
        if answer.is_replay:
            agree("replay", seen(got), seen(self.first_answers[label]))
            return
        self._compare_answer(answer, got, shown=shown)
        if answer.code != KEY_REUSED:
            self._keep(label, got)

    def _keep(self, label: Label, response: httpx.Response) -> None:
        self.first_answers.setdefault(label, response)
        if response.status_code == CREATED:
            self.ids.setdefault(label, response.json()["id"])

    def _compare_answer(self, answer: Answer, got: httpx.Response, *, shown: bool) -> None:
        agree("answer", (got.status_code, got.json().get("code")), (answer.status, answer.code))
        self._compare_body(answer, got.json(), shown=shown)

    def _compare_body(self, answer: Answer, body: dict[str, Any], *, shown: bool) -> None:
        if answer.deal is None:
            wanted = {name: fact for name, fact in answer.facts.items() if shown or name != "available"}
            agree("answer", {name: body[name] for name in answer.facts if name in body}, wanted)
            return
        deal = answer.deal
        wanted_balance = {"available": deal.available, "held": 0, "pending": deal.pending} if shown else None
        agree("answer", (body["kind"], body["points"]), (deal.kind, deal.points))
        agree("answer", body.get("balance"), wanted_balance)
        lots = [(lot["funding"][0]["partner"], lot["points"], lot["expires_on"]) for lot in body["lots"]]
        agree("answer", lots, [(lot.issuer, points, iso(lot.expires_on)) for lot, points in deal.uses])

    def _check_unchanged(self, before: Contents, answers: Iterable[Answer]) -> None:
        """Refusals add their keys and change nothing else; repeats and reused keys change nothing at all."""
        answers = list(answers)
        if any(answer.deal is not None and not answer.is_replay for answer in answers):
            return
        after = self.ledger.contents()
        agree("unchanged", after.tables, before.tables)
        new = sum(not answer.is_replay and answer.code != KEY_REUSED for answer in answers)
        agree("unchanged", after.key_count, before.key_count + new)
        if new == 0:
            agree("unchanged", after.keys, before.keys)


def is_replay(response: httpx.Response) -> bool:
    """Whether a response says that it was given before."""
    return bool(response.headers.get("idempotency-replayed") == "true")


def seen(response: httpx.Response) -> tuple[int, bytes]:
    """What of a response must never change: its status and all bytes of its body."""
    return (response.status_code, response.content)
