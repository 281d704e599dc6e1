"""The hooks, which every run of an environment with this plugin loads: so they import nothing that takes time."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flumine_core.contract.hookspecs import hookimpl

if TYPE_CHECKING:
    from .plugin import RecorderStrategy

running: list["RecorderStrategy"] = []
"""Strategies of frameworks that run in this process; the hooks serve them all."""


@hookimpl
def flumine_process_raw_data(
    stream_id: int, clk: str | None, publish_time: int, data: Sequence[Mapping[str, Any]], op: str
) -> None:
    """Record a message."""
    for strategy in tuple(running):
        strategy.take(stream_id, op, clk, publish_time, data)


@hookimpl
def flumine_process_market_catalogues(market: Any, market_catalogue: Any) -> None:
    """Record a catalogue beside its market."""
    for strategy in tuple(running):
        if strategy.recorder.is_recording(market.market_id):
            text = market_catalogue.json()  # betfairlightweight makes bytes where orjson is installed
            strategy.recorder.take_catalogue(market.market_id, text if isinstance(text, bytes) else text.encode())
