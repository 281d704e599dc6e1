"""The kit for plugin authors: markets in a line, simulations in a call, and checks that a plugin keeps the contract."""
