"""The identity provider: where to send somebody, and what the code that comes back is worth.

OpenID Connect Core 1.0, authorization code flow, with PKCE (RFC 7636). Everything about the provider comes from
its discovery document, which must name the configured issuer letter by letter.
"""

import asyncio
import ssl
import time
from urllib.parse import quote, urlencode, urlsplit

import httpx
import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from api.signing_in.failures import SignInFailed
from api.signing_in.pending import PendingSignIn
from api.signing_in.settings import SignInSettings, is_loopback

CALLBACK = "/sign-in/callback"
DISCOVERY = "/.well-known/openid-configuration"
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures by a key pair: never none, and never by a secret that we hold as well."""

TIMEOUT_SECONDS = 5.0
REMEMBERED_SECONDS = 60 * 60
LEEWAY_SECONDS = 60
MOST_AT_ONCE = 16

_OK = 200


class _Discovered(msgspec.Struct, frozen=True):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class _Tokens(msgspec.Struct, frozen=True):
    id_token: str


class IdentityProvider:
    """Talks to the one configured identity provider; what it says of itself is remembered for an hour."""

    def __init__(self, settings: SignInSettings) -> None:
        self.issuer = settings.issuer
        self.redirect_uri = settings.public_url + CALLBACK
        self._client_id = settings.client_id
        self._secret = settings.read_client_secret()
        self._http: httpx.AsyncClient | None = None
        # Who has no account cannot have more than so many requests sent there at a time.
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)
        self._discovered: tuple[float, _Discovered] | None = None
        self._keys: tuple[float, KeySet] | None = None

    async def close(self) -> None:
        """Close the connections to it."""
        if self._http is not None:
            await self._http.aclose()

    async def authorization_address(self, pending: PendingSignIn) -> str:
        """Where the browser goes to sign in; raises SignInFailed."""
        endpoint = (await self._discover()).authorization_endpoint
        query = {
            "response_type": "code",
            "scope": "openid",
            "client_id": self._client_id,
            "redirect_uri": self.redirect_uri,
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": pending.challenge,
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(query)}"

    async def redeem(self, code: str, pending: PendingSignIn) -> dict[str, object]:
        """Change a code for the claims of a token for us, good now, and of this sign-in; raises SignInFailed."""
        discovered = await self._discover()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": pending.verifier,
        }
        auth = None
        if self._secret is None:
            form["client_id"] = self._client_id
        elif "client_secret_basic" in discovered.token_endpoint_auth_methods_supported:
            # RFC 6749, 2.3.1: both are form-encoded first.
            auth = httpx.BasicAuth(quote(self._client_id, safe=""), quote(self._secret, safe=""))
        else:
            form |= {"client_id": self._client_id, "client_secret": self._secret}
        answer = await self._send("POST", discovered.token_endpoint, data=form, auth=auth)
        if answer.status_code != _OK:
            raise SignInFailed("code-refused", f"the token endpoint answered {answer.status_code}")
        try:
            token = msgspec.json.decode(answer.content, type=_Tokens).id_token
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise SignInFailed("token-refused", "the token endpoint answered no id_token") from error
        return await self._verified(token, pending)

    async def _verified(self, token: str, pending: PendingSignIn) -> dict[str, object]:
        """The claims of a token (OpenID Connect Core 1.0, 3.1.3.7)."""
        claims = await self._signed_claims(token)
        registry = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self._client_id},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": pending.nonce},
        )
        try:
            registry.validate(claims)
        except JoseError as error:
            raise SignInFailed("token-refused", f"a claim of the token: {error}") from error
        audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if claims.get("azp", self._client_id) != self._client_id or (len(audiences) > 1 and "azp" not in claims):
            raise SignInFailed("token-refused", "the token was made out for another party")
        return claims

    async def _signed_claims(self, token: str) -> dict[str, object]:
        """The claims of a token that the provider signed; it may have new keys since they were read.

        Tokens come from the provider alone, so a stranger cannot have the keys read again and again.
        """
        were_remembered = self._keys is not None
        try:
            return _decode(token, await self._key_set())
        except (JoseError, ValueError) as error:
            if not were_remembered:
                raise SignInFailed("token-refused", f"the token's signature: {type(error).__name__}") from error
        self._keys = None
        return await self._signed_claims(token)

    async def _discover(self) -> _Discovered:
        if self._discovered is not None and time.monotonic() - self._discovered[0] < REMEMBERED_SECONDS:
            return self._discovered[1]
        answer = await self._send("GET", self.issuer.rstrip("/") + DISCOVERY)
        try:
            discovered = msgspec.json.decode(answer.content, type=_Discovered)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise SignInFailed("provider-unreachable", f"no discovery document, {answer.status_code}") from error
        if discovered.issuer != self.issuer:
            raise SignInFailed("provider-unreachable", "the discovery document is of another issuer")
        for address in (discovered.authorization_endpoint, discovered.token_endpoint, discovered.jwks_uri):
            parts = urlsplit(address)
            if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
                raise SignInFailed("provider-unreachable", "the discovery document names an address without https")
        self._discovered = (time.monotonic(), discovered)
        return discovered

    async def _key_set(self) -> KeySet:
        if self._keys is not None and time.monotonic() - self._keys[0] < REMEMBERED_SECONDS:
            return self._keys[1]
        answer = await self._send("GET", (await self._discover()).jwks_uri)
        try:
            keys = KeySet.import_key_set(msgspec.json.decode(answer.content))
        except (msgspec.MsgspecError, UnicodeDecodeError, JoseError, ValueError, KeyError, TypeError) as error:
            raise SignInFailed("provider-unreachable", f"no key set, {answer.status_code}") from error
        self._keys = (time.monotonic(), keys)
        return keys

    async def _send(
        self, method: str, address: str, data: dict[str, str] | None = None, auth: httpx.BasicAuth | None = None
    ) -> httpx.Response:
        if self._http is None:
            # The system's own certificates: a city's provider may have one of an authority of its own.
            self._http = httpx.AsyncClient(
                timeout=TIMEOUT_SECONDS, trust_env=False, verify=ssl.create_default_context(), follow_redirects=False
            )
        headers = {"Accept": "application/json"}
        try:
            async with self._turns:
                return await self._http.request(
                    method, address, data=data, headers=headers, auth=auth or httpx.USE_CLIENT_DEFAULT
                )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SignInFailed("provider-unreachable", type(error).__name__) from error


def _decode(token: str, keys: KeySet) -> dict[str, object]:
    claims: dict[str, object] = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
    return claims
