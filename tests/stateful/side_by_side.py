"""The running ledger and the model, side by side: each step is done to both, and they must agree.

What disagrees is raised as a Disagreement that says which check found it.
"""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from datetime import timedelta
from itertools import count, permutations
from time import sleep
from typing import Any

import httpx
import msgspec

from tests.stateful.checks import Checks
from tests.stateful.comparing import (
    Disagreement,
    agree,
    compare_answer,
    compare_body,
    is_in_order_of_lanes,
    is_replay,
    seen,
)
from tests.stateful.figures import expected_balance
from tests.stateful.model.accounts import Label
from tests.stateful.model.answers import KEY_REUSED, Answer, Request
from tests.stateful.model.commands import Model
from tests.stateful.model.terms import Cap, Programme, Rate
from tests.stateful.running_ledger import Call, Contents, RunningLedger
from tests.stateful.sending import APPROVER, STAFF, Sender

PARTNERS = {"BANK": (True, False), "SHOP": (True, True), "CAFE": (False, True)}
"""Whether each may issue, and accept."""
MEMBERS = 4

ASKED = 202
SECONDS_UNTIL_ALL_HAVE_HEARD = 1.3
MOST_EARLIER_BALANCES = 12
APPROVALS = frozenset({"approvals"})
CODES_AFTER_A_SWEEP = ("cap-exhausted", "bulk-item-refused")
TABLES_OF_A_SWEEP = frozenset({"caps", "registry", "lanes", "transactions", "postings", "party_balances"})
"""The first who finds a cap exhausted makes the ledger bring its allotments home: that is no part of the refusal."""

_examples = count(1)


class BulkResult(msgspec.Struct):
    """A result in a bulk, with its very bytes."""

    status: int
    body: msgspec.Raw
    replayed: bool = False

    def response(self) -> httpx.Response:
        """The response that the item would have got by itself."""
        headers = {"Idempotency-Replayed": "true"} if self.replayed else {}
        return httpx.Response(self.status, content=bytes(self.body), headers=headers)


class BulkAnswer(msgspec.Struct):
    """All results of a bulk."""

    results: list[BulkResult]


