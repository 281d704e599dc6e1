"""Our record of an order, from the kinds it can be to what an execution reports of it."""
