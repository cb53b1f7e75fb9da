"""Seals, their public key and proofs over HTTP: who sees what, and that what is answered verifies."""

import json
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from ledger.audit.sealing import NothingToSeal, SealMade, make_seal
from ledger.rules.proofs import NotProved, Proof, verify_proof
from ledger.rules.seal_keys import SealKeys, parse_public_key
from ledger.rules.seals import SealDocument, has_good_signature, seal_hash
from ledger.store.unit_of_work import open_pool
from tests.api.street import Street, problem
from tests.databases import LedgerDatabase
from tests.service import Service, make_staff_key, run_apart

KEYS = SealKeys(bytes(range(32)))
UNKNOWN_ID = "00000000-0000-8000-8000-000000000000"


def seal(database: LedgerDatabase, folder: Path, keys: SealKeys = KEYS) -> SealMade | NothingToSeal:
    """Seal as the worker does, beside the running service."""

    async def make() -> SealMade | NothingToSeal:
        async with open_pool(database.service_url, maximum_size=1) as pool:
            return await make_seal(pool, keys, folder, forced=True)

    return run_apart(make())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this module's seals of the shared service are."""
    return tmp_path_factory.mktemp("seals")


@pytest.fixture(scope="module")
def sealed(street: Street, folder: Path) -> dict[str, Any]:
    """A transaction of the café's, sealed, and whose it is."""
    regular = street.new_member()
    earned = regular.earn(120, outlet="7").raise_for_status().json()
    made = seal(street.service.database, folder)
    assert isinstance(made, SealMade)
    return {"id": earned["id"], "regular": regular, "seal": made.number, "earned": earned}


def get_proof(street: Street, transaction: str, key: str | None = None, **options: Any) -> httpx.Response:
    return street.service.get(f"/v1/transactions/{transaction}/proof", key=key, **options)


def test_a_partner_proves_its_own_transaction_to_whoever_has_the_public_key(
    street: Street, sealed: dict[str, Any]
) -> None:
    answer = get_proof(street, sealed["id"], street.cafe).raise_for_status()
    published = httpx.get(f"{street.service.base_url}/v1/seals/key").raise_for_status().json()
    proof = verify_proof(answer.content, {published["public_key"]})
    assert isinstance(proof, Proof)
    assert proof.transaction_id == sealed["id"]
    shown = proof.transaction
    assert (shown.points, shown.outlet, shown.kind) == (120, "7", 1)
    assert (shown.lane, shown.sequence) == (sealed["earned"]["lane"], sealed["earned"]["sequence"])
    assert proof.seal.number == sealed["seal"]


def test_the_balance_is_in_no_proof_of_a_partner_without_the_members_token(
    street: Street, sealed: dict[str, Any]
) -> None:
    regular = sealed["regular"]
    assert get_proof(street, sealed["id"], street.cafe).json()["canonical_form"] is None
    other = street.new_member().token()
    of_another = get_proof(street, sealed["id"], street.cafe, headers={"Member-Token": other})
    assert of_another.json()["canonical_form"] is None
    with_token = get_proof(street, sealed["id"], street.cafe, headers={"Member-Token": regular.token()})
    form = json.loads(with_token.json()["canonical_form"]["text"])
    assert form[20] == 120
    assert isinstance(verify_proof(with_token.content, KEYS.trusted), Proof)


def test_the_member_and_staff_who_may_read_points_get_the_whole_form(street: Street, sealed: dict[str, Any]) -> None:
    auditor = make_staff_key(street.service.database, "auditor")
    for key in (sealed["regular"].token(), street.service.operator_key, auditor):
        proof = verify_proof(get_proof(street, sealed["id"], key).raise_for_status().content, KEYS.trusted)
        assert isinstance(proof, Proof)
        assert proof.canonical_form is not None


def test_a_proof_of_anothers_transaction_looks_like_one_that_is_not_there(
    street: Street, sealed: dict[str, Any]
) -> None:
    strangers = (street.books, street.new_member().token())
    for key in strangers:
        theirs = problem(get_proof(street, sealed["id"], key), 404, "transaction-not-found")
        nobodys = problem(get_proof(street, UNKNOWN_ID, key), 404, "transaction-not-found")
        assert theirs == nobodys
    clerk = make_staff_key(street.service.database, "finance-clerk")
    problem(get_proof(street, sealed["id"], clerk), 403, "forbidden")


def test_what_is_not_sealed_yet_is_said_to_be_and_can_be_asked_for_again(
    street: Street, folder: Path, sealed: dict[str, Any]
) -> None:
    posted = sealed["regular"].redeem(20).raise_for_status().json()["id"]
    assert problem(get_proof(street, posted, street.cafe), 404, "not-sealed-yet")["retryable"] is True
    seal(street.service.database, folder)
    assert isinstance(verify_proof(get_proof(street, posted, street.cafe).content, KEYS.trusted), Proof)


