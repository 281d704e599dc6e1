"""The live end: Betfair's streams and its betting API, the journal, and what becomes of outcomes nobody has told us."""
