"""Several processes, each with posters of its own, on the same members and the same keys at once."""

import asyncio
import random
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import msgspec
import psycopg

from ledger.audit import audit
from ledger.ids import LedgerKey
from ledger.posting.engine import Engine
from ledger.rules.commands import Earn, Redeem
from ledger.rules.outcomes import Outcome, Posted, Refused, Replayed
from ledger.rules.programmes import EarnRate
from ledger.store.ledger_row import create_ledger
from ledger.store.members import create_members
from ledger.store.registry_writes import NewProgramme, NewRules, add_partner, add_programme, permit
from ledger.store.unit_of_work import unit_of_work
from tests.databases import LedgerDatabase

SECRET = b"a key that only these tests know!"
KEY = LedgerKey(SECRET)
PROCESSES = 4
LANES = 4
MEMBERS = 6
COMMANDS = 400
AT_ONCE = 40

Answer = tuple[str, int, int]


def command_of(number: int) -> Earn | Redeem:
    """The command of a key: the same in every process."""
    chance = random.Random(number)
    member = f"ref:m{chance.randrange(MEMBERS)}"
    if chance.random() < 0.5:
        return Earn(programme="CITY", member=member, points=chance.randint(1, 50), scene="food")
    return Redeem(programme="CITY", member=member, points=chance.randint(1, 60), scene="food")


def answer_of(outcome: Outcome) -> Answer:
    """What a caller learns: the code of a refusal, or where the transaction is."""
    if isinstance(outcome, Posted):
        transaction = outcome.own_entries[0].transaction
        return ("posted", transaction.lane, transaction.sequence)
    if isinstance(outcome, Refused):
        return (outcome.code, 0, 0)
    assert isinstance(outcome, Replayed)
    record = outcome.record
    if record.answer is not None:
        return (msgspec.json.decode(record.answer, type=Refused).code, 0, 0)
    return ("posted", record.lane or 0, record.sequence or 0)


def post_all(url: str, partner: int, seed: int) -> dict[int, Answer]:
    """One process: every key once, in an order of its own, many at once."""
    numbers = list(range(COMMANDS))
    random.Random(seed).shuffle(numbers)
    if seed % 2:
        numbers.sort(reverse=True)

    async def run() -> dict[int, Answer]:
        answers: dict[int, Answer] = {}
        async with Engine.open(url, LedgerKey(SECRET)) as engine:
            for start in range(0, COMMANDS, AT_ONCE):
                some = numbers[start : start + AT_ONCE]
                submissions = [await engine.intake.prepare(partner, f"key-{n}", command_of(n)) for n in some]
                outcomes = await asyncio.gather(*map(engine.posters.enqueue, submissions))
                answers |= {n: answer_of(outcome) for n, outcome in zip(some, outcomes, strict=True)}
        return answers

    return asyncio.run(run())


async def found(url: str) -> int:
    async with Engine.open(url, KEY) as engine, engine.pool.connection() as connection, unit_of_work(connection):
        rules = NewRules(EarnRate(1, 100))
        new = NewProgramme(code="CITY", currency="CNY", zone="Asia/Shanghai", rules=rules)
        programme = await add_programme(connection, new)
        partner = await add_partner(connection, "SHOP", "Shop", "merchant")
        await permit(connection, programme, partner, may_issue=True, may_accept=True)
        await create_members(connection, KEY, partner, [f"m{number}" for number in range(MEMBERS)], LANES)
    return partner


async def test_every_key_has_one_effect_and_all_processes_hear_the_same(database: LedgerDatabase) -> None:
    with psycopg.connect(database.owner_url) as owner:
        create_ledger(owner, KEY, lanes=LANES)
    partner = await found(database.service_url)
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as processes:
        loop = asyncio.get_running_loop()
        running = [
            loop.run_in_executor(processes, post_all, database.service_url, partner, seed) for seed in range(PROCESSES)
        ]
        first, *others = await asyncio.gather(*running)

    assert all(other == first for other in others)
    posted = [answer for answer in first.values() if answer[0] == "posted"]
    assert len(set(posted)) == len(posted)
    assert {"posted", "insufficient-points"} == {answer[0] for answer in first.values()}
    async with Engine.open(database.service_url, KEY) as engine:
        report = await audit(engine.pool)
    assert report.is_clean, report.differences
    assert report.transactions == len(posted)
