"""How to record: checked values."""

from os.path import expanduser

import attrs

from flumine_core.errors import SettingsError

from .pack import FORMATS

LONGEST_FLUSH = 1.0
"""Seconds: what a killed process may lose at most."""


def _at_home(directory: str) -> str:
    return expanduser(directory)  # noqa: PTH111 (that of Path raises where there is no such user)


@attrs.frozen
class Options:
    """How to record.

    :ivar directory: of this machine, for open files and for those that are not stored yet; `~` is the user's home.
    :ivar store: directory or URL for closed files; None is `closed` in `directory`.
    :ivar compression: of closed files: zst, gz, bz2 or plain.
    :ivar flush_seconds: how long lines are kept in memory, 1 at most.
    :ivar linger_seconds: how long after its closing a market may open again before its file is closed.
    :ivar idle_hours: a market that no stream of this run brings is taken for gone once nothing was heard for so long.
    :ivar memory_mb: lines kept in memory while the disk takes none, in megabytes.
    :ivar retry_seconds: longest pause between two tries to reach the store.
    :ivar stop_seconds: how long the end of a run waits for the store.
    :raises SettingsError: on a value out of range.
    """

    directory: str = attrs.field(converter=_at_home)
    store: str | None = None
    compression: str = "zst"
    flush_seconds: float = 0.5
    linger_seconds: float = 3600.0
    idle_hours: float = 24.0
    memory_mb: float = 256.0
    retry_seconds: float = 60.0
    stop_seconds: float = 5.0

    def __attrs_post_init__(self) -> None:
        if not self.directory:
            raise SettingsError("directory must be a path, was empty")
        if self.compression not in FORMATS:
            raise SettingsError(f"compression must be one of {', '.join(FORMATS)}, was {self.compression!r}")
        if not 0 < self.flush_seconds <= LONGEST_FLUSH:
            raise SettingsError(f"flush_seconds must be above 0 and at most 1, was {self.flush_seconds!r}")
        for name in ("linger_seconds", "stop_seconds"):
            if not getattr(self, name) >= 0:
                raise SettingsError(f"{name} must be 0 or more, was {getattr(self, name)!r}")
        for name in ("idle_hours", "memory_mb", "retry_seconds"):
            if not getattr(self, name) > 0:
                raise SettingsError(f"{name} must be above 0, was {getattr(self, name)!r}")
