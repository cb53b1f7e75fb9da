"""One attempt to deliver: signed by Standard Webhooks, sent to a checked address, and judged by its status."""

import asyncio
import logging
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus

import httpx
import msgspec
from standardwebhooks import Webhook as Signer

from api.events import EVENT_MEDIA_TYPE
from api.webhooks.allowed_targets import AllowedTargets
from api.webhooks.targets import Target, TargetRefused, bracketed, find_target
from ledger.store.webhook_queue import Failure

CONNECT_LIMIT_SECONDS = 4.0
MOST_ADDRESSES = 3
MOST_BODY_BYTES = 4096
USER_AGENT = "citypoints-webhooks"

# The client would log whole addresses, which may hold a receiver's secrets.
logging.getLogger("httpx").setLevel(logging.WARNING)


class Message(msgspec.Struct, frozen=True):
    """What to send where: ``secrets`` are those that sign, the newest first."""

    url: str
    event: str
    body: bytes
    secrets: tuple[str, ...]


class Attempt(msgspec.Struct, frozen=True):
    """How an attempt ended: delivered where there is no failure."""

    status: int | None
    failure: Failure | None

    @property
    def is_gone(self) -> bool:
        """Whether the receiver says that it wants nothing any more."""
        return self.status == HTTPStatus.GONE


class Sender:
    """Sends messages; many at once."""

    def __init__(self, allowed: AllowedTargets, attempt_seconds: float, trust: ssl.SSLContext | None = None) -> None:
        self._allowed = allowed
        self._attempt_seconds = attempt_seconds
        self._client = httpx.AsyncClient(
            verify=trust or _public_trust(),
            # A proxy from the environment would connect to where it likes.
            trust_env=False,
            follow_redirects=False,
            # Connections are made for a name and to an address: one left open would be used for other names, too.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            timeout=httpx.Timeout(attempt_seconds, connect=CONNECT_LIMIT_SECONDS),
        )

    async def close(self) -> None:
        """Close what is open."""
        await self._client.aclose()

    async def send(self, message: Message) -> Attempt:
        """Make one attempt; whatever the receiver does, it ends in time and is told as an Attempt."""
        try:
            async with asyncio.timeout(self._attempt_seconds):
                target = await find_target(message.url, self._allowed)
                status = await self._post(target, message)
        except (TargetRefused, httpx.InvalidURL):
            return Attempt(None, "target-refused")
        except (TimeoutError, httpx.TimeoutException):
            return Attempt(None, "timeout")
        except httpx.TransportError as error:
            return Attempt(None, "tls" if _is_about_trust(error) else "connection")
        return Attempt(status, _failure_of(status))

    async def _post(self, target: Target, message: Message) -> int:
        addresses = target.addresses[:MOST_ADDRESSES]
        for address in addresses[:-1]:
            try:
                return await self._post_to(address, target, message)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                if _is_about_trust(error):
                    raise
        return await self._post_to(addresses[-1], target, message)

    async def _post_to(self, address: str, target: Target, message: Message) -> int:
        request = self._client.build_request(
            "POST",
            f"{target.scheme}://{bracketed(address)}:{target.port}{target.path}",
            content=message.body,
            headers={
                "Host": target.authority,
                "Content-Type": EVENT_MEDIA_TYPE,
                "User-Agent": USER_AGENT,
                **_signed(message),
            },
            extensions={"sni_hostname": target.host},
        )
        response = await self._client.send(request, stream=True)
        try:
            await _read_a_little(response)
        finally:
            await response.aclose()
        return response.status_code


def _signed(message: Message) -> dict[str, str]:
    """The headers of Standard Webhooks, with a signature by each secret."""
    now = datetime.now(UTC)
    return {
        "webhook-id": message.event,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(_signatures(message, now)),
    }


def _signatures(message: Message, now: datetime) -> Sequence[str]:
    text = message.body.decode()
    return [Signer(secret).sign(message.event, now, text) for secret in message.secrets]


async def _read_a_little(response: httpx.Response) -> None:
    """Let a receiver finish its answer, which nobody wants, as long as it is short."""
    read_bytes = 0
    async for chunk in response.aiter_raw():
        read_bytes += len(chunk)
        if read_bytes > MOST_BODY_BYTES:
            return


def _failure_of(status: int) -> Failure | None:
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    return "redirect" if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST else "status"


def _is_about_trust(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    return cause is not None


def _public_trust() -> ssl.SSLContext:
    """Trust what the machine trusts, and the usual authorities where it names none."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context
