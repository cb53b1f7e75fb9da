"""Reading for screens and answers: transactions, balances, statements, lots. Nothing here waits for a lane."""
