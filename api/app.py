"""``create_app``: the only wiring of the HTTP service, for each of its processes.

    granian --interface asgi --factory api.app:create_app

A process starts only over a ledger that it may safely post to; otherwise it says why in one line and
ends with exit code 1.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from typing import Any

import structlog
from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ControllerRouterHandler

from api.logs import configure_logs
from api.pages import Site, page_routes, signed_in_routes, static_router
from api.pages.page_errors import UNROUTED_HANDLERS
from api.problems import EXCEPTION_HANDLERS
from api.request_frame import RequestFrame
from api.requests import CityRequest
from api.routes.appeals import appeal_routes
from api.routes.bulk import bulk_routes
from api.routes.campaigns import campaign_routes
from api.routes.caps import cap_routes
from api.routes.consents import consent_routes
from api.routes.contracts import contract_routes
from api.routes.corrections import correction_routes
from api.routes.declarations import BODY_LIMIT_BYTES
from api.routes.deliveries import delivery_routes
from api.routes.disputes import dispute_routes
from api.routes.events import event_routes
from api.routes.exchanges import exchange_routes
from api.routes.gifts import gift_routes
from api.routes.health import health_routes
from api.routes.holds import hold_routes
from api.routes.imports import import_routes
from api.routes.keys import key_routes
from api.routes.member_codes import member_code_routes
from api.routes.member_life import member_life_routes
from api.routes.members import member_routes
from api.routes.partners import partner_routes
from api.routes.payments import payment_routes
from api.routes.personal_data import personal_data_routes
from api.routes.points import points_routes
from api.routes.postings import posting_routes
from api.routes.programmes import programme_routes
from api.routes.quotes import quote_routes
from api.routes.reports import report_routes
from api.routes.sandbox import sandbox_routes
from api.routes.seals import seal_routes
from api.routes.settlement import settlement_routes
from api.routes.transactions import transaction_routes
from api.routes.webhooks import webhook_routes
from api.settings import Settings, SettingsError
from api.signing_in.signing_in import SigningIn
from api.wiring import Wiring
from ledger.errors import DatabaseUnavailable, LedgerError

STARTUP_FAILED = 1
# `citypoints serve` has seen the database before it starts a process, so it is being restarted. A process that
# ended at once, twice, would have the server give up for good; one that ends after this long is started again.
DATABASE_PATIENCE_SECONDS = 15.0
DATABASE_PAUSE_SECONDS = 0.5

_log = structlog.get_logger(__name__)

ROUTES: list[ControllerRouterHandler] = [
    *posting_routes,
    *hold_routes,
    *exchange_routes,
    *gift_routes,
    *bulk_routes,
    *quote_routes,
    *transaction_routes,
    *seal_routes,
    *event_routes,
    *webhook_routes,
    *delivery_routes,
    *member_code_routes,
    *member_routes,
    *member_life_routes,
    *correction_routes,
    *cap_routes,
    *contract_routes,
    *settlement_routes,
    *report_routes,
    *payment_routes,
    *dispute_routes,
    *campaign_routes,
    *points_routes,
    *consent_routes,
    *appeal_routes,
    *personal_data_routes,
    *programme_routes,
    *partner_routes,
    *key_routes,
    *import_routes,
    *sandbox_routes,
    *health_routes,
    *page_routes,
    *signed_in_routes,
    static_router,
]

TITLE = "City Points Ledger"
DESCRIPTION = """\
The double-entry ledger behind a city's points. Every POST that changes something carries an `Idempotency-Key`:
repeated with the same key and request it takes effect once and is answered the same, with
`Idempotency-Replayed: true`. Every problem is `application/problem+json` with a stable `code`; each code has a
page under `/problems`."""


def create_app(settings: Settings | None = None) -> Litestar:
    """Build the application; what it needs is opened when it starts.

    Without settings they are read from the environment, and one that cannot be used ends the process.
    """
    settings = settings or _settings_or_end()
    configure_logs(settings.log_level)
    app = Application(
        route_handlers=[*ROUTES, *_demo_routes(settings)],
        request_class=CityRequest,
        exception_handlers={**EXCEPTION_HANDLERS, **UNROUTED_HANDLERS},
        request_max_body_size=BODY_LIMIT_BYTES,
        lifespan=[_opened(settings)],
        openapi_config=_openapi(),
        logging_config=None,
        debug=False,
    )
    app.state.metrics_directory = settings.metrics_directory
    app.state.backup_directory = settings.backup_directory
    app.asgi_handler = RequestFrame(app.asgi_handler, logs_all=settings.log_level == "debug")
    return app


class Application(Litestar):
    """Litestar, but a failed start is told in one line instead of a traceback."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI as Litestar types it
        """Serve a connection, or the life of the process."""
        if scope["type"] != "lifespan":
            await super().__call__(scope, receive, send)
            return

        async def send_shortly(message: Any) -> None:  # noqa: ANN401 - ASGI as Litestar types it
            if message["type"] == "lifespan.startup.failed" and self.state.get("refusal"):
                message["message"] = self.state.refusal
            await send(message)

        try:
            await super().__call__(scope, receive, send_shortly)
        except Exception:
            # What the server was told, it logs and ends with; raised again, it would add the traceback.
            if not self.state.get("refusal"):
                raise


