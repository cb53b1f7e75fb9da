"""The lively ledger of the audit's tests, to be settled."""

from tests.audit.conftest import lively, lively_template

__all__ = ["lively", "lively_template"]
