"""Benchmarks: of simulation (`python -m tests.bench`) and of live trading (`python -m tests.bench.load`)."""
