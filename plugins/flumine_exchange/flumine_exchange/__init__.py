"""A local exchange that speaks Betfair's real protocols over TLS on the loopback interface."""
