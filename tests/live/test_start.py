"""A live end that cannot start whole does not start."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flumine_core import Settings
from flumine_core.errors import SettingsError
from flumine_core.live import plugin
from flumine_core.live.journal import Journal

from .conftest import PATIENCE
from .rig import WAITS, Rig, client_of

NEVER_NONE = [
    "connect_timeout",
    "read_timeout",
    "look_interval",
    "look_interval_max",
    "login_backoff",
    "login_backoff_max",
    "context_interval",
]


@pytest.mark.parametrize("name", NEVER_NONE)
def test_a_wait_that_cannot_be_nothing_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} must be a number > 0, was 0"):
        Settings(**{name: 0})


@pytest.fixture
def broken_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_workers(*arguments: Any) -> Any:
        raise SettingsError("interval must be seconds > 0, was 0")

    monkeypatch.setattr(plugin, "default_workers", no_workers)


def test_no_stream_opens_where_the_live_end_could_not_start(
    broken_start: None, exchange: Any, make_rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []
    monkeypatch.setattr("flumine_core.session.Flumine._pump", lambda self, stream: opened.append(stream))
    rig = make_rig(is_ready=False)
    rig.thread.join(PATIENCE)
    assert isinstance(rig.error, SettingsError), rig.error
    assert "interval must be seconds > 0, was 0" in str(rig.error)
    assert not opened
    assert not any(worker.is_alive() for worker in rig.framework._workers)
    path = rig.framework.settings.journal
    Journal(Path(path), "NORMAL", rig.framework.clock, print).end()  # nobody holds it any more
    assert exchange.ledger.logins == 1


def test_a_stream_of_ones_own_does_not_open_either(
    broken_start: None, exchange: Any, plugins: Any, tmp_path: Path
) -> None:
    opened: list[Any] = []

    class Own:
        stream_id = 7

        def __iter__(self) -> Iterator[Any]:
            opened.append(self)
            return iter(())

        def stop(self) -> None: ...

    settings = Settings(**{**WAITS, "journal": str(tmp_path / "journal.sqlite")})
    rig = Rig(exchange, client_of(exchange, order_stream=False), settings, plugins(), market_filter=None)
    rig.framework.add_stream(Own())
    with pytest.raises(SettingsError, match="interval must be seconds"):
        rig.framework.run()
    assert not opened
