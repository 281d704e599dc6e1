"""How many files the process may have open: as many as are merged, where the system lets it ask for that."""

from contextlib import suppress

try:
    import resource
except ImportError:  # Windows, whose limit is far above
    resource = None  # type: ignore[assignment]

_BESIDES = 256
"""Files that the process may need besides."""


def allow_open_files(count: int) -> None:
    """Raise the process's own limit, up to what the system sets, so that `count` files may be open at a time."""
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + _BESIDES
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    with suppress(OSError, ValueError):  # the files that cannot be opened are named one by one
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
