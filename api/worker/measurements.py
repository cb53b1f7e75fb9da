"""What the worker measures beside deliveries, for Prometheus."""

from prometheus_client import Gauge

STORING_FAILS = Gauge(
    "citypoints_wal_archive_failing",
    "1 while the database cannot store its log in the backup folder: what it cannot store, a lost disk loses",
    multiprocess_mode="mostrecent",
)
