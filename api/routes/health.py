"""For those who run the service: is it alive, is it ready, how is it doing."""

from functools import cache

import msgspec
from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.openapi.datastructures import ResponseSpec
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client import REGISTRY as OWN_PROCESS
from prometheus_client.multiprocess import MultiProcessCollector

from api.posting_answers import JSON
from api.routes.declarations import answers
from api.wiring import wiring_of
from ledger.errors import DatabaseUnavailable
from ledger.store.ledger_row import read_revision
from ledger.store.readiness import head_revision, partitions_ahead

_encode = msgspec.json.Encoder().encode
_wanted_revision = cache(head_revision)
_AnyRequest = Request[object, object, State]


class Health(msgspec.Struct, frozen=True):
    """What is said to a probe."""

    status: str


@get(
    "/healthz",
    operation_id="getHealth",
    summary="Is the process alive?",
    tags=["Operation"],
    responses=answers(200, Health, "It is."),
    sync_to_thread=False,
)
def get_health() -> Response[bytes]:
    """Answer as long as the process serves; the database is not asked."""
    return Response(_encode(Health("alive")), media_type=JSON)


@get(
    "/readyz",
    operation_id="getReadiness",
    summary="Is the service ready?",
    tags=["Operation"],
    responses=answers(200, Health, "It is.", "database-unavailable"),
)
async def get_readiness(request: _AnyRequest) -> Response[bytes]:
    """Ready when the database answers, is migrated for this release, and has room ahead in its partitions."""
    async with wiring_of(request).engine.pool.connection() as connection:
        revision = await read_revision(connection)
        ahead = await partitions_ahead(connection)
    wanted = _wanted_revision()
    if revision != wanted:
        raise DatabaseUnavailable(f"The database is at migration {revision}; this release wants {wanted}.")
    if ahead < 1:
        raise DatabaseUnavailable("The journal's partitions are nearly full: run `citypoints migrate`.")
    return Response(_encode(Health("ready")), media_type=JSON)


@get(
    "/metrics",
    operation_id="getMetrics",
    summary="Metrics for Prometheus",
    tags=["Operation"],
    responses={200: ResponseSpec(str, generate_examples=False, media_type="text/plain", description="Metrics.")},
    media_type="text/plain",
    sync_to_thread=True,
)
def get_metrics(request: _AnyRequest) -> Response[bytes]:
    """Posting latency, batch sizes, queue depth, refusals by code, replays; of all processes together."""
    registry = OWN_PROCESS
    if request.app.state.metrics_directory is not None:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(request.app.state.metrics_directory))  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


health_routes = [get_health, get_readiness, get_metrics]
