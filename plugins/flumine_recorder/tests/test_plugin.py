"""The strategy and the hooks, in a framework: raw data become recordings, which simulation replays as it was."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from betfairlightweight.resources.baseresource import BaseResource
from flumine_recorder.message import parse
from flumine_recorder.plugin import RecorderStrategy

from flumine_core import BaseStrategy, Flumine, FlumineSimulation, HistoricalStream, SimulatedClient
from flumine_core.errors import SettingsError
from flumine_core.events import Event, MarketCataloguesEvent, RawDataEvent
from flumine_core.simulation.catalogues import MarketCatalogueMiddleware

Lines = Callable[..., list[bytes]]

CATALOGUE = {
    "marketId": "1.100000001",
    "marketName": "5f Hcap",
    "totalMatched": 0.0,
    "runners": [{"selectionId": 1, "runnerName": "Own Bytes", "handicap": 0.0, "sortPriority": 1, "metadata": {}}],
}


class Raw(dict[str, Any]):
    """A change with its own bytes, as live streams bring it."""

    raw: bytes


class Wire:
    """A custom stream that brings lines as raw data, a catalogue after the first."""

    def __init__(self, lines: Sequence[bytes], has_bytes: bool = True) -> None:
        self.stream_id: int | None = None
        self.lines = lines
        self.has_bytes = has_bytes

    def stop(self) -> None:
        self.lines = ()

    def __iter__(self) -> Iterator[Event]:
        from betfairlightweight.resources import MarketCatalogue

        for number, line in enumerate(self.lines):
            _, clk, publish_time, changes = parse(line)
            data: list[dict[str, Any]] = []
            for change in changes:
                made = Raw(msgspec.json.decode(change))
                if self.has_bytes:
                    made.raw = change
                data.append(made)
            yield RawDataEvent(self.stream_id or 0, clk, publish_time, data)
            if not number:
                yield MarketCataloguesEvent([MarketCatalogue(**CATALOGUE)])


def record(folder: Path, *wires: Any, **options: Any) -> tuple[Flumine, RecorderStrategy]:
    framework = Flumine(SimulatedClient())
    strategy = RecorderStrategy(str(folder), streams=list(wires), compression="plain", **options)
    framework.add_strategy(strategy)
    framework.run()
    return framework, strategy


def test_raw_data_of_its_streams_are_recorded_byte_by_byte(tmp_path: Path, lines_of: Lines) -> None:
    lines = [line.replace(b'"img"', b'"odd" : 1.00 , "img"') for line in lines_of()]
    framework, strategy = record(tmp_path, Wire(lines), Wire(lines_of(market_id="1.100000002")))
    closed = tmp_path / "closed/market/2024/06/01/30000001"
    assert (closed / "1.100000001").read_bytes() == b"".join(lines)
    assert (closed / "1.100000002").read_bytes() == b"".join(lines_of(market_id="1.100000002"))
    assert framework.faults.total == 0 and strategy.recorder.problems == [] and strategy.lag_ms is not None


def test_streams_of_other_strategies_are_not_recorded(tmp_path: Path, lines_of: Lines) -> None:
    framework = Flumine(SimulatedClient())
    framework.add_strategy(RecorderStrategy(str(tmp_path), streams=[Wire(lines_of())], compression="plain"))
    other = BaseStrategy(streams=[Wire(lines_of(market_id="1.100000002"))])
    framework.add_strategy(other)
    framework.run()
    assert [path.name for path in (tmp_path / "closed").rglob("1.*") if path.suffix != ".json"] == ["1.100000001"]


def test_changes_without_bytes_are_recorded_all_the_same(tmp_path: Path, lines_of: Lines) -> None:
    record(tmp_path, Wire(lines_of(), has_bytes=False))
    found = (tmp_path / "closed/market/2024/06/01/30000001/1.100000001").read_bytes().splitlines()
    assert [json.loads(line) for line in found] == [json.loads(line) for line in lines_of()]


@pytest.mark.parametrize("encode", [json.dumps, msgspec.json.encode], ids=["text", "bytes"])
def test_the_catalogue_is_replayed_by_simulation(
    encode: Callable[[Any], Any], tmp_path: Path, lines_of: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """betfairlightweight writes JSON as text, or as bytes where orjson is installed."""
    monkeypatch.setattr(BaseResource, "json", lambda self: encode(self._data))
    record(tmp_path, Wire(lines_of()))
    names: list[str] = []

    class Reader(BaseStrategy):
        def process_new_market(self, market: Any, market_book: Any) -> None:
            names.extend(runner.runner_name for runner in market.market_catalogue.runners)

    simulation = FlumineSimulation(SimulatedClient())
    path = tmp_path / "closed/market/2024/06/01/30000001/1.100000001"
    simulation.add_strategy(Reader(streams=[HistoricalStream(str(path))]))
    simulation.add_market_middleware(MarketCatalogueMiddleware())
    simulation.run()
    assert names == ["Own Bytes"] and simulation.stream_errors == []


def test_it_does_nothing_in_a_simulation(tmp_path: Path, lines_of: Lines) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"".join(lines_of()))
    simulation = FlumineSimulation(SimulatedClient())
    simulation.add_strategy(RecorderStrategy(str(tmp_path / "recordings"), streams=[HistoricalStream(str(source))]))
    simulation.run()
    assert simulation.faults.total == 0 and not (tmp_path / "recordings").exists()


def test_a_directory_in_use_stops_the_start(tmp_path: Path) -> None:
    framework = Flumine(SimulatedClient())
    framework.add_strategy(RecorderStrategy(str(tmp_path), name="one", streams=[Wire([])]))
    with pytest.raises(SettingsError, match="another recorder"):
        framework.add_strategy(RecorderStrategy(str(tmp_path), name="two", streams=[Wire([])]))
    framework.run()