def test_a_reversal_and_its_original_are_both_proved(street: Street, folder: Path, sealed: dict[str, Any]) -> None:
    regular = sealed["regular"]
    redeemed = regular.redeem(10).raise_for_status().json()["id"]
    reversal = regular.reverse(redeemed).raise_for_status().json()["id"]
    seal(street.service.database, folder)
    for transaction in (redeemed, reversal):
        proof = verify_proof(get_proof(street, transaction).content, KEYS.trusted)
        assert isinstance(proof, Proof)
        assert proof.canonical_form is not None
        assert proof.transaction_id == transaction
        assert (proof.transaction.reverses_sequence is None) == (transaction == redeemed)


def test_a_changed_answer_does_not_verify(street: Street, sealed: dict[str, Any]) -> None:
    answer = get_proof(street, sealed["id"], street.cafe)
    changed = answer.text.replace('"points":120', '"points":1200')
    assert changed != answer.text
    assert isinstance(verify_proof(changed.encode(), KEYS.trusted), NotProved)


def test_seals_are_listed_newest_first_page_by_page(street: Street, folder: Path, sealed: dict[str, Any]) -> None:
    for _ in range(2):
        sealed["regular"].earn(1).raise_for_status()
        seal(street.service.database, folder)
    numbers, cursor = [], ""
    while True:
        answer = street.service.get(f"/v1/seals?limit=2{cursor}", key=street.books).raise_for_status()
        page = answer.json()
        numbers += [listed["number"] for listed in page["seals"]]
        if page["next_cursor"] is None:
            break
        assert page["next_cursor"] in answer.headers["link"]
        cursor = f"&cursor={page['next_cursor']}"
    assert numbers == list(range(numbers[0], 0, -1))
    assert len(numbers) >= 3


def test_a_seal_is_answered_as_it_was_written_outside_the_database(
    street: Street, folder: Path, sealed: dict[str, Any]
) -> None:
    answer = street.service.get(f"/v1/seals/{sealed['seal']}", key=sealed["regular"].token()).raise_for_status()
    assert answer.content == (folder / f"seal-{sealed['seal']:06}.json").read_bytes()
    document = msgspec.json.decode(answer.content, type=SealDocument)
    assert has_good_signature(document)
    listed = street.service.get("/v1/seals?limit=200").json()["seals"]
    [one] = [listed for listed in listed if listed["number"] == sealed["seal"]]
    assert one["hash"] == seal_hash(document.seal)
    assert one["root"] == document.seal.root


@pytest.mark.parametrize("number", ["0", "-1", "999999", "99999999999999999999"])
def test_a_seal_that_is_not_there_is_not_found(street: Street, number: str) -> None:
    problem(street.service.get(f"/v1/seals/{number}"), 404, "not-found")


def test_what_is_no_number_is_no_seal(street: Street) -> None:
    problem(street.service.get("/v1/seals/first"), 404, "not-found")


@pytest.mark.parametrize(
    ("query", "code"),
    [("limit=0", "malformed-request"), ("limit=201", "malformed-request"), ("cursor=x", "malformed-cursor")],
)
def test_a_page_that_cannot_be_is_refused(street: Street, query: str, code: str) -> None:
    problem(street.service.get(f"/v1/seals?{query}"), 400, code)


def test_seals_need_a_credential_and_their_key_does_not(street: Street, sealed: dict[str, Any]) -> None:
    for path in ("/v1/seals", "/v1/seals/1", f"/v1/transactions/{sealed['id']}/proof"):
        problem(httpx.get(street.service.base_url + path), 401, "unauthenticated")
    key = httpx.get(f"{street.service.base_url}/v1/seals/key").raise_for_status().json()
    assert key["public_key"] == KEYS.public_key == parse_public_key(key["pem"])
    assert (key["algorithm"], key["first_seal"], key["earlier"]) == ("Ed25519", 1, [])


def test_earlier_keys_stay_published_after_a_rotation(database: LedgerDatabase, tmp_path: Path) -> None:
    with Service.start(database) as service:
        problem(httpx.get(f"{service.base_url}/v1/seals/key"), 404, "not-found")
        service.add_programme("CITY")
        cafe = service.add_partner("CAFE", ["CITY"])
        service.add_member(cafe, "m-1")
        body = {"programme": "CITY", "member": "ref:m-1", "scene": "food", "points": 5}
        service.post("/v1/earnings", body, key=cafe).raise_for_status()
        seal(database, tmp_path)
        service.post("/v1/earnings", body, key=cafe).raise_for_status()
        new = SealKeys(bytes(32), [KEYS.public_key])
        seal(database, tmp_path, new)
        key = httpx.get(f"{service.base_url}/v1/seals/key").raise_for_status().json()
    assert (key["public_key"], key["first_seal"], key["last_seal"]) == (new.public_key, 2, 2)
    [earlier] = key["earlier"]
    assert (earlier["public_key"], earlier["first_seal"], earlier["last_seal"]) == (KEYS.public_key, 1, 1)
