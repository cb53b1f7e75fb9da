"""Webhooks delivered to a real receiver: signed, tried again, given up, replayed, and never in the way of posting."""

import threading
import time
from itertools import count
from typing import Any

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from api.webhooks.retries import RetryPolicy
from tests.service import Service, free_port
from tests.webhooks.conftest import HASTY, Shop, Working
from tests.webhooks.receiver import Received, Receiver, wait_until

PLANTED = "planted-words-4711"


def changed(policy: RetryPolicy, **fields: Any) -> RetryPolicy:
    from msgspec.structs import replace

    return replace(policy, **fields)


def test_each_transaction_arrives_once_with_a_signature_that_verifies(shop: Shop, working: Working) -> None:
    with Receiver() as receiver, working():
        webhook, secret = shop.add_webhook(receiver.url)
        earned = [shop.earn(number) for number in range(1, 21)]
        received = receiver.wait_for(20)
        shop.wait_for_state(webhook, "delivered", 20)
    assert sorted(receiver.ids) == sorted(earned)
    for one in received:
        event = one.verified_by(secret)
        assert (event["id"], event["type"]) == (one.id, "citypoints.transaction.earn.v1")
        assert one.headers["content-type"] == "application/cloudevents+json"
        assert one.path == "/hooks?token=in-the-address"
        with pytest.raises(WebhookVerificationError):
            one.verified_by("whsec_" + "A" * 43 + "=")
    told = shop.service.get("/v1/events?limit=200", key=shop.key).json()["events"]
    assert sorted(told, key=lambda event: str(event["id"])) == sorted(
        (one.event for one in received), key=lambda event: str(event["id"])
    )


def test_nothing_that_a_caller_wrote_freely_is_sent(shop: Shop, working: Working) -> None:
    with Receiver() as receiver, working():
        shop.add_webhook(receiver.url)
        shop.earn(5, reference=PLANTED, evidence=PLANTED, metadata={"note": PLANTED})
        [one] = receiver.wait_for(1)
    assert PLANTED not in one.body.decode() + str(one.headers)
    assert "balance" not in one.event["data"]


def test_a_failed_delivery_is_tried_again_with_the_same_id_until_it_succeeds(shop: Shop, working: Working) -> None:
    statuses = iter([500, 503, 429, 200])
    with Receiver(lambda _: next(statuses)) as receiver, working():
        webhook, secret = shop.add_webhook(receiver.url)
        earned = shop.earn()
        received = receiver.wait_for(4)
        [delivery] = shop.wait_for_state(webhook, "delivered", 1)
    assert receiver.ids == [earned] * 4
    assert len({one.body for one in received}) == 1
    assert all(one.verified_by(secret) for one in received)
    assert (delivery["attempts"], delivery["last_status"], delivery["last_failure"]) == (4, 200, None)


def test_what_is_never_taken_becomes_a_dead_letter_that_can_be_replayed(shop: Shop, working: Working) -> None:
    is_mended = False

    def answer(received: Received) -> int:
        return 200 if is_mended or received.event["data"]["points"] != 13 else 500

    with Receiver(answer) as receiver, working(changed(HASTY, give_up_seconds=1)):
        webhook, _ = shop.add_webhook(receiver.url)
        bad = shop.earn(13)
        good = shop.earn(7)
        [dead] = shop.wait_for_state(webhook, "dead", 1)
        assert (dead["event"], dead["last_status"], dead["last_failure"]) == (bad, 500, "status")
        assert dead["attempts"] >= 2
        assert dead["next_attempt_at"] is None
        [delivered] = shop.deliveries(webhook, state="delivered")
        assert delivered["event"] == good
        is_mended = True
        # With nothing but the bad event left, the webhook may have paused by itself in the meantime.
        shop.ask(webhook, "resume")
        assert shop.ask(webhook, "replay", {"state": "dead"}) == {"deliveries": 1}
        shop.wait_for_state(webhook, "delivered", 2)
        assert shop.deliveries(webhook, state="dead") == []


def test_one_event_or_all_since_a_time_are_sent_again_under_their_ids(shop: Shop, working: Working) -> None:
    with Receiver() as receiver, working():
        webhook, _ = shop.add_webhook(receiver.url)
        earned = [shop.earn() for _ in range(4)]
        shop.wait_for_state(webhook, "delivered", 4)
        third = next(one.event for one in receiver.received if one.id == earned[2])
        assert shop.ask(webhook, "replay", {"event": earned[0]}) == {"deliveries": 1}
        receiver.wait_for(5)
        assert receiver.ids[4:] == [earned[0]]
        assert shop.ask(webhook, "replay", {"since": third["time"]}) == {"deliveries": None}
        receiver.wait_for(7)
        shop.wait_for_state(webhook, "delivered", 4)
        assert sorted(receiver.ids[5:]) == sorted(earned[2:])
        later = shop.earn()
        receiver.wait_for(8)
        assert receiver.ids[7:] == [later]


