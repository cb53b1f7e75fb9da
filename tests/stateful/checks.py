"""Reading everything of an account, and comparing it with the model."""

from typing import Any

from tests.stateful.comparing import agree
from tests.stateful.figures import expected_balance, expected_hold, expected_lots, moment, shown_lot
from tests.stateful.model.accounts import Account, Deal, Hold, Label
from tests.stateful.model.commands import Model
from tests.stateful.running_ledger import RunningLedger
from tests.stateful.sending import Sender

STATEMENT_PAGE = 7
LINE = ("kind", "points", "held_points", "balance_after", "available_after", "pending_after", "held_after")


class Checks:
    """What can be asked of the ledger, compared with what the model says."""

    def __init__(self, ledger: RunningLedger, model: Model, sender: Sender) -> None:
        self.ledger = ledger
        self.model = model
        self.sender = sender

    def check_account(self, account: Account) -> None:
        """Balance, balance added up from the journal, and lots are the model's, and agree with each other."""
        now, member = self.model.now, account.person.name
        token, path, query = self.sender.tokens[member], f"/v1/members/{member}", {"programme": account.code}
        known = account.seen(now)
        balance = self.ledger.get(f"{path}/balances", token, **query).json()
        agree("balance", balance, expected_balance(known, member, now))
        at_now = self.ledger.get(f"{path}/balances", token, **query, as_of=balance["as_of"]).json()
        agree("journal", at_now, balance)
        lots = self.ledger.get(f"{path}/lots", token, **query, all=True, limit=200).json()["lots"]
        agree("lots", sorted(map(str, map(shown_lot, lots))), sorted(map(str, expected_lots(known, now))))
        left = sum(lot["remaining"] + lot["held"] for lot in lots)
        lapsed = sum(lot["remaining"] for lot in lots if lot["state"] == "lapsed")
        agree("sums", balance["available"] + balance["held"] + balance["pending"] + lapsed, left)

    def check_earlier(self, balance: dict[str, Any]) -> None:
        """What a balance was at an earlier moment, unless its member has become another one since."""
        person = self.model.people[balance["member"]].present()
        if person.name != balance["member"]:
            return
        query = {"programme": balance["programme"], "as_of": balance["as_of"]}
        path = f"/v1/members/{person.name}/balances"
        agree("earlier balance", self.ledger.get(path, self.sender.tokens[person.name], **query).json(), balance)

    def check_hold(self, hold: Hold) -> None:
        """What became of a hold, as its partner reads it."""
        wanted, identifier = expected_hold(hold, self.model.now), self.sender.ids[hold.label]
        found = self.ledger.get(f"/v1/holds/{identifier}", self.sender.keys[hold.label[0]]).json()
        agree("hold", {name: found.get(name) for name in wanted}, wanted)
        captures = [(self.sender.ids[deal.label], deal.points) for deal in hold.captures if deal.label]
        agree("hold", sorted((one["id"], one["points"]) for one in found["captures"]), sorted(captures))

    def check_open_holds(self, account: Account) -> None:
        """A member's open holds, the one that ends first at the front."""
        member, now = account.person.name, self.model.now
        path = f"/v1/members/{member}/holds"
        found = self.ledger.get(path, self.sender.tokens[member], programme=account.code, limit=200).json()["holds"]
        got = [(one["expires_at"], one["id"], one["remaining"]) for one in found]
        agree("holds", [expires_at for expires_at, *_ in got], sorted(expires_at for expires_at, *_ in got))
        still_open = [hold for hold in account.holds if hold.standing(now) == "open"]
        wanted = [(moment(hold.expires_at), self.sender.ids[hold.label], hold.remaining) for hold in still_open]
        agree("holds", sorted(got), sorted(wanted))

    def check_statement(self, account: Account) -> None:
        """Every line of a member's statement, page by page, is the model's."""
        member, lines, cursor, now = account.person.name, list[Any](), None, self.model.now
        known = account.seen(now)
        lapsing = account.lapsing(now)
        releasing = known.available(now) + known.pending(now) - (account.balance() - lapsing)
        while True:
            query: dict[str, Any] = {"programme": account.code, "limit": STATEMENT_PAGE}
            if cursor is not None:
                query["cursor"] = cursor
            page = self.ledger.get(f"/v1/members/{member}/statement", self.sender.tokens[member], **query).json()
            if cursor is None:
                agree("statement", (page["lapsing"], page["releasing"]), (lapsing, releasing))
            lines += page["lines"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        lines.reverse()
        got = [(*(line[name] for name in LINE), line["hold"]) for line in lines]
        agree("statement", got, [(*_line(deal), self._hold_named(deal)) for deal in account.deals])
        for line, deal in zip(lines, account.deals, strict=True):
            if deal.label is not None:
                agree("statement", line["transaction_id"], self.sender.ids[deal.label])

    def look_up(self, label: Label) -> None:
        """What a key stands for: its transactions, or its refusal."""
        _, answer = self.model.keys[label]
        found = self.ledger.get("/v1/transactions", self.sender.keys[label[0]], key=label[1]).json()
        answers = answer.items or [answer]
        deals = [one.deal for one in answers if one.deal is not None]
        wanted = [self.sender.ids[deal.label] for deal in deals if deal.label is not None]
        got = ([one["id"] for one in found["transactions"]], found["refusal"] and found["refusal"]["code"])
        agree("key", got, (wanted, answer.code))
        agree("key", [one["points"] for one in found["transactions"]], [deal.points for deal in deals])

    def audit(self) -> None:
        """The auditor finds nothing."""
        agree("audit", self.ledger.audit().differences, ())

    def _hold_named(self, deal: Deal) -> str | None:
        """The hold that a line captures or ends; one that is taken over is placed anew."""
        if deal.hold is None or deal.kind in ("hold", "merge", "move"):
            return None
        return self.sender.ids[deal.hold.label]


def _line(deal: Deal) -> tuple[object, ...]:
    return (
        deal.kind,
        deal.change,
        deal.held_change,
        deal.balance,
        deal.available,
        deal.pending,
        deal.held,
    )
