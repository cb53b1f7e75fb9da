"""What can go wrong with the embedded server."""


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL server cannot be made, started or used; the message says why and what to do."""