def test_a_webhook_from_the_start_gets_what_was_before_and_one_from_now_does_not(shop: Shop, working: Working) -> None:
    before = [shop.earn() for _ in range(3)]
    with Receiver() as old, Receiver() as new, working():
        shop.add_webhook(old.url, **{"from": "start"})
        shop.add_webhook(new.url)
        after = shop.earn()
        old.wait_for(4)
        new.wait_for(1)
    assert sorted(old.ids) == sorted([*before, after])
    assert new.ids == [after]


def test_only_the_types_that_were_asked_for_are_sent(shop: Shop, working: Working) -> None:
    with Receiver() as receiver, working():
        shop.add_webhook(receiver.url, types=["citypoints.transaction.reverse.v1"])
        earned = shop.earn(5)
        body = {"reason": "returned"}
        reversal = shop.service.post(f"/v1/transactions/{earned}/reversals", body, key=shop.key).json()["id"]
        [one] = receiver.wait_for(1)
    assert (one.id, one.event["data"]["reverses"]) == (reversal, earned)


def test_after_a_rotation_both_secrets_sign_and_later_the_new_one_alone(
    shop: Shop, working: Working, service: Service
) -> None:
    import psycopg

    with Receiver() as receiver, working():
        webhook, old = shop.add_webhook(receiver.url)
        rotated = shop.ask(webhook, "rotate-secret")
        new = rotated["secret"]
        assert rotated["former_secret_ends_at"] is not None
        shop.earn()
        [one] = receiver.wait_for(1)
        assert old != new
        assert one.verified_by(old) == one.verified_by(new)
        with psycopg.connect(service.database.owner_url) as owner:
            owner.execute("update webhooks set former_secret_ends_at = clock_timestamp() where webhook = %s", [webhook])
        shop.earn()
        _, one = receiver.wait_for(2)
        assert one.verified_by(new)
        with pytest.raises(WebhookVerificationError):
            one.verified_by(old)


def test_a_ping_comes_at_once_also_to_a_paused_webhook_and_is_tried_once(shop: Shop, working: Working) -> None:
    with Receiver(lambda _: 500) as receiver, working():
        webhook, secret = shop.add_webhook(receiver.url)
        shop.ask(webhook, "pause")
        shop.earn()
        event = shop.ask(webhook, "ping")["event"]
        [one] = receiver.wait_for(1)
        [dead] = shop.wait_for_state(webhook, "dead", 1)
    told = one.verified_by(secret)
    assert (told["id"], told["type"], told["data"]) == (event, "citypoints.ping.v1", {"webhook": webhook})
    assert (dead["event"], dead["attempts"], dead["last_status"]) == (event, 1, 500)
    assert shop.webhook(webhook)["failures"] == 0


def test_a_paused_webhook_keeps_its_place_and_goes_on_there(shop: Shop, working: Working) -> None:
    with Receiver() as receiver, working():
        webhook, _ = shop.add_webhook(receiver.url)
        assert shop.ask(webhook, "pause")["pause_reason"] == "asked"
        earned = [shop.earn() for _ in range(3)]
        shop.ask(webhook, "ping")
        receiver.wait_for(1)
        # What was received is noted as delivered a moment later.
        wait_until(lambda: shop.deliveries(webhook, state="pending") == [], "the ping is noted")
        assert shop.ask(webhook, "resume")["state"] == "active"
        receiver.wait_for(4)
    assert sorted(receiver.ids[1:]) == sorted(earned)


def test_a_receiver_that_is_gone_gets_nothing_more(shop: Shop, working: Working) -> None:
    with Receiver(lambda _: 410) as receiver, working():
        webhook, _ = shop.add_webhook(receiver.url)
        shop.earn()
        wait_until(lambda: shop.webhook(webhook)["pause_reason"] == "gone", "paused")
        shop.earn()
        time.sleep(1)
    assert len(receiver.received) == 1


