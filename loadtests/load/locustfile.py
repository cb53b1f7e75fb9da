"""The clients, as Locust runs them: each process reads the plan, and writes a record of its own."""

import os
import random
import time
from pathlib import Path
from typing import ClassVar

from locust import FastHttpUser, LoadTestShape, task

from loadtests.load.citizens import Citizen
from loadtests.load.merchants import Agency, Merchant
from loadtests.load.percentiles import NANOSECONDS_PER_SECOND
from loadtests.load.plan import BEGUN_FILE, PLAN_VARIABLE, Plan, read_plan
from loadtests.load.records import SUFFIX, RecordFile, now
from loadtests.load.sending import Sender
from loadtests.load.shape import is_burst, users_at

PLAN = read_plan(Path(os.environ[PLAN_VARIABLE]))
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, BURST_PAUSE_SECONDS = 0.1, 0.5, 0.02
SPAWNED_A_SECOND = 50


class Process:
    """What the clients of one process share: its record, opened by the process that writes it, and the beginning."""

    _record: ClassVar[RecordFile | None] = None
    _pid: ClassVar[int] = 0
    begun: ClassVar[float] = 0.0

    @classmethod
    def record(cls) -> RecordFile:
        """The record of this process; one that was forked has another."""
        if cls._record is None or cls._pid != os.getpid():
            cls._pid = os.getpid()
            cls._record = RecordFile(PLAN.records / f"clients-{cls._pid}{SUFFIX}")
        return cls._record


class _Client(FastHttpUser):
    """A client with a pause between what it does; in the burst there is hardly any."""

    abstract = True
    host = PLAN.town.url
    network_timeout = 60.0
    connection_timeout = 10.0

    def on_start(self) -> None:
        """Make the sender; the first client of a process notes when it began."""
        Process.begun = Process.begun or time.monotonic()
        self.sender = Sender(self.client, Process.record(), PLAN.town.url)

    def wait_time(self) -> float:
        """Seconds until the next task."""
        if is_burst((time.monotonic() - Process.begun) / PLAN.seconds):
            return BURST_PAUSE_SECONDS
        return random.uniform(SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)


class MerchantClient(_Client):
    """A till of any merchant."""

    weight = 8

    def on_start(self) -> None:
        """Open the till."""
        super().on_start()
        self.merchant = Merchant(self.sender, PLAN.town)

    @task
    def trade(self) -> None:
        """Do what a till does next."""
        self.merchant.trade()


class CitizenClient(_Client):
    """A member with the city's app."""

    weight = 4

    def on_start(self) -> None:
        """Open the app."""
        super().on_start()
        self.citizen = Citizen(self.sender, PLAN.town)

    @task
    def look(self) -> None:
        """Do what a citizen does next."""
        self.citizen.look()


class AgencyClient(_Client):
    """The agency, whose budget runs out."""

    weight = 2

    def on_start(self) -> None:
        """Open the counter."""
        super().on_start()
        self.agency = Agency(self.sender, PLAN.town)

    @task
    def give(self) -> None:
        """Give points while there are some."""
        self.agency.give()


class Evening(LoadTestShape):
    """The course of the day."""

    plan: ClassVar[Plan] = PLAN
    begun: int | None = None

    def tick(self) -> tuple[int, float] | None:
        """How many clients there should be now, and how fast they come."""
        if self.begun is None:
            self.begun = now()
            (Path(self.plan.folder) / BEGUN_FILE).write_text(str(self.begun))
        progress = (now() - self.begun) / NANOSECONDS_PER_SECOND / self.plan.seconds
        users = users_at(progress, self.plan.users)
        return None if users is None else (users, SPAWNED_A_SECOND)
