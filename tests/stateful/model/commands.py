"""The one way in: a request under its key, alone or in an atomic bulk."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import fields, replace

from tests.stateful.model.accounts import Deal, Label
from tests.stateful.model.answers import CREATED, KEY_REUSED, OK, STATUS, Answer, Refusal, Request, canonical
from tests.stateful.model.book import Book
from tests.stateful.model.corrections import adjust, write_off
from tests.stateful.model.exchanges import exchange
from tests.stateful.model.gifts import gift
from tests.stateful.model.holds import capture, hold, void
from tests.stateful.model.members import close, freeze, merge, move, unfreeze
from tests.stateful.model.points import earn, redeem
from tests.stateful.model.returns import reverse

OPERATIONS: dict[str, Callable[[Book, Label, Request], Deal]] = {
    "earn": earn,
    "redeem": redeem,
    "reverse": reverse,
    "hold": hold,
    "capture": capture,
    "void": void,
    "gift": gift,
    "exchange": exchange,
    "freeze": freeze,
    "unfreeze": unfreeze,
    "close": close,
    "merge": merge,
    "move": move,
    "adjust": adjust,
    "write-off": write_off,
}


class Model(Book):
    """The whole ledger."""

    def submit(self, label: Label, request: Request) -> Answer:
        """Answer a request under its key; the same key and request again change nothing."""
        return self.take(label, canonical(request))

    def take(self, label: Label, meant: Request) -> Answer:
        """The same of a request in its canonical form."""
        if label in self.keys:
            known, first = self.keys[label]
            return replace(first, is_replay=True) if known == meant else Answer(STATUS[KEY_REUSED], KEY_REUSED)
        try:
            answer = self._answer(label, meant)
        except Refusal as refusal:
            answer = refusal.answer
        self.keys[label] = (meant, answer)
        return answer

    def post_all_due(self) -> None:
        for account in self.accounts():
            account.post_due(self.now)

    def _answer(self, label: Label, request: Request) -> Answer:
        if request["operation"] == "atomic":
            return self._post_together(label[0], request["items"])
        return Answer(CREATED, deal=OPERATIONS[request["operation"]](self, label, request))

    def _post_together(self, partner: str, items: list[tuple[str, Request]]) -> Answer:
        """All of them or none: where one is refused, its refusal is all that is kept."""
        trial = deepcopy(self)
        for number, (key, request) in enumerate(items):
            answer = trial.take((partner, key), request)
            if not answer.posts:
                raise Refusal("bulk-item-refused", item=number, key=key, refusal=answer.code)
        for one in fields(Book):
            setattr(self, one.name, getattr(trial, one.name))
        return Answer(OK, items=[self.keys[partner, key][1] for key, _ in items])
