"""The base class of market middleware."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..market.market import Market


class Middleware:
    """Called with each market on each book that is not CLOSED, before matching and strategies.

    Middleware runs in the order of adding; what a configuration names is first sorted by `before` and `after`, names of
    other middleware that this one wants to precede or follow.
    """

    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    def __call__(self, market: "Market") -> None:
        """Process the market's latest book."""

    def add_market(self, market: "Market") -> None:
        """Process a market seen for the first time; it is not called again where a closed market opens again."""

    def remove_market(self, market: "Market") -> None:
        """Forget a market: in a simulation after each closing, live an hour after it.

        A simulated market that opens again is the same object with the same context, and goes on as it was: books
        follow without another `add_market`, and another closing brings another `remove_market`.
        """

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"
