"""What citizens do with the city's app: look at their balance and statement, give points to others."""

from uuid import uuid4

from loadtests.load.records import as_json
from loadtests.load.sending import Call, Sender
from loadtests.load.town import PROGRAMME, Person, Town, by_zipf

BALANCES, STATEMENTS, GIFTS = 6, 2, 2
MOST_GIVEN_POINTS = 120


class Citizen:
    """Whoever opens the app: for each look another member, those met often more often."""

    def __init__(self, sender: Sender, town: Town) -> None:
        self._sender = sender
        self._people = town.members
        self._weights = by_zipf(len(town.members))

    def look(self) -> None:
        """Look, or give."""
        [act] = self._sender.chance.choices(
            [self._balance, self._statement, self._gift], weights=[BALANCES, STATEMENTS, GIFTS]
        )
        act(self._someone())

    def _balance(self, person: Person) -> None:
        self._sender.send(self._read("balance", f"/v1/members/{person.id}/balances?programme={PROGRAMME}", person))

    def _statement(self, person: Person) -> None:
        self._sender.send(self._read("statement", f"/v1/members/{person.id}/statement?programme={PROGRAMME}", person))

    def _gift(self, person: Person) -> None:
        other = self._someone()
        while other == person:
            other = self._someone()
        points = self._sender.chance.randint(1, MOST_GIVEN_POINTS)
        body = {"programme": PROGRAMME, "to": other.id, "points": points}
        self._sender.insist(
            Call(
                kind="gift",
                by=person.id,
                bearer=person.token,
                path="/v1/gifts",
                key=f"gift-{uuid4().hex}",
                body=as_json(body),
            )
        )

    def _read(self, kind: str, path: str, person: Person) -> Call:
        return Call(kind=kind, by=person.id, bearer=person.token, path=path, method="GET")

    def _someone(self) -> Person:
        return self._sender.chance.choices(self._people, cum_weights=self._weights)[0]
