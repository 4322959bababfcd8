"""What becomes of verdicts: reports and exit codes, as pure functions over plain data."""
