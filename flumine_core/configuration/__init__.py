"""The file flumine.toml: read, checked, shown, turned into a run."""