class SideBySide(Checks):
    """One example: programmes and members of its own in a ledger that goes on from example to example."""

    def __init__(self, ledger: RunningLedger, keys: dict[str, str]) -> None:
        super().__init__(ledger, Model(ledger.now()), Sender({**keys, STAFF: ledger.service.operator_key}))
        self.keys = keys
        self.example = next(_examples)
        self.first_answers: dict[Label, httpx.Response] = {}
        self.requests: list[tuple[Label, Request]] = []
        self.earlier_balances: list[dict[str, Any]] = []
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
            gift_points_a_month=terms.gift_points_a_month,
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

    def add_cap(self, programme: str, points: int, partner: str | None = None) -> None:
        """Put a cap on what a partner, or every partner, may give in a programme."""
        code = f"CAP-{self.example}-{len(self.model.caps)}"
        body = {"code": code, "programme": programme, "points": points}
        self.ledger.service.post("/v1/caps", body if partner is None else {**body, "partner": partner})
        self.model.caps.append(Cap(code, programme, partner, points))

    def add_rate(self, programme: str, target_programme: str, rate: Rate) -> None:
        """Let points of a programme be exchanged for points of another, since ever."""
        self.ledger.add_rate(programme, target_programme, rate)
        self.model.rates[programme, target_programme] = rate

    def new_label(self, who: str) -> Label:
        """A key that a partner, a member or the staff has not used."""
        return (who, f"{self.example}-{next(self._key_numbers)}")

    # Steps.

    def submit(self, label: Label, request: Request, *, shown: bool = True) -> Answer:
        """Send a request to both; what does not post must leave everything but its key as it is."""
        before = self.ledger.contents()
        response = self.ledger.post(self.sender.call(self.model, label, request, shown=shown))
        answer = self.model.submit(label, request)
        self._note(label, request)
        self._compare(label, answer, response, shown=shown)
        self._check_unchanged(before, [answer])
        let_all_hear([request] if answer.posts and not answer.is_replay else [])
        return answer

    def submit_at_once(self, label: Label, request: Request, times: int) -> None:
        """Send the same request several times at once: one effect, and the same answer for all."""
        before = self.ledger.contents()
        call = self.sender.call(self.model, label, request, shown=True)
        answer = self.model.submit(label, request)
        self._note(label, request)
        responses = self.ledger.post_at_once([call] * times)
        firsts = [one for one in responses if not is_replay(one)]
        wanted = 0 if answer.is_replay else times if answer.code == KEY_REUSED else 1
        agree("concurrent duplicates", len(firsts), wanted)
        self._compare(label, answer, (firsts or responses)[0], shown=True)
        for one in responses:
            agree("concurrent duplicates", (one.status_code, one.content), seen(responses[0]))
        self._check_unchanged(before, [answer])

    def rush(self, several: Sequence[tuple[Label, Request]], *, shown: bool = True) -> None:
        """Send different requests at once: some order, one after the other, explains all answers and all accounts."""
        responses = self.ledger.post_at_once([self.sender.call(self.model, *one, shown=shown) for one in several])
        sent = list(zip(several, responses, strict=True))
        let_all_hear([request for _, request in several])
        before, disagreements = self.model, list[Disagreement]()
        for order in permutations(sent):
            if not is_in_order_of_lanes([response for _, response in order]):
                continue
            try:
                self.model = self._in_order(order, shown=shown)
                for (label, request), response in order:
                    self._keep(label, self.model.keys[label][1], response)
                    self._touch(label, request)
                self._check_touched_in_order([request for (_, request), _ in order])
            except Disagreement as disagreement:
                self.model = before
                disagreements.append(disagreement)
                continue
            self.requests += [one for one, _ in order]
            return
        got = [(request, one.status_code, one.text) for (_, request), one in sent]
        raise Disagreement("serial order", got, disagreements)

    def _in_order(self, order: Sequence[tuple[tuple[Label, Request], httpx.Response]], *, shown: bool) -> Model:
        """The model after requests in an order that explains their answers; raises Disagreement where it does not."""
        model, ids = deepcopy(self.model), dict(self.sender.ids)
        for (label, request), response in order:
            answer = model.submit(label, request)
            if response.is_success:
                ids.setdefault(label, response.json().get("id", ""))
            compare_answer(answer, response, ids, shown=shown)
        return model

    def bulk(self, several: Sequence[tuple[Label, Request]]) -> None:
        """Send requests of one partner as one bulk: each is answered as it would be by itself."""
        before = self.ledger.contents()
        items = [{**self.sender.item(request), "key": label[1]} for label, request in several]
        answers = [self.model.submit(*one) for one in several]
        for one in several:
            self._note(*one)
        headers = {"Authorization": f"Bearer {self.sender.keys[several[0][0][0]]}"}
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
        headers = self.sender.headers(self.model, label, request, shown=True)
        response = self.ledger.post(Call("/v1/quotes", self.sender.item(request), headers))
        agree("quote", response.status_code, 200)
        quoted = response.json()
        agree("quote", quoted["posts"], answer.posts)
        found = quoted["transaction"] if answer.deal else quoted["refusal"]
        compare_body(answer, found, self.sender.ids, shown=True)
        agree("unchanged", self.ledger.contents(), before)

    def correct(self, request: Request) -> None:
        """Ask for a correction as one person, and approve it as another, twice."""
        label = self.new_label(STAFF)
        asked = self.ledger.post(self.sender.call(self.model, label, request, shown=False))
        agree("approval", asked.status_code, ASKED)
        before = self.ledger.contents()
        path = f"/v1/approvals/{asked.json()['id']}/approval"
        headers = {"Authorization": f"Bearer {self.keys[APPROVER]}"}
        response, again = (
            self.ledger.post(Call(path, {}, {**headers, "Idempotency-Key": f"{label[1]}-{time}"})) for time in (1, 2)
        )
        answer = self.model.submit(label, request)
        self._note(label, request)
        compare_answer(answer, response, self.sender.ids, shown=False)
        self._keep(label, answer, response)
        agree("replay", seen(again), seen(response))
        if not answer.posts:
            agree("unchanged", self.ledger.contents().without(APPROVALS), before.without(APPROVALS))

    def repeatable(self) -> list[tuple[Label, Request]]:
        """Requests whose owner can still ask: the keys of a merged member are nobody's, and approvals have none."""
        people = self.model.people
        return [
            (label, request)
            for label, request in self.requests
            if request["operation"] not in ("adjust", "write-off")
            and (label[0] not in people or people[label[0]].present().name == label[0])
        ]

    def advance(self, interval: timedelta) -> None:
        """Let time pass for both; what was so until then must be told the same later."""
        for account in self.model.accounts():
            member, now = account.person.name, self.model.now
            self.earlier_balances.append(expected_balance(account.seen(now), member, now))
        self.model.now += interval
        self.ledger.service.set_clock(self.model.now.isoformat())
        self._touch_all()

    def expire(self) -> None:
        """Run the expiry job on both."""
        self.ledger.expire()
        self.model.post_all_due()
        self._touch_all()

    # What has been touched is checked.

    def check_touched(self) -> None:
        """Compare the accounts that steps have touched since the last check."""
        for member, programme in sorted(self.touched):
            self.check_account(self.model.account(member, programme))
        self.touched.clear()

    def _check_touched_in_order(self, requests: Sequence[Request]) -> None:
        """The accounts after a rush. In which order two gifts arrived is told by no answer, only by a statement."""
        accounts = [self.model.account(*place) for place in self.touched]
        self.check_touched()
        if sum(request["operation"] == "gift" for request in requests) > 1:
            for account in accounts:
                self.check_statement(account)

    def check_everything(self) -> None:
        """Compare all accounts with all lines of their statements, and all holds."""
        for account in self.model.accounts():
            self.check_account(account)
            self.check_statement(account)
            self.check_open_holds(account)
        for hold in self.model.holds.values():
            self.check_hold(hold)
        for balance in self.earlier_balances[-MOST_EARLIER_BALANCES:]:
            self.check_earlier(balance)

    def _touch_all(self) -> None:
        self.touched |= {(account.person.name, account.code) for account in self.model.accounts()}

    def _note(self, label: Label, request: Request) -> None:
        """Remember a request that the model has answered, and whose points it may have touched."""
        self.requests.append((label, request))
        self._touch(label, request)

    def _touch(self, label: Label, request: Request) -> None:
        for one in [item for _, item in request.get("items", [])] or [request]:
            names = {one.get(name) for name in ("member", "from", "to", "into")} & self.model.people.keys()
            for person in {self.model.people[name].present() for name in names}:
                named = {one[name] for name in ("programme", "target_programme") if name in one}
                codes = named & self.model.programmes.keys() if named else person.accounts
                self.touched |= {(person.name, code) for code in codes}
            deal = self.model.deals.get(one.get("transaction") or one.get("hold") or label)
            if deal is not None and deal.account is not None:
                self.touched.add((deal.account.person.present().name, deal.account.code))

    def _add_members(self) -> None:
        service = self.ledger.service
        for number in range(MEMBERS):
            member = service.add_member(self.sender.keys["SHOP"], f"{self.example}-{number}")
            self.sender.tokens[member] = service.add_member_token(member)
            self.model.add_person(member)

    def _compare(self, label: Label, answer: Answer, got: httpx.Response, *, shown: bool) -> None:
        agree("replay", is_replay(got), answer.is_replay)
        if answer.is_replay:
            agree("replay", seen(got), seen(self.first_answers[label]))
            return
        compare_answer(answer, got, self.sender.ids, shown=shown)
        if answer.code != KEY_REUSED:
            self._keep(label, answer, got)

    def _keep(self, label: Label, answer: Answer, response: httpx.Response) -> None:
        """Remember a first answer, and the ids of what it posted."""
        self.first_answers.setdefault(label, response)
        for item, result in zip(answer.items, _results(response) if answer.items else (), strict=True):
            assert item.deal is not None
            assert item.deal.label is not None
            self._keep(item.deal.label, item, result.response())
        if answer.deal is not None:
            body = response.json()
            self.sender.ids.setdefault(label, body.get("transaction") or body["id"])

    def _check_unchanged(self, before: Contents, answers: Iterable[Answer]) -> None:
        """Refusals add their keys and change nothing else; repeats and reused keys change nothing at all."""
        answers = list(answers)
        if any(answer.posts and not answer.is_replay for answer in answers):
            return
        after = self.ledger.contents()
        may_sweep = self.model.caps and any(answer.code in CODES_AFTER_A_SWEEP for answer in answers)
        swept = TABLES_OF_A_SWEEP if may_sweep else frozenset()
        agree("unchanged", after.without(swept), before.without(swept))
        new = sum(not answer.is_replay and answer.code != KEY_REUSED for answer in answers)
        agree("unchanged", after.key_count, before.key_count + new)
        if new == 0:
            agree("unchanged", after.keys, before.keys)


def let_all_hear(requests: Sequence[Request]) -> None:
    """Where a member has become another one, or has another place, wait until readers in every process know."""
    if any(request["operation"] in ("merge", "move") for request in requests):
        sleep(SECONDS_UNTIL_ALL_HAVE_HEARD)


def _results(response: httpx.Response) -> list[BulkResult]:
    return msgspec.json.decode(response.content, type=BulkAnswer).results
