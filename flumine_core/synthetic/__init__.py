"""Markets that never were: seeded stream lines for the demo and for tests."""
