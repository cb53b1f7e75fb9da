"""The auditor: rebuilds everything from the journal alone, compares, and names every difference.

It shares with the poster only the journal's canonical form, the chart of accounts and the civil calendar.
What postings mean, and what each kind of transaction must look like, it works out by itself.
"""

from ledger.audit.auditor import Check, audit
from ledger.audit.report import AuditReport, Difference, Findings

__all__ = ["AuditReport", "Check", "Difference", "Findings", "audit"]
