"""Jobs that leave a trace, and a worker that does nothing else: ``python -m tests.worker.jobs_of_a_test``."""

import asyncio
import os
import sys
from pathlib import Path

from api.logs import configure_logs
from api.settings import Settings
from api.worker.jobs import Job
from api.worker.process import run_worker
from api.worker.schedules import Every
from ledger.posting.engine import Engine

LONG_SECONDS = 3600


async def note(_: Engine, settings: Settings) -> str:
    """Write a line when it begins and one when it ends."""
    trace(settings, "begin")
    await asyncio.sleep(0.3)
    trace(settings, "end")
    return "noted"


async def hang(_: Engine, settings: Settings) -> str:
    """Begin, and never end."""
    trace(settings, "begin")
    await asyncio.sleep(LONG_SECONDS)
    return "never"


async def fail(_: Engine, __: Settings) -> str:
    """Fail with words that must not get anywhere."""
    raise ValueError("planted-words-4711")


def trace(settings: Settings, word: str) -> None:
    """Add a line in one write, as several processes do it."""
    with (settings.data_directory / "trace").open("a") as file:
        file.write(f"{word} {os.getpid()}\n")


def traced(directory: Path) -> list[str]:
    """The words traced so far."""
    file = directory / "trace"
    return [line.split()[0] for line in file.read_text().splitlines()] if file.exists() else []


NAMED = {"note": Job("note", Every(1), note), "hang": Job("note", Every(1), hang), "fail": Job("fail", Every(1), fail)}


async def main(names: list[str]) -> None:
    """Do some of these jobs until killed."""
    settings = Settings.from_environment()
    configure_logs(settings.log_level)
    jobs = [NAMED[name] for name in names]
    await run_worker(os.environ["DATABASE_URL"], settings, asyncio.Event(), jobs=jobs)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
