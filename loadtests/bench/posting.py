"""In-process posting: what the core does without HTTP.

Started as ``python -m loadtests.bench.posting CITY SEED COMMANDS``, it prints one JSON line.
"""

import asyncio
import subprocess
import sys
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from time import time

import msgspec
import uvloop

from ledger.posting.engine import Engine
from ledger.rules.commands import Earn, Redeem
from ledger.rules.outcomes import Outcome
from loadtests.bench.city import Day, read_city

BATCH = 500
IN_FLIGHT = 4 * BATCH
WARM_UP = 2 * BATCH


class Result(msgspec.Struct):
    """When the timed part began and ended (seconds since 1970), and how many commands it had."""

    started: float
    ended: float
    commands: int


async def post(path: Path, seed: int, commands: int) -> Result:
    """Post commands with a bounded number in flight; the first ones only warm up."""
    city = read_city(path)
    day = Day(city, seed)
    warm_up = [day.next_command() for _ in range(WARM_UP)]
    timed = [day.next_command() for _ in range(commands)]
    async with Engine.open(city.url, city.key()) as engine:
        await engine.intake.learn_members(0, city.members)
        await post_many(engine, warm_up, f"{seed}-warm")
        started = time()
        await post_many(engine, timed, f"{seed}")
        return Result(started, time(), commands)


async def post_many(engine: Engine, commands: Iterable[tuple[int, Earn | Redeem]], prefix: str) -> list[Outcome]:
    """Post commands of partners, many in flight, and return their outcomes in order."""
    flight: deque[asyncio.Future[Outcome]] = deque()
    outcomes: list[Outcome] = []
    for number, (partner, command) in enumerate(commands):
        submission = await engine.intake.prepare(partner, f"{prefix}-{number}", command)
        flight.append(engine.posters.enqueue(submission))
        if len(flight) >= IN_FLIGHT:
            outcomes += [await flight.popleft() for _ in range(BATCH)]
    return outcomes + [await future for future in flight]


def measure(city: Path, commands: int, seed: int) -> float:
    """Commands a second of one process, beside PostgreSQL on the same machine.

    Why one: it keeps one core busy and PostgreSQL the other; two would wait for each other's lanes.
    """
    command = [sys.executable, "-m", "loadtests.bench.posting", str(city), str(seed), str(commands)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    result = msgspec.json.decode(output, type=Result)
    return result.commands / (result.ended - result.started)


if __name__ == "__main__":
    outcome = uvloop.run(post(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
    sys.stdout.buffer.write(msgspec.json.encode(outcome))
