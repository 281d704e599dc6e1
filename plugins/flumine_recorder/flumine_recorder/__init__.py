"""Records stream data, one file a market, as the exchange sent it."""
