"""What stands between a strategy and an execution: validation, exposure, limits, transactions."""
