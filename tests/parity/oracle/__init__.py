"""What runs in the process of either framework: one set of strategies, one runner, plain data in and out.

Nothing here imports a framework but `shim`, so that the same files serve flumine and flumine_core.
"""
