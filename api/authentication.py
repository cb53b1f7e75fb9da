"""Who is calling: a partner, a named staff person, or a member; always from the credential.

Keys and tokens that were looked up stay in memory, so a request costs no query. A process asks every
second whether the set-up has changed (``watch_registry`` in ``api/wiring.py``) and forgets them then: a
revoked key stops within about a second, an expired one at once.
"""

import time
from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from ledger.errors import Unauthenticated
from ledger.store.bearer_secrets import API_KEY, PresentedSecret, parse_secret
from ledger.store.credentials import Credential, StaffRole, find_credentials
from ledger.store.gathering import Gathering
from ledger.store.member_tokens import MemberToken, find_member_tokens
from ledger.store.members import Member

MAXIMUM_REMEMBERED = 50_000

V = TypeVar("V")

_BEARER = "bearer "


class PartnerCaller(msgspec.Struct, frozen=True):
    """A partner's system."""

    partner: int

    @property
    def owner(self) -> str:
        """Whose idempotency keys its are."""
        return f"p:{self.partner}"


class StaffCaller(msgspec.Struct, frozen=True):
    """A named staff person."""

    name: str
    roles: tuple[StaffRole, ...]
    prefix: str

    @property
    def owner(self) -> str:
        """Whose idempotency keys theirs are."""
        return f"s:{self.prefix}"


class MemberCaller(msgspec.Struct, frozen=True):
    """A member, by a token of its own."""

    member: Member


Caller = PartnerCaller | StaffCaller | MemberCaller


class Authentication:
    """Identifies callers, out of memory where it can."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection]) -> None:
        self._pool = pool
        self._credentials: dict[str, Credential] = {}
        self._tokens: dict[str, MemberToken] = {}
        self._credential_queries = Gathering(self._fetch_credentials)
        self._token_queries = Gathering(self._fetch_tokens)

    def forget(self) -> None:
        """Look every key and token up again: the set-up has changed, or may have."""
        self._credentials.clear()
        self._tokens.clear()

    async def identify(self, authorization: str | None) -> Caller:
        """Say who calls, by the Authorization header; raises Unauthenticated."""
        if authorization is None:
            raise Unauthenticated("Authorization: got nothing, wanted Bearer and an API key.")
        if authorization[: len(_BEARER)].lower() != _BEARER:
            raise Unauthenticated("Authorization: got another scheme, wanted Bearer and an API key.")
        secret = parse_secret(authorization[len(_BEARER) :].strip())
        if secret is None:
            raise _not_good()
        if secret.kind == API_KEY:
            return _caller_of(await self._credential(secret))
        return MemberCaller((await self._token(secret)).member)

    async def member_of(self, token: str) -> Member:
        """Whose token a Member-Token header holds; raises Unauthenticated."""
        secret = parse_secret(token.strip())
        if secret is None or secret.kind == API_KEY:
            raise Unauthenticated("Member-Token: got no token of a member's, wanted one that is still good.")
        return (await self._token(secret)).member

    async def _credential(self, secret: PresentedSecret) -> Credential:
        credential = self._credentials.get(secret.prefix)
        if credential is None:
            credential = await self._credential_queries.get(secret.prefix)
            if credential is None:
                raise _not_good()
            _remember(self._credentials, secret.prefix, credential)
        if not secret.matches(credential.secret_digest) or not credential.is_good(_now()):
            raise _not_good()
        return credential

    async def _token(self, secret: PresentedSecret) -> MemberToken:
        token = self._tokens.get(secret.prefix)
        if token is None:
            token = await self._token_queries.get(secret.prefix)
            if token is None:
                raise _not_good()
            _remember(self._tokens, secret.prefix, token)
        if not secret.matches(token.secret_digest) or token.expires_at <= _now():
            raise _not_good()
        return token

    async def _fetch_credentials(self, prefixes: Sequence[str]) -> Mapping[str, Credential]:
        async with self._pool.connection() as connection:
            return await find_credentials(connection, prefixes)

    async def _fetch_tokens(self, prefixes: Sequence[str]) -> Mapping[str, MemberToken]:
        async with self._pool.connection() as connection:
            return await find_member_tokens(connection, prefixes)


def _caller_of(credential: Credential) -> Caller:
    if credential.partner is not None:
        return PartnerCaller(credential.partner)
    return StaffCaller(credential.staff_name or "", credential.roles, credential.prefix)


def _remember(memory: dict[str, V], prefix: str, found: V) -> None:
    if len(memory) >= MAXIMUM_REMEMBERED:
        memory.clear()
    memory[prefix] = found


def _now() -> int:
    """Keys end by the real time, also on a sandbox: microseconds since 1970 UTC."""
    return time.time_ns() // 1000


def _not_good() -> Unauthenticated:
    return Unauthenticated("The key or token is unknown, expired or revoked.")
