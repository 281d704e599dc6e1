"""What a plugin implements or describes: hook specifications, base classes, ports."""
