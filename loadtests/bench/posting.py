"""In-process posting: what the core does without HTTP, in one process or several.

Started as ``python -m loadtests.bench.posting CITY SEED COMMANDS SHARE SHARES``, it prints one JSON line when it is
ready, begins at a line on its standard input, and prints its result.
"""

import asyncio
import subprocess
import sys
from collections import Counter, deque
from collections.abc import Iterable
from pathlib import Path
from time import time
from typing import IO

import msgspec
import uvloop

from ledger.posting.engine import Engine
from ledger.rules.commands import Earn, Redeem
from ledger.rules.outcomes import Outcome, Posted, Refused
from loadtests.bench.city import City, Day, read_city

BATCH = 500
IN_FLIGHT = 4 * BATCH
WARM_UP = 2 * BATCH
GROUPS = 2
"""Lane groups of a process that posts alone: one decides while the other's batch is in the database."""


class Result(msgspec.Struct):
    """When the timed part began and ended (seconds since 1970), and how many commands it had."""

    started: float
    ended: float
    commands: int


async def post(path: Path, seed: int, commands: int, share: int, shares: int) -> Result:
    """Post commands of the members in every ``shares``-th lane, a bounded number in flight; the first warm up."""
    city = read_city(path)
    async with Engine.open(city.url, city.key(), GROUPS if shares == 1 else 1) as engine:
        await engine.intake.learn_members(0, city.members)
        day = Day(await _with_members_of(engine, city, share, shares), seed)
        warm_up = [day.next_command() for _ in range(WARM_UP)]
        timed = [day.next_command() for _ in range(commands)]
        await post_many(engine, warm_up, f"{seed}-{share}-warm")
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        started = time()
        became = await post_many(engine, timed, f"{seed}-{share}")
        ended = time()
    # A merchant of the city has an exhausted cap once its row has been measured.
    if became.keys() - {"posted", "insufficient-points", "cap-exhausted"}:
        raise RuntimeError(f"the commands became {became}")
    return Result(started, ended, commands)


async def _with_members_of(engine: Engine, city: City, share: int, shares: int) -> City:
    """The city with the members of some lanes only."""
    found = {name: await engine.intake.find_member(0, name) for name in city.members}
    members = [name for name, member in found.items() if member is not None and member.lane % shares == share]
    return msgspec.structs.replace(city, members=members)


async def post_many(engine: Engine, commands: Iterable[tuple[int, Earn | Redeem]], prefix: str) -> Counter[str]:
    """Post commands of partners, many in flight, and count what became of them: ``posted``, or a refusal's code."""
    flight: deque[asyncio.Future[Outcome]] = deque()
    became: Counter[str] = Counter()
    for number, (partner, command) in enumerate(commands):
        submission = await engine.intake.prepare(partner, f"{prefix}-{number}", command)
        flight.append(engine.posters.enqueue(submission))
        if len(flight) >= IN_FLIGHT:
            became.update([_became(await flight.popleft()) for _ in range(BATCH)])
    became.update([_became(await future) for future in flight])
    return became


def _became(outcome: Outcome) -> str:
    if isinstance(outcome, Posted):
        return "posted"
    return outcome.code if isinstance(outcome, Refused) else type(outcome).__name__


def measure(city: Path, commands: int, seed: int, processes: int = 1) -> float:
    """Commands a second of processes that begin together, each with lanes of its own.

    Why lanes of their own: two processes that post to the same lanes wait for each other's units of work.
    """
    shares = [_start(city, seed, commands // processes, share, processes) for share in range(processes)]
    for process in shares:
        _pipe(process.stdout).readline()
    for process in shares:
        _pipe(process.stdin).write(b"go\n")
        _pipe(process.stdin).flush()
    results = [_result(process) for process in shares]
    seconds = max(result.ended for result in results) - min(result.started for result in results)
    return sum(result.commands for result in results) / seconds


def _start(city: Path, seed: int, commands: int, share: int, shares: int) -> "subprocess.Popen[bytes]":
    arguments = [str(city), str(seed), str(commands), str(share), str(shares)]
    return subprocess.Popen(
        [sys.executable, "-m", "loadtests.bench.posting", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def _result(process: "subprocess.Popen[bytes]") -> Result:
    output, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"a posting process ended with {process.returncode}")
    return msgspec.json.decode(output, type=Result)


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise RuntimeError("the process has no pipe")
    return pipe


if __name__ == "__main__":
    path, *numbers = sys.argv[1:]
    outcome = uvloop.run(post(Path(path), *[int(number) for number in numbers]))
    sys.stdout.buffer.write(msgspec.json.encode(outcome))
