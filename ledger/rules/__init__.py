"""The rules of the ledger: values in, values or refusals out. No SQL, web, clock or randomness."""
