"""An identity provider for tests: OpenID Connect over real HTTP with real signatures, and any lie a test asks for."""

import hashlib
import json
import threading
import time
from base64 import b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID = "city points"
CLIENT_SECRET = "s:e/c ret"


@dataclass
class CityProvider:
    """Knows what each code is worth; a context manager."""

    server: ThreadingHTTPServer = field(init=False)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "first"}))
    signing_key: RSAKey | None = None
    """Signs instead of ``key`` where it is set: nobody was told of it."""

    algorithm: str = "RS256"
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """The paths of requests that came in."""

    def __post_init__(self) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/realm"

    def sign_in(self, address: str, **claims: Any) -> str:
        """What the provider does when somebody has signed in at the address the browser was sent to.

        Returns the code that it sends back. A claim that is None is left out.
        """
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        code = uuid4().hex
        now = int(time.time())
        usual = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": "somebody",
            "iat": now,
            "exp": now + 300,
            "nonce": query["nonce"],
            "name": "Wang Fang",
            "email": "wang.fang@city.example",
        }
        self.codes[code] = {
            "claims": {name: value for name, value in {**usual, **claims}.items() if value is not None},
            "challenge": query["code_challenge"],
            "redirect_uri": query["redirect_uri"],
        }
        return code

    def discovery(self) -> dict[str, Any]:
        """What it says of itself."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }

    def token_for(self, form: dict[str, str], authorization: str | None) -> str | None:
        """The token for a code, once, to the client that began; None for anybody else."""
        if not _is_client(authorization):
            return None
        known = self.codes.pop(form.get("code", ""), None)
        if known is None or known["redirect_uri"] != form.get("redirect_uri"):
            return None
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if urlsafe_b64encode(digest).rstrip(b"=").decode() != known["challenge"]:
            return None
        if self.algorithm == "none":
            parts = [json.dumps(part).encode() for part in ({"alg": "none"}, known["claims"])]
            return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."
        signing_key = self.signing_key or self.key
        return jwt.encode({"alg": self.algorithm, "kid": signing_key.kid}, known["claims"], signing_key)


def _is_client(authorization: str | None) -> bool:
    scheme, _, rest = (authorization or "").partition(" ")
    if scheme != "Basic":
        return False
    name, _, secret = b64decode(rest).decode().partition(":")
    return (unquote(name), unquote(secret)) == (CLIENT_ID, CLIENT_SECRET)


def _handler(provider: CityProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.removeprefix("/realm")
            provider.asked.append(path)
            if path == "/.well-known/openid-configuration":
                self._answer(200, provider.discovery())
            elif path == "/keys":
                self._answer(200, {"keys": [provider.key.as_dict(private=False)]})
            else:
                self._answer(404, {})

        def do_POST(self) -> None:
            provider.asked.append(self.path.removeprefix("/realm"))
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            token = provider.token_for(form, self.headers.get("Authorization"))
            if token is None:
                self._answer(400, {"error": "invalid_grant"})
            else:
                self._answer(200, {"id_token": token, "token_type": "Bearer", "access_token": "unused"})

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _answer(self, status: int, document: object) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler
