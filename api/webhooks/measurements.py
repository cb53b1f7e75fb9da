"""What is measured of deliveries, for Prometheus."""

from prometheus_client import Counter, Gauge

ATTEMPTS = Counter(
    "citypoints_webhook_attempts_total",
    "Attempts to deliver an event, by how they ended: delivered or the reason of the failure",
    ["outcome"],
)
DEAD = Counter("citypoints_webhook_dead_total", "Deliveries given up")
BACKLOG = Gauge(
    "citypoints_webhook_backlog_deliveries",
    "Deliveries that wait, of all webhooks",
    multiprocess_mode="mostrecent",
)
