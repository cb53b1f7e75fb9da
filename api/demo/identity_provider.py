"""The demo's own identity provider: OpenID Connect as a real one speaks it, but whoever asks chooses who to be.

It is there only where ``serve --demo`` has made its secret, and answers only this machine, asked by its own
address and through no proxy. All processes of the service share the secret, so each can finish what another began;
that a code is used once is remembered by the process that took it, and the code lasts a minute.
"""

import hashlib
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey
from litestar import Response, Router, get, post
from litestar.exceptions import NotFoundException
from litestar.response import Redirect

from api.access import AnyRequest
from api.demo.demo_texts import DEMO
from api.demo.people import DemoPerson, demo_people
from api.pages.frame import framed, see_other
from api.pages.page_errors import PAGE_EXCEPTION_HANDLERS
from api.requests import CityRequest
from api.signing_in.forms import read_form
from api.signing_in.identity_provider import CALLBACK
from api.signing_in.settings import DEMO_CLIENT, DEMO_PATH, SignInSettings, is_loopback
from api.wiring import wiring_of

CODE_SECONDS = 60
TOKEN_SECONDS = 300
KEY_ID = "demo"
CURVE_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The order of the group of P-256 (SEC 2, 2.4.2): private keys are below it."""

_KEPT_FIELDS = ("client_id", "redirect_uri", "state", "nonce", "code_challenge")
_PROXIED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "via")


class DemoProvider:
    """Signs codes and tokens with keys made from the demo's secret."""

    def __init__(self, settings: SignInSettings) -> None:
        secret = settings.demo_secret or b""
        self.issuer = settings.issuer
        self.redirect_uri = settings.public_url + CALLBACK
        self.public_url = settings.public_url
        self._codes = OctKey.import_key(hashlib.sha256(b"codes" + secret).digest())
        self._tokens = _signing_key(hashlib.sha256(b"tokens" + secret).digest())
        self._used: dict[str, float] = {}

    def key_set(self) -> dict[str, object]:
        """What tokens are checked with."""
        return {"keys": [self._tokens.as_dict(private=False, kid=KEY_ID, use="sig", alg="ES256")]}

    def make_code(self, person: DemoPerson, nonce: str, challenge: str) -> str:
        """A code for a person who was chosen, good for a minute."""
        claims = {
            "jti": secrets.token_urlsafe(16),
            "exp": int(time.time()) + CODE_SECONDS,
            "person": {"sub": person.subject, **person.claims},
            "nonce": nonce,
            "challenge": challenge,
        }
        return jwt.encode({"alg": "HS256"}, claims, self._codes)

    def redeem(self, code: str, verifier: str) -> str | None:
        """The token for a code, once, to whom began with this verifier; None for anything else."""
        try:
            claims = jwt.decode(code, self._codes, algorithms=["HS256"]).claims
        except (JoseError, ValueError):
            return None
        now = time.time()
        self._used = {jti: until for jti, until in self._used.items() if until > now}
        challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        if claims["exp"] <= now or claims["jti"] in self._used or claims["challenge"] != challenge:
            return None
        self._used[claims["jti"]] = claims["exp"]
        token = {
            "iss": self.issuer,
            "aud": DEMO_CLIENT,
            "iat": int(now),
            "exp": int(now) + TOKEN_SECONDS,
            "nonce": claims["nonce"],
            **claims["person"],
        }
        return jwt.encode({"alg": "ES256", "kid": KEY_ID}, token, self._tokens)


def _signing_key(digest: bytes) -> ECKey:
    number = int.from_bytes(digest, "big") % (CURVE_ORDER - 1) + 1
    private = ec.derive_private_key(number, ec.SECP256R1())
    return ECKey.import_key(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


async def for_this_machine(request: AnyRequest) -> None:
    """Let only this machine pass, by the service's own address; for others there is nothing here."""
    client = request.scope.get("client")
    own_host = _provider(request).public_url.partition("://")[2]
    is_proxied = any(name in request.headers for name in _PROXIED)
    if client is None or not is_loopback(client[0]) or is_proxied or request.headers.get("host") != own_host:
        raise NotFoundException("There is no such page.")


@get("/.well-known/openid-configuration", include_in_schema=False)
async def discovery(request: CityRequest) -> dict[str, object]:
    """What the provider says of itself (OpenID Connect Discovery 1.0)."""
    issuer = _provider(request).issuer
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/keys",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "authorization_response_iss_parameter_supported": True,
    }


@get("/keys", include_in_schema=False)
async def key_set(request: CityRequest) -> dict[str, object]:
    """The keys that tokens are checked with."""
    return _provider(request).key_set()


@get("/authorize", include_in_schema=False)
async def choose_person(request: CityRequest) -> Response[str]:
    """Ask who to be."""
    asked = {name: str(request.query_params.get(name, "")) for name in _KEPT_FIELDS}
    is_ours = _is_ours(request, asked) and request.query_params.get("code_challenge_method") == "S256"
    return framed(
        request,
        "demo/choose.html",
        DEMO,
        status_code=HTTPStatus.OK if is_ours else HTTPStatus.BAD_REQUEST,
        people=await demo_people(wiring_of(request)) if is_ours else (),
        fields=asked,
        is_ours=is_ours,
        back="/sign-in",
    )


@post("/authorize", include_in_schema=False)
async def authorize(request: CityRequest) -> Redirect:
    """Send the browser back with a code for the person it chose."""
    fields = await read_form(request)
    people = {person.subject: person for person in await demo_people(wiring_of(request))}
    person = people.get(fields.get("person", ""))
    if person is None or not _is_ours(request, fields):
        raise NotFoundException("There is no such person in the demo.")
    provider = _provider(request)
    code = provider.make_code(person, fields["nonce"], fields["code_challenge"])
    query = urlencode({"code": code, "state": fields["state"], "iss": provider.issuer})
    return see_other(f"{provider.redirect_uri}?{query}")


@post("/token", include_in_schema=False, status_code=HTTPStatus.OK)
async def token(request: CityRequest) -> Response[dict[str, object]]:
    """Change a code for a token (RFC 6749, 4.1.3)."""
    fields = await read_form(request)
    provider = _provider(request)
    is_ours = (
        fields.get("grant_type") == "authorization_code"
        and fields.get("client_id") == DEMO_CLIENT
        and fields.get("redirect_uri") == provider.redirect_uri
    )
    made = provider.redeem(fields.get("code", ""), fields.get("code_verifier", "")) if is_ours else None
    headers = {"Cache-Control": "no-store"}
    if made is None:
        return Response({"error": "invalid_grant"}, status_code=HTTPStatus.BAD_REQUEST, headers=headers)
    body: dict[str, object] = {"id_token": made, "token_type": "Bearer", "access_token": secrets.token_urlsafe(16)}
    return Response(body, status_code=HTTPStatus.OK, headers=headers)


def _is_ours(request: CityRequest, fields: Mapping[str, str]) -> bool:
    if any(not fields.get(name) for name in _KEPT_FIELDS):
        return False
    return fields["client_id"] == DEMO_CLIENT and fields["redirect_uri"] == _provider(request).redirect_uri


def _provider(request: AnyRequest) -> DemoProvider:
    found: DemoProvider = request.app.state.demo_provider
    return found


demo_sign_in_router = Router(
    DEMO_PATH,
    route_handlers=[discovery, key_set, choose_person, authorize, token],
    before_request=for_this_machine,
    exception_handlers=PAGE_EXCEPTION_HANDLERS,
)
