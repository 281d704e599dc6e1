"""What a strategy's market filter asks for: files and their groups, and what is told of those that nobody has."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from loguru import logger

from flumine_core import BaseStrategy, DataStream, FlumineSimulation, Settings, SimulatedClient
from flumine_core.errors import SettingsError
from flumine_core.run import Named, Run, simulate
from flumine_core.simulation.recordings import recordings_of
from flumine_core.synthetic.market import SyntheticMarket


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Markets of the events 31, 32 and 33."""
    return [
        str(SyntheticMarket(updates=20, market_id=f"1.{event}", event_id=event).write(tmp_path / event))
        for event in ("31", "32", "33")
    ]


@pytest.fixture
def warnings() -> Iterator[list[str]]:
    """What is warned of meanwhile."""
    told: list[str] = []
    logger.enable("flumine_core")
    handler = logger.add(told.append, level="WARNING")  # type: ignore[arg-type]
    yield told
    logger.remove(handler)
    logger.disable("flumine_core")


def strategy(name: str, files: list[str], **options: Any) -> BaseStrategy:
    return BaseStrategy(name=name, market_filter={"markets": files, **options})


def test_groups_are_event_ids_to_names(files: list[str], warnings: list[str]) -> None:
    found = recordings_of(strategy("grouping", files, event_groups={"31": "a", "32": "a"}))
    assert [each.event_group for each in found] == ["a", "a", None]
    assert all(each.event_processing for each in found)
    assert not warnings


@pytest.mark.parametrize("groups", [["a"], [], {"a": ["1", "2"]}, {31: "a"}, "31"])
def test_groups_of_another_shape_are_refused(files: list[str], groups: Any) -> None:
    with pytest.raises(SettingsError, match=r"event_groups .* of odd .* event id to name of a group"):
        recordings_of(strategy("odd", files, event_groups=groups))


def test_event_ids_that_no_file_is_of_are_warned_of(files: list[str], warnings: list[str]) -> None:
    recordings_of(strategy("mistyping", files, event_groups={"31": "a", "23": "a"}))
    assert len(warnings) == 1


def test_a_run_warns_of_no_event_that_another_unit_has(files: list[str], warnings: list[str]) -> None:
    groups = {"31": "a", "32": "a", "33": "b"}
    result = simulate(Run((Named("flumine_core:BaseStrategy"),), tuple(files), event_groups=groups))
    assert result.market_count == 3 and not warnings


def test_a_strategy_that_records_when_live_is_given_books_and_told_once(files: list[str], warnings: list[str]) -> None:
    class Recording(BaseStrategy):
        books = 0

        def check_market_book(self, market: Any, market_book: Any) -> bool:
            self.books += 1
            return False

    for _ in range(2):
        recording = Recording(market_filter={"markets": files}, stream_class=DataStream)
        framework = FlumineSimulation(client=SimulatedClient(), settings=Settings())
        framework.add_strategy(recording)
        framework.run()
        assert recording.books > 0
    assert len(warnings) == 1