def _opened(settings: Settings) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def opened(app: Litestar) -> AsyncIterator[None]:
        try:
            async with AsyncExitStack() as stack:
                wiring = await _wiring_once_reachable(stack, settings)
                signing_in = await stack.enter_async_context(SigningIn.open(settings.sign_in))
                ledger = wiring.engine.ledger
                app.state.wiring = wiring
                app.state.signing_in = signing_in
                app.state.demo_provider = _demo_provider(settings)
                app.state.data_directory = settings.data_directory
                app.state.site = Site(
                    version=version("citypoints"),
                    sandbox=ledger.is_sandbox,
                    other_ledger=settings.live_url if ledger.is_sandbox else settings.sandbox_url,
                    demo=ledger.has_demo,
                    sign_in=signing_in is not None,
                    demo_sign_in=settings.sign_in is not None and settings.sign_in.demo_secret is not None,
                )
                yield
        except (LedgerError, SettingsError) as error:
            app.state.refusal = f"The service does not start: {error}"
            raise

    return opened


async def _wiring_once_reachable(stack: AsyncExitStack, settings: Settings) -> Wiring:
    """Open what the handlers share, waiting for a database that is being restarted."""
    deadline = time.monotonic() + DATABASE_PATIENCE_SECONDS
    while True:
        try:
            return await stack.enter_async_context(Wiring.open(settings))
        except DatabaseUnavailable as error:
            if time.monotonic() > deadline:
                raise
            _log.warning("database_awaited", detail=str(error))
        await asyncio.sleep(DATABASE_PAUSE_SECONDS)


def _demo_routes(settings: Settings) -> list[ControllerRouterHandler]:
    """The demo's own identity provider, which is not even there where nobody asked for it."""
    if settings.sign_in is None or settings.sign_in.demo_secret is None:
        return []
    from api.demo.finance_steps import demo_finance_router  # noqa: PLC0415 - only the demo needs it
    from api.demo.identity_provider import demo_sign_in_router  # noqa: PLC0415 - only the demo needs it

    return [demo_sign_in_router, demo_finance_router]


def _demo_provider(settings: Settings) -> object:
    if settings.sign_in is None or settings.sign_in.demo_secret is None:
        return None
    from api.demo.identity_provider import DemoProvider  # noqa: PLC0415 - only the demo needs it

    return DemoProvider(settings.sign_in)


def _settings_or_end() -> Settings:
    try:
        return Settings.from_environment()
    except SettingsError as error:
        sys.stderr.write(f"The service does not start: {error}\n")
        raise SystemExit(STARTUP_FAILED) from None


def _openapi() -> OpenAPIConfig:
    return OpenAPIConfig(
        title=TITLE,
        version=version("citypoints"),
        description=DESCRIPTION,
        use_handler_docstrings=True,
        path="/schema",
        render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        components=Components(
            security_schemes={
                "key": SecurityScheme(
                    type="http",
                    scheme="bearer",
                    description="An API key (`cpk_…`) of a partner or staff person, or a member's token (`cpm_…`).",
                )
            }
        ),
        security=[{"key": []}],
    )
