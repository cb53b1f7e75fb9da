"""The worker posts what has lapsed, and an operator's webhook tells of it."""

from api.worker.jobs import JOBS
from tests.databases import LedgerDatabase
from tests.service import Service
from tests.webhooks.conftest import TARGETS, Shop, worker_on
from tests.webhooks.receiver import Receiver


def test_points_that_lapse_are_posted_by_the_worker_and_told_to_the_operator(database: LedgerDatabase) -> None:
    environment = {"CITYPOINTS_WEBHOOK_TARGETS": TARGETS}
    with Receiver() as receiver, Service.start(database, sandbox=True, environment=environment) as service:
        service.set_clock("2026-03-01T12:00:00+08:00")
        service.add_programme("CITY")
        shop = Shop(service)
        shop.earn(120)
        made = service.post("/v1/webhooks", {"url": receiver.url}).raise_for_status().json()
        service.set_clock("2028-04-01T00:00:01+08:00")
        with worker_on(service, jobs=JOBS):
            [one] = receiver.wait_for(1)
        event = one.verified_by(made["secret"])
        assert (event["type"], event["subject"]) == ("citypoints.transaction.expire.v1", shop.member)
        assert (event["data"]["points"], event["data"]["partner"]) == (120, None)
        assert service.get("/v1/events").json()["events"] == [event]
        assert service.get("/v1/events", key=shop.key).json()["events"][-1]["type"] == "citypoints.transaction.earn.v1"


def test_notices_of_expiry_reach_the_operators_webhook_once_and_are_in_the_members_list(
    database: LedgerDatabase,
) -> None:
    environment = {"CITYPOINTS_WEBHOOK_TARGETS": TARGETS}
    with Receiver() as receiver, Service.start(database, sandbox=True, environment=environment) as service:
        service.set_clock("2026-03-01T12:00:00+08:00")
        service.add_programme("CITY")
        shop = Shop(service)
        shop.earn(120, reference="nothing of this is told")
        made = service.post("/v1/webhooks", {"url": receiver.url}).raise_for_status().json()
        service.set_clock("2028-01-31T12:00:00+08:00")
        with worker_on(service, jobs=JOBS):
            [one] = receiver.wait_for(1)
        with worker_on(service, jobs=JOBS):
            assert receiver.wait_for(1) == [one]
        event = one.verified_by(made["secret"])
        assert (event["type"], event["subject"]) == ("citypoints.transaction.notice.v1", shop.member)
        told = (event["data"]["points"], event["data"]["last_day"], event["data"]["days_before"])
        assert told == (120, "2028-03-31", 60)
        assert len(service.get("/v1/events").json()["events"]) == 1
        listed = service.get(f"/v1/members/{shop.member}/notices?programme=CITY").raise_for_status().json()
        assert [notice["points"] for notice in listed["notices"]] == [120]
