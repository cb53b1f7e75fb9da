"""What the ledger should do, in plain Python and as simply as it can be said; it shares no code with the ledger.

One command after the other, lists of lots, holds and debts, and nothing derived: whatever is asked is added up
anew. What time has ended is written off by the next posted command on the account, as the ledger says.
"""
