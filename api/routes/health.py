"""For those who run the service: is it alive, is it ready, how is it doing."""

import msgspec
from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.openapi.datastructures import ResponseSpec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.measurements_read import registry_of
from api.posting_answers import JSON
from api.routes.declarations import answers
from api.wiring import wiring_of
from ledger.errors import DatabaseUnavailable
from ledger.store.ledger_row import read_revision
from ledger.store.readiness import partitions_ahead, wanted_revision

_encode = msgspec.json.Encoder().encode
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
    wanted = wanted_revision()
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
    registry = registry_of(request.app.state.metrics_directory)
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


health_routes = [get_health, get_readiness, get_metrics]
