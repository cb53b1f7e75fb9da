"""An exhausted cap: how many earns a second are refused, beside earns that nothing limits.

Started as ``python -m loadtests.bench.capped CITY COMMANDS``, it prints one JSON line.
"""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from time import time

import msgspec
import uvloop

from ledger.posting.engine import Engine
from ledger.rules.commands import Earn
from ledger.store.registry_writes import NewCap, add_cap
from ledger.store.unit_of_work import unit_of_work
from loadtests.bench.city import PROGRAMME, City, read_city
from loadtests.bench.posting import WARM_UP, post_many

POINTS = 10


class Result(msgspec.Struct):
    """Earns a second without a cap, and refusals a second of one that is exhausted."""

    earns: float
    refusals: float


async def compare(path: Path, commands: int) -> Result:
    """Measure earns of one merchant, put a cap of nothing on another, and measure its refusals."""
    city = read_city(path)
    free, capped = city.partners[:2]
    async with Engine.open(city.url, city.key()) as engine:
        await engine.intake.learn_members(0, city.members)
        async with engine.pool.connection() as connection:
            async with unit_of_work(connection):
                programme = engine.registry.current.programmes[PROGRAMME].number
                await add_cap(connection, NewCap(code="EMPTY", programme=programme, partner=capped))
            await engine.registry.refresh(connection)
        await _refused_or_posted(engine, city, capped, WARM_UP)
        await _refused_or_posted(engine, city, free, WARM_UP)
        earns, posted = await _refused_or_posted(engine, city, free, commands)
        refusals, refused = await _refused_or_posted(engine, city, capped, commands)
    if posted != {"posted": commands} or refused != {"cap-exhausted": commands}:
        raise RuntimeError(f"a merchant without a cap had {posted}, one with an empty cap {refused}")
    return Result(earns, refusals)


async def _refused_or_posted(engine: Engine, city: City, partner: int, commands: int) -> tuple[float, Counter[str]]:
    earns = [
        (
            partner,
            Earn(programme=PROGRAMME, member=city.members[number % len(city.members)], points=POINTS, scene="food"),
        )
        for number in range(commands)
    ]
    started = time()
    became = await post_many(engine, earns, f"{partner}-{commands}-{started}")
    return commands / (time() - started), became


def measure(city: Path, commands: int) -> Result:
    """Compare in a process of its own."""
    command = [sys.executable, "-m", "loadtests.bench.capped", str(city), str(commands)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return msgspec.json.decode(output, type=Result)


if __name__ == "__main__":
    result = uvloop.run(compare(Path(sys.argv[1]), int(sys.argv[2])))
    sys.stdout.buffer.write(msgspec.json.encode(result))