def test_a_dead_receiver_gets_one_attempt_at_a_time_and_is_paused_in_the_end(shop: Shop, working: Working) -> None:
    with Receiver(lambda _: 500) as receiver, working(changed(HASTY, failing_after=3, give_up_seconds=4)):
        webhook, _ = shop.add_webhook(receiver.url)
        earned = {shop.earn() for _ in range(30)}
        wait_until(lambda: shop.webhook(webhook)["failures"] >= 3, "failing")
        time.sleep(0.5)
        receiver.most_at_once = 0
        first = len(receiver.received)
        wait_until(lambda: shop.webhook(webhook)["state"] == "paused", "paused by itself")
        assert receiver.most_at_once == 1
        assert len(receiver.received) - first < 30
        found = shop.webhook(webhook)
        assert found["pause_reason"] == "failing"
        assert found["failing_since"] is not None
        kept = {one["event"] for one in shop.deliveries(webhook)}
        assert kept == earned
        # Mended and resumed, it gets what is left at once, and the dead ones when asked for.
        receiver.answer = lambda _: 200
        shop.ask(webhook, "resume")
        shop.ask(webhook, "replay", {"state": "dead"})
        shop.wait_for_state(webhook, "delivered", 30)


def test_a_receiver_that_recovers_gets_at_once_what_has_waited(shop: Shop, working: Working) -> None:
    is_up = False
    policy = changed(HASTY, first_delay_seconds=0.3, longest_delay_seconds=600, failing_after=3, jitter=0)
    with Receiver(lambda _: 200 if is_up else 500) as receiver, working(policy):
        webhook, _ = shop.add_webhook(receiver.url)
        earned = {shop.earn() for _ in range(20)}
        wait_until(lambda: shop.webhook(webhook)["failures"] >= 5, "failing")
        is_up = True
        shop.ask(webhook, "ping")
        shop.wait_for_state(webhook, "delivered", 21)
        assert shop.webhook(webhook)["failures"] == 0
        assert earned <= set(receiver.ids)


def test_a_receiver_that_hangs_slows_neither_posting_nor_other_receivers(shop: Shop, working: Working) -> None:
    released = threading.Event()

    def hang(_: Received) -> int:
        released.wait(60)
        return 200

    def median_seconds(number: int) -> float:
        times = []
        for _ in range(number):
            started = time.monotonic()
            shop.earn()
            times.append(time.monotonic() - started)
        return sorted(times)[number // 2]

    alone = median_seconds(40)
    with Receiver(hang) as slow, Receiver() as fast, working(changed(HASTY, attempt_seconds=60, lease_seconds=90)):
        hanging, _ = shop.add_webhook(slow.url)
        shop.add_webhook(fast.url)
        shop.earn()
        slow.wait_for(1)
        beside = median_seconds(40)
        fast.wait_for(41)
        assert slow.most_at_once == len(slow.received) <= 8
        assert shop.deliveries(hanging, state="delivered") == []
        released.set()
        shop.wait_for_state(hanging, "delivered", 41)
    assert beside < 3 * alone + 0.05


def test_an_attempt_that_takes_too_long_has_failed(shop: Shop, working: Working) -> None:
    numbers = count()

    def first_hangs(_: Received) -> int:
        if next(numbers) == 0:
            time.sleep(3)
        return 200

    with Receiver(first_hangs) as receiver, working(changed(HASTY, attempt_seconds=0.5)):
        webhook, _ = shop.add_webhook(receiver.url)
        shop.earn()
        [delivery] = shop.wait_for_state(webhook, "delivered", 1)
    assert delivery["attempts"] == 2
    assert len(set(receiver.ids)) == 1


def test_nobody_at_the_address_is_a_failed_connection(shop: Shop, working: Working) -> None:
    with working():
        webhook, _ = shop.add_webhook(f"http://127.0.0.1:{free_port()}/")
        shop.earn()
        wait_until(lambda: any(one["last_failure"] for one in shop.deliveries(webhook)), "a failure")
        assert shop.deliveries(webhook)[0]["last_failure"] == "connection"


def test_two_workers_deliver_each_event_once(shop: Shop, working: Working) -> None:
    with Receiver() as receiver, working(), working():
        webhook, _ = shop.add_webhook(receiver.url)
        earned = [shop.earn() for _ in range(60)]
        shop.wait_for_state(webhook, "delivered", 60)
    assert sorted(receiver.ids) == sorted(earned)


def test_a_long_past_is_delivered_in_pieces(shop: Shop, working: Working) -> None:
    items = [
        {
            "operation": "earn",
            "key": f"{shop.code}-{number}",
            "programme": "CITY",
            "member": "ref:guest",
            "points": 1,
            "scene": "food",
        }
        for number in range(1000)
    ]
    for part in (items[:100], items[100:200], items[200:300]):
        answer = shop.service.request("POST", "/v1/bulk", key=shop.key, json={"mode": "independent", "items": part})
        answer.raise_for_status()
    with Receiver() as receiver, working():
        shop.add_webhook(receiver.url, **{"from": "start"})
        receiver.wait_for(300)
        time.sleep(0.3)
    assert len(receiver.ids) == len(set(receiver.ids)) == 300
