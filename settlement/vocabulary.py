"""The words of settlement that tables, rules and doors share."""

BATCH_STATES = (
    "draft",
    "submitted",
    "approved",
    "instructed",
    "partly_confirmed",
    "confirmed",
    "closed",
    "cancelled",
)
UNAPPROVED = frozenset({"draft", "submitted"})

OPERATIONS = ("terms", "adjustment", "reserve", "account", "limit", "period", "exchange-rate")
"""What two persons change: proposed by one, approved by another."""

PROPOSAL_STATES = ("waiting", "approved", "rejected", "withdrawn")

PAYMENT_STATES = ("planned", "instructed", "accepted", "confirmed", "rejected", "returned")
FAILED_PAYMENTS = frozenset({"rejected", "returned"})

DISPUTE_STATES = ("open", "for-acceptor", "against-acceptor")

NOTICE_STATES = ("open", "paid")

CLERK = "finance-clerk"
APPROVER = "finance-approver"
MANAGER = "manager"
