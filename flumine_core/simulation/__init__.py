"""The simulated end: recorded lines in, matching engine out."""
