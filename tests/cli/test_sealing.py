"""The commands seal, verify-proof and audit --since-seal, as an operator and a stranger run them."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from ledger.ids import LedgerKey
from ledger.posting.engine import Engine
from ledger.rules.commands import Earn
from ledger.rules.seal_keys import public_key_as_pem
from ledger.store.members import create_members
from ledger.store.registry import read_registry
from ledger.store.registry_writes import add_partner, permit
from ledger.store.unit_of_work import unit_of_work
from tests.command_line import CommandLine
from tests.databases import LedgerDatabase
from tests.proofs_by_hand import KEYS, proof_of
from tests.service import run_apart

EARNINGS = 12


@pytest.fixture
def busy(sandbox: CommandLine) -> CommandLine:
    """A sandbox in which a partner has given points to some members."""

    async def work() -> None:
        key = LedgerKey(bytes.fromhex((sandbox.data_directory / "ledger.key").read_text()))
        async with Engine.open(sandbox.variables["DATABASE_URL"], key) as engine:
            async with engine.pool.connection() as connection:
                async with unit_of_work(connection):
                    partner = await add_partner(connection, "TEA", "Tea", "merchant")
                    city = (await read_registry(connection)).programmes["CITY"].number
                    await permit(connection, city, partner, may_issue=True, may_accept=True)
                async with unit_of_work(connection):
                    names = [f"m{number}" for number in range(EARNINGS)]
                    await create_members(connection, key, partner, names, engine.lanes)
                await engine.registry.refresh(connection)
            for number in range(EARNINGS):
                earn = Earn(programme="CITY", member=f"ref:m{number}", scene="food", points=5)
                submission = await engine.intake.prepare(partner, f"bill-{number}", earn)
                await engine.posters.submit(submission)

    run_apart(work())
    return sandbox


@pytest.fixture
def proof(tmp_path: Path) -> Path:
    """A proof as the API answers it: a redemption of 11 points, signed with the tests' key."""
    file = tmp_path / "proof.json"
    file.write_bytes(msgspec.json.encode(proof_of()))
    return file


def public_key(installation: CommandLine) -> str:
    [file] = (installation.data_directory / "seals").glob("seal-000001.json")
    return str(json.loads(file.read_bytes())["seal"]["public_key"])


def altered(proof: Path, change: Any) -> Path:
    document = json.loads(proof.read_bytes())
    change(document)
    proof.write_text(json.dumps(document, ensure_ascii=False))
    return proof


def test_init_makes_a_seal_key_that_only_its_owner_reads_and_keeps_one_that_is_there(live: CommandLine) -> None:
    file = live.data_directory / "seal.key"
    text = file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(bytes.fromhex(text)) == 32
    live.done("init")
    assert file.read_text() == text


def test_seal_says_what_it_did_and_again_that_nothing_is_new(busy: CommandLine) -> None:
    file = busy.data_directory / "seals" / "seal-000001.json"
    assert busy.done("seal") == f"Seal 1 covers {EARNINGS} new transactions; it is in {file}."
    assert json.loads(file.read_bytes())["seal"]["recorded"] == EARNINGS
    assert busy.done("seal") == "Nothing was recorded since seal 1 of 2026-03-31T12:00:00+00:00."
    assert busy.json("seal") == {"number": 1, "sealed_at": "2026-03-31T12:00:00+00:00"}


def test_the_folder_and_the_key_are_where_the_settings_say(busy: CommandLine, tmp_path: Path) -> None:
    key, folder = tmp_path / "keys" / "mine.key", tmp_path / "far away"
    settings = {"CITYPOINTS_SEAL_KEY_FILE": str(key), "CITYPOINTS_SEALS": str(folder)}
    missing = busy.run("seal", **settings)
    assert (missing.code, missing.output) == (2, "")
    assert f"there is no {key}" in missing.errors
    assert busy.run("init", **settings).code == 0
    assert busy.run("seal", **settings).code == 0
    assert [file.name for file in folder.iterdir()] == ["seal-000001.json"]
    assert not (busy.data_directory / "seals").exists()


@pytest.mark.parametrize("content", ["", "# nothing", "ab" * 31, "secret" * 20, "ab" * 32 + "\nno key"])
def test_a_file_that_is_no_seal_key_is_refused_without_showing_it(live: CommandLine, content: str) -> None:
    (live.data_directory / "seal.key").write_text(content)
    told = live.fails("seal", code=2)
    assert "wanted a private key of 64 hexadecimal digits" in told
    assert "secret" not in told
    assert "abab" not in told


def test_a_new_key_signs_the_next_seal_and_the_old_one_stays_trusted(
    busy: CommandLine, database: LedgerDatabase
) -> None:
    file = busy.data_directory / "seal.key"
    private, *none = file.read_text().split()
    assert none == []
    told = busy.json("seal", "--new-key")
    new, old = file.read_text().split()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert new != private
    assert old == public_key(busy) == told["seal"]["public_key"]
    busy.done("clock", "set", "2026-04-01T20:00:00+08:00")
    second = busy.json("seal")
    assert (second["number"], second["public_key"]) == (2, told["new_public_key"])
    assert busy.json("audit", "--since-seal")["difference_count"] == 0
    file.write_text(f"{new}\n")
    assert busy.run("audit", "--since-seal").code == 1
    assert [entry.name for entry in busy.data_directory.glob("seal.key*")] == ["seal.key"]


