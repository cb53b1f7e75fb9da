"""Settlement: closes days, computes who owes whom, posts it once, and follows the money."""
