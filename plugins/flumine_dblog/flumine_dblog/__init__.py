"""A logging control that writes runs, orders and results into a database."""
