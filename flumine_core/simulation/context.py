"""What strategies of flumine read in `market.context["simulated"]`, worked out only when it is read."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from ..book.definition import RunnerKey
from ..book.runner import RunnerBook
from .volume import ACTIVE, Traded, traded_between

if TYPE_CHECKING:
    from ..market.market import Market


class SimulatedRunner(Struct, frozen=True, eq=False):
    """A runner of the latest book, and what that book brought.

    :ivar traded: price -> pounds (both sides) traded since the book before; empty at the first book.
    """

    runner: RunnerBook
    traded: Traded


class SimulatedRunners(Mapping[RunnerKey, SimulatedRunner]):
    """The ACTIVE runners of a market's latest book by (selection id, handicap)."""

    def __init__(self, market: "Market") -> None:
        self._market = market

    def __getitem__(self, key: RunnerKey) -> SimulatedRunner:
        book = self._market.market_book
        runner = None if book is None else book.runner(*key)
        if book is None or runner is None or runner.status != ACTIVE:
            raise KeyError(key)
        before = runner.traded_before if key in book.changed else None
        return SimulatedRunner(runner, {} if before is None else traded_between(before, runner.ex.traded_volume))

    def __iter__(self) -> Iterator[RunnerKey]:
        book = self._market.market_book
        for runner in () if book is None else book.runners:
            if runner.status == ACTIVE:
                yield runner.selection_id, runner.handicap

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<SimulatedRunners of market {self._market.market_id}>"
