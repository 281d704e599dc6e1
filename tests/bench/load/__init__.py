"""Live trading under load, on the local exchange."""
