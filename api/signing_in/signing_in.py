"""From a code to a session: who the token names must be somebody here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api.settings import SettingsError
from api.signing_in.claims import Claimed, claimed
from api.signing_in.failures import SignInFailed
from api.signing_in.identity_provider import IdentityProvider
from api.signing_in.pending import PendingSignIn
from api.signing_in.settings import SignInSettings
from api.wiring import Wiring
from ledger.rules.programmes import LEDGER_ITSELF
from ledger.store.sessions import SessionPerson, begin_session, end_session, secret_digest
from ledger.store.unit_of_work import unit_of_work


class SigningIn:
    """What the pages need to sign people in; there is none where no identity provider is configured."""

    def __init__(self, settings: SignInSettings, provider: IdentityProvider) -> None:
        self.settings = settings
        self.provider = provider

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: SignInSettings | None) -> AsyncIterator["SigningIn | None"]:
        """Prepare it; the provider is asked when somebody signs in. Raises SettingsError for a bad secret's file."""
        if settings is None:
            yield None
            return
        try:
            provider = IdentityProvider(settings)
        except ValueError as error:
            raise SettingsError(str(error)) from error
        try:
            yield cls(settings, provider)
        finally:
            await provider.close()

    async def finish(self, wiring: Wiring, code: str, pending: PendingSignIn, former_secret: str | None) -> "SignedIn":
        """Change a code for a new session; one that the browser had before ends. Raises SignInFailed."""
        claims = await self.provider.redeem(code, pending)
        person = await _person(wiring, claimed(claims, pending.kind))
        async with wiring.engine.pool.connection() as connection, unit_of_work(connection):
            if former_secret is not None:
                await end_session(connection, secret_digest(former_secret))
            return SignedIn(await begin_session(connection, person), person)


class SignedIn:
    """A session that has just begun: the secret for its cookie, and whose it is."""

    __slots__ = ("person", "secret")

    def __init__(self, secret: str, person: SessionPerson) -> None:
        self.secret = secret
        self.person = person


async def _person(wiring: Wiring, claim: Claimed) -> SessionPerson:
    if claim.member is not None:
        if await wiring.engine.intake.find_member(LEDGER_ITSELF, claim.member) is None:
            raise SignInFailed("no-member", "no member has the id in the token")
        return SessionPerson(kind="citizen", person=claim.member)
    if claim.partner is not None:
        partner = (await wiring.fresh_registry()).partner_coded(claim.partner)
        if partner is None:
            raise SignInFailed("no-partner", "no partner has the code in the token")
        return SessionPerson(kind="merchant", person=claim.subject, partner=partner.number)
    return SessionPerson(kind="staff", person=claim.subject, roles=claim.roles)
