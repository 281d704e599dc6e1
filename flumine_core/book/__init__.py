"""One market's prices: definition, runners, the market book snapshot, and the one cache that applies changes."""
