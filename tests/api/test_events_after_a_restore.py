"""The feed after a restore: cursors of before are refused, with one from which a reader ends up with what is true."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg
import pytest

from ledger.embedded import EmbeddedPostgres
from ledger.ids import LedgerKey
from ledger.posting.engine import Engine
from ledger.posting.epochs import start_epoch
from tests.api.street import PROGRAMME, Street, problem
from tests.databases import LedgerDatabase
from tests.service import LEDGER_KEY, Service, run_apart

IDENTITIES = [bytes([number] * 16) for number in range(1, 4)]


def begin_epoch(database: LedgerDatabase, identity: bytes, restored_to: int | None = None) -> None:
    async def work() -> None:
        async with Engine.open(database.service_url, LedgerKey(LEDGER_KEY)) as engine:
            await start_epoch(engine, identity, reason="restored", restored_to=restored_to)

    run_apart(work())


@dataclass
class Reader:
    """Follows a feed as docs/integrating.md says; ``known`` are the events it has, by (lane, sequence)."""

    key: str | None
    cursor: str | None = None
    known: dict[tuple[int, int], str] = field(default_factory=dict)
    resyncs: int = 0

    def catch_up(self, service: Service) -> None:
        for _ in range(200):
            answer = self.ask(service)
            if answer.status_code == 410:
                self.take_back(problem(answer, 410, "cursor-before-restore"))
                continue
            page = answer.raise_for_status().json()
            self.cursor = page["next_cursor"]
            if not page["events"]:
                return
            for event in page["events"]:
                place = (event["data"]["lane"], event["data"]["sequence"])
                assert place not in self.known
                self.known[place] = event["id"]
        pytest.fail("the feed has no end")

    def ask(self, service: Service) -> httpx.Response:
        parameters = {"limit": 5} | ({"after": self.cursor} if self.cursor else {})
        return service.get("/v1/events", key=self.key, params=parameters)

    def take_back(self, told: dict[str, Any]) -> None:
        through = told["known_through"]
        self.known = {(lane, number): event for (lane, number), event in self.known.items() if number <= through[lane]}
        self.cursor = told["resync_cursor"]
        self.resyncs += 1


@dataclass
class Loss:
    """A ledger that was lost with what it had recorded since its backup; each copy is a restore of that."""

    cafe: str
    member: str
    readers: list[Reader]
    copies: list[LedgerDatabase]


def earn(service: Service, loss: Loss | None, member: str, key: str, times: int) -> None:
    for _ in range(times):
        body = {"programme": PROGRAMME, "member": member, "points": 1, "scene": "food"}
        service.post("/v1/earnings", body, key=key).raise_for_status()


@pytest.fixture
def loss(postgres: EmbeddedPostgres, database: LedgerDatabase, database_numbers: Iterator[int]) -> Iterator[Loss]:
    with Service.start(database) as service:
        street = Street(service)
        members = [street.new_member().ref for _ in range(3)]
        for member in members:
            earn(service, None, member, street.cafe, 4)
        readers = [Reader(street.cafe), Reader(street.cafe), Reader(street.books)]
        for reader in readers:
            reader.catch_up(service)
    names = [f"restored_{next(database_numbers)}" for _ in range(2)]
    for name in names:
        postgres.create_database(name, template=database.name)
    with Service.start(database) as service:
        for member in members:
            earn(service, None, member, street.cafe, 5)
        # The second reader has not asked since the backup was made.
        readers[0].catch_up(service)
        readers[2].catch_up(service)
    yield Loss(street.cafe, members[0], readers, [LedgerDatabase.on(postgres, name) for name in names])
    for name in names:
        postgres.drop_database(name)


def everything(service: Service, key: str) -> dict[tuple[int, int], str]:
    fresh = Reader(key)
    fresh.catch_up(service)
    return fresh.known


def check(service: Service, loss: Loss, resyncs: int) -> None:
    """Every reader ends with what a reader from the start finds."""
    for reader in loss.readers:
        reader.catch_up(service)
        assert reader.key is not None
        assert reader.known == everything(service, reader.key)
        assert reader.resyncs == resyncs


def test_whoever_reads_on_from_the_resync_cursor_ends_with_what_is_true(loss: Loss) -> None:
    assert len(loss.readers[0].known) == 27
    begin_epoch(loss.copies[0], IDENTITIES[0])
    with Service.start(loss.copies[0]) as service:
        earn(service, loss, loss.member, loss.cafe, 9)
        refused = problem(loss.readers[0].ask(service), 410, "cursor-before-restore")
        assert refused["retryable"] is False
        through = refused["known_through"]
        assert sum(number > through[lane] for lane, number in loss.readers[0].known) == 15
        check(service, loss, 1)
        assert len(loss.readers[0].known) == 21
        earn(service, loss, loss.member, loss.cafe, 2)
        check(service, loss, 1)


def test_a_cursor_of_any_earlier_epoch_leads_to_where_the_next_one_began(loss: Loss) -> None:
    begin_epoch(loss.copies[0], IDENTITIES[0])
    with Service.start(loss.copies[0]) as service:
        earn(service, loss, loss.member, loss.cafe, 3)
        loss.readers[1].catch_up(service)
        earn(service, loss, loss.member, loss.cafe, 3)
    begin_epoch(loss.copies[0], IDENTITIES[1])
    with Service.start(loss.copies[0]) as service:
        first = problem(loss.readers[0].ask(service), 410, "cursor-before-restore")["known_through"]
        second = problem(loss.readers[1].ask(service), 410, "cursor-before-restore")["known_through"]
        assert all(one <= other for one, other in zip(first, second, strict=True))
        assert first != second
        for reader in loss.readers:
            reader.catch_up(service)
            assert reader.known == everything(service, reader.key or "")
        assert [reader.resyncs for reader in loss.readers] == [1, 2, 1]


def test_a_cursor_of_an_epoch_that_was_itself_lost_leads_to_the_start_of_the_feed(loss: Loss) -> None:
    begin_epoch(loss.copies[0], IDENTITIES[0])
    with Service.start(loss.copies[0]) as service:
        earn(service, loss, loss.member, loss.cafe, 3)
        check(service, loss, 1)
    begin_epoch(loss.copies[1], IDENTITIES[1])
    with Service.start(loss.copies[1]) as service:
        earn(service, loss, loss.member, loss.cafe, 5)
        told = problem(loss.readers[0].ask(service), 410, "cursor-before-restore")
        assert set(told["known_through"]) == {0}
        check(service, loss, 2)


def test_what_was_posted_between_the_restore_and_the_epoch_is_read_too_where_the_restore_is_known(loss: Loss) -> None:
    with psycopg.connect(loss.copies[0].superuser_url) as connection:
        row = connection.execute("select max(recorded_at) from transactions").fetchone()
        assert row is not None
        restored_to = int(row[0].timestamp() * 1_000_000)
    with Service.start(loss.copies[0]) as service:
        earn(service, loss, loss.member, loss.cafe, 4)
    begin_epoch(loss.copies[0], IDENTITIES[0], restored_to)
    with Service.start(loss.copies[0]) as service:
        check(service, loss, 1)


def test_cursors_of_other_lists_go_on_and_the_beginning_of_an_epoch_is_in_the_operators_feed(loss: Loss) -> None:
    begin_epoch(loss.copies[0], IDENTITIES[0])
    with Service.start(loss.copies[0]) as service:
        operator = service.get("/v1/events", params={"limit": 200}).raise_for_status().json()["events"]
        begun = [event for event in operator if event["type"] == "citypoints.transaction.epoch.v1"]
        lanes = sorted(event["data"]["lane"] for event in begun)
        assert lanes == list(range(len(lanes)))
        assert lanes
        assert "subject" not in begun[0]
        shown = service.get(f"/v1/transactions/{begun[0]['id']}").raise_for_status().json()
        assert (shown["kind"], shown["points"], shown.get("member")) == ("epoch", 0, None)
        found = service.get("/v1/events", key=loss.cafe, params={"limit": 200}).json()["events"]
        assert not {event["id"] for event in begun} & {event["id"] for event in found}
        now = service.get("/v1/events", key=loss.cafe, params={"from": "now"}).json()["next_cursor"]
        service.get("/v1/events", key=loss.cafe, params={"after": now}).raise_for_status()