def test_the_daily_audit_looks_at_what_is_new_and_the_full_one_at_the_seals_too(
    busy: CommandLine, database: LedgerDatabase
) -> None:
    busy.done("seal")
    daily = busy.json("audit", "--since-seal")
    assert (daily["transactions"], daily["seals"], daily["difference_count"]) == (0, 1, 0)
    assert busy.done("audit", "--since-seal").startswith(
        "The ledger is what was sealed, and its chain goes on unbroken"
    )
    assert busy.json("audit")["seals"] == 1
    with psycopg.connect(database.superuser_url) as superuser:
        superuser.execute("delete from seals")
    for arguments in (["audit"], ["audit", "--since-seal"]):
        report = busy.run(*arguments)
        assert report.code == 1
        assert report.output.startswith("seal 1: row: found nothing, expected ")
    assert "is older than its seals" in busy.fails("seal")


def test_without_a_key_file_the_audit_takes_each_seals_own_key(busy: CommandLine) -> None:
    busy.done("seal")
    (busy.data_directory / "seal.key").unlink()
    assert busy.json("audit", "--since-seal")["difference_count"] == 0


def test_a_proof_is_verified_without_any_installation(proof: Path, nowhere: CommandLine) -> None:
    key = KEYS.public_key
    finished = nowhere.run("verify-proof", str(proof), "--public-key", key)
    assert (finished.code, finished.errors) == (0, "")
    proved, sealed, whole = finished.output.splitlines()
    assert proved.startswith("Proved: a transaction of kind redeem of 11 points")
    assert "as number 11 of lane 1" in proved
    assert sealed.startswith("Sealed at 2026-11-24T04:00:00.000001Z in seal 1 of ledger ")
    assert "The whole transaction is in the proof too" in whole
    document = nowhere.json("verify-proof", str(proof), "--public-key", key)
    assert (document["holds"], document["is_key_given"], document["has_canonical_form"]) == (True, True, True)
    assert document["seal"]["public_key"] == key
    assert document["transaction"]["sequence"] == 11
    assert not nowhere.data_directory.exists()


def test_a_verifier_without_the_key_is_warned(proof: Path, nowhere: CommandLine) -> None:
    finished = nowhere.run("verify-proof", str(proof))
    assert finished.code == 0
    assert finished.output.startswith("Proved: ")
    assert finished.errors.startswith("Warning: no --public-key was given")
    assert nowhere.json("verify-proof", str(proof))["is_key_given"] is False


def test_the_key_may_be_in_a_file_as_digits_pem_or_the_answer_of_the_api(
    proof: Path, nowhere: CommandLine, tmp_path: Path
) -> None:
    key = KEYS.public_key
    answer = {
        "algorithm": "Ed25519",
        "public_key": "00" * 32,
        "fingerprint": "",
        "pem": "",
        "first_seal": 2,
        "last_seal": 2,
        "earlier": [{"public_key": key, "fingerprint": "", "first_seal": 1, "last_seal": 1}],
    }
    for text in (f"{key}\n", public_key_as_pem(key), json.dumps(answer)):
        file = tmp_path / "key"
        file.write_text(text)
        assert nowhere.run("verify-proof", str(proof), "--public-key", str(file)).code == 0


def test_another_key_a_changed_proof_and_a_cut_one_do_not_verify(
    proof: Path, nowhere: CommandLine, tmp_path: Path
) -> None:
    told = nowhere.fails("verify-proof", str(proof), "--public-key", "00" * 32)
    assert told.startswith("Error: the proof does not hold, at the step 'public key'")
    document = json.loads(nowhere.run("verify-proof", str(proof), "--public-key", "00" * 32, "--json").output)
    assert (document["holds"], document["failed_step"]) == (False, "public key")

    def more_points(changed: dict[str, Any]) -> None:
        changed["canonical_form"] = None
        changed["transaction"]["points"] += 1

    told = nowhere.fails("verify-proof", str(altered(proof, more_points)))
    assert told.startswith("Error: the proof does not hold, at the step 'lane root'")
    proof.write_bytes(proof.read_bytes()[:-40])
    told = nowhere.fails("verify-proof", str(proof))
    assert told.startswith("Error: the proof does not hold, at the step 'document'")


def test_a_hostile_proof_neither_fills_the_memory_nor_steers_the_terminal(
    proof: Path, nowhere: CommandLine, tmp_path: Path
) -> None:
    huge = tmp_path / "huge.json"
    with huge.open("wb") as file:
        os.truncate(file.fileno(), 1 << 40)
    assert "wanted at most" in nowhere.fails("verify-proof", str(huge))
    steering = altered(proof, lambda document: document.update({"\x1b[2J\x1b[31mPROVED": 1}))
    told = nowhere.fails("verify-proof", str(steering))
    assert "\x1b" not in told
    assert "step 'document'" in told


@pytest.mark.parametrize(
    "arguments",
    [
        ["no such file.json"],
        ["."],
        ["PROOF", "--public-key", "ab"],
        ["PROOF", "--public-key", "zz" * 32],
        ["PROOF", "--public-key", "."],
        ["PROOF", "--public-key", "PROOF"],
    ],
)
def test_wrong_usage_of_verify_proof_exits_with_two(proof: Path, nowhere: CommandLine, arguments: list[str]) -> None:
    named = [str(proof) if argument == "PROOF" else argument for argument in arguments]
    nowhere.fails("verify-proof", *named, code=2)
