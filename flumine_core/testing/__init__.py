"""The kit for those who write plugins."""
