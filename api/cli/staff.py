"""The person who gives a command: the one whose staff key is in CITYPOINTS_KEY."""

import os
import time
from typing import TYPE_CHECKING

from api.settings import SettingsError

if TYPE_CHECKING:
    from ledger.posting.engine import Engine
    from settlement.people import Person

VARIABLE = "CITYPOINTS_KEY"


async def person_of_environment(engine: "Engine") -> "Person":
    """The staff person whose key the environment holds; raises SettingsError without a good one."""
    from ledger.store.bearer_secrets import API_KEY, parse_secret
    from ledger.store.credentials import find_credentials
    from settlement.people import Person

    text = os.environ.get(VARIABLE, "").strip()
    wanted = "wanted the key of a staff person (`citypoints keys create --staff NAME --role ROLE`)"
    if not text:
        raise SettingsError(f"{VARIABLE} is not set: {wanted}")
    secret = parse_secret(text)
    if secret is None or secret.kind != API_KEY:
        raise SettingsError(f"{VARIABLE} holds no API key: {wanted}")
    async with engine.pool.connection() as connection:
        found = (await find_credentials(connection, [secret.prefix])).get(secret.prefix)
    if found is None or not secret.matches(found.secret_digest) or not found.is_good(time.time_ns() // 1000):
        raise SettingsError(f"{VARIABLE} holds a key that is unknown, expired or revoked: {wanted}")
    if found.staff_name is None:
        raise SettingsError(f"{VARIABLE} holds a partner's key: {wanted}")
    return Person(found.staff_name, frozenset(found.roles))
