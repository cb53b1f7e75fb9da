"""What becomes of each kind of command: one file per subject, each function pure."""
