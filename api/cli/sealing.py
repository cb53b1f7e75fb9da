"""``citypoints seal``: sign all that was recorded since the last seal."""

from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from api.cli.output import AsJson, say

if TYPE_CHECKING:
    from ledger.audit.sealing import NothingToSeal, SealMade


def seal(
    *,
    new_key: Annotated[
        bool, typer.Option("--new-key", help="Afterwards put a new key in the place of this one, which stays trusted.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Sign what was recorded since the last seal, beside live traffic, and write it to the folder of seals."""
    from api.cli.installation import run_with_pool
    from api.seal_key_file import read_seal_keys, rotate_seal_key
    from api.settings import Settings
    from ledger.audit.sealing import make_seal
    from ledger.rules.business_day import to_datetime
    from ledger.rules.seal_keys import fingerprint

    settings = Settings.from_environment()
    outcome = run_with_pool(
        lambda pool: make_seal(pool, read_seal_keys(settings), settings.seals_directory, forced=True)
    )
    document = {**msgspec.to_builtins(outcome), "sealed_at": to_datetime(outcome.sealed_at).isoformat()}
    if not new_key:
        say(_told(outcome), document, as_json=as_json)
        return
    public_key = rotate_seal_key(settings).public_key
    line = (
        f"{_told(outcome)} The next one is signed by the new key {public_key} (fingerprint {fingerprint(public_key)})."
    )
    say(line, {"seal": document, "new_public_key": public_key}, as_json=as_json)


def _told(outcome: "SealMade | NothingToSeal") -> str:
    from ledger.audit.sealing import SealMade
    from ledger.rules.business_day import to_datetime

    if isinstance(outcome, SealMade):
        return f"Seal {outcome.number} covers {outcome.transactions} new transactions; it is in {outcome.file}."
    sealed_at = to_datetime(outcome.sealed_at).isoformat(timespec="seconds")
    return f"Nothing was recorded since seal {outcome.number} of {sealed_at}."
