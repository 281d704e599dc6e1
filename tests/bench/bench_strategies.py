"""The strategies of the pool benchmark, for worker processes to import."""

from typing import Any

from flumine_core import BaseStrategy, get_price


class NoOp(BaseStrategy):
    """Looks at nothing."""


class TopOfBook(BaseStrategy):
    """Reads best back, best lay and last price of every runner on every update."""

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        return True

    def process_market_book(self, market: Any, market_book: Any) -> None:
        for runner in market_book.runners:
            get_price(runner.ex.available_to_back, 0)
            get_price(runner.ex.available_to_lay, 0)
            runner.last_price_traded  # noqa: B018
