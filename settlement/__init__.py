"""Settlement: what the points of closed days come to in money, who pays whom, and that it is paid once."""
