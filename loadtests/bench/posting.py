"""In-process posting: what the core does without HTTP.

Started as ``python -m loadtests.bench.posting CITY SEED COMMANDS``, it prints one JSON line.
"""

import asyncio
import subprocess
import sys
from collections import deque
from pathlib import Path
from time import time

import msgspec
import uvloop

from ledger.posting.engine import Engine
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
    async with Engine.open(city.url, city.key()) as engine:
        await engine.intake.learn_members(0, city.members)
        await _post_many(engine, day, f"{seed}-warm", WARM_UP)
        started = time()
        await _post_many(engine, day, f"{seed}", commands)
        return Result(started, time(), commands)


async def _post_many(engine: Engine, day: Day, prefix: str, commands: int) -> None:
    flight: deque[asyncio.Future[Outcome]] = deque()
    for number in range(commands):
        partner, command = day.next_command()
        submission = await engine.intake.prepare(partner, f"{prefix}-{number}", command)
        flight.append(engine.posters.enqueue(submission))
        if len(flight) >= IN_FLIGHT:
            for _ in range(BATCH):
                await flight.popleft()
    for outcome in flight:
        await outcome


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
