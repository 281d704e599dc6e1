"""A logging control that writes what a run of flumine_core does as CSV files, one file a kind."""
