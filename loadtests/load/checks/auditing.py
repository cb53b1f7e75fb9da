"""Check: the ledger's own auditor finds nothing."""

from collections.abc import Iterator

from loadtests.load.checks.evidence import Evidence


def audit_clean(evidence: Evidence) -> Iterator[str]:
    """What ``citypoints audit`` found."""
    if evidence.audit.code != 0:
        yield f"citypoints audit ended with {evidence.audit.code}: {evidence.audit.output}"
