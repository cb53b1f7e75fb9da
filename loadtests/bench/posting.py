"""In-process posting: what the core does without HTTP, in as many processes as there are cores.

Each process runs its own posters over all lanes, as the service's workers do; started as
``python -m loadtests.bench.posting CITY SEED COMMANDS``, it prints one JSON line.
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
    """One process's share: when its timed part began and ended (seconds since 1970), and how much it was."""

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


def measure(city: Path, processes: int, commands: int, first_seed: int) -> float:
    """Commands a second of several processes together, over the time that all of them worked."""
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "loadtests.bench.posting", str(city), str(first_seed + number), str(commands)],
            stdout=subprocess.PIPE,
        )
        for number in range(processes)
    ]
    results = []
    for process in running:
        output, _ = process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"a posting process ended with {process.returncode}")
        results.append(msgspec.json.decode(output, type=Result))
    elapsed = max(result.ended for result in results) - min(result.started for result in results)
    return sum(result.commands for result in results) / elapsed


if __name__ == "__main__":
    outcome = uvloop.run(post(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
    sys.stdout.buffer.write(msgspec.json.encode(outcome))
