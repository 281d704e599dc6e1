"""The betting API: which operation is answered by what."""

from .amending import Amending
from .catalogue import Catalogue
from .marketbooks import MarketBooks
from .orders import OrderLists
from .params import CancelOrders, ListClearedOrders, ListCurrentOrders, PlaceOrders, ReplaceOrders, UpdateOrders
from .placing import Placing
from .rpc import Handler, typed
from .state import ExchangeState


class Betting:
    """The parts of the betting API."""

    def __init__(self, state: ExchangeState) -> None:
        self.placing = Placing(state)
        self.amending = Amending(state, self.placing)
        self.lists = OrderLists(state)
        self.catalogue = Catalogue(state)
        self.books = MarketBooks(state)

    def operations(self) -> dict[str, Handler]:
        """Return the operations by name."""
        return {
            "placeOrders": typed(PlaceOrders, self.placing.place_orders),
            "cancelOrders": typed(CancelOrders, self.amending.cancel_orders),
            "updateOrders": typed(UpdateOrders, self.amending.update_orders),
            "replaceOrders": typed(ReplaceOrders, self.amending.replace_orders),
            "listCurrentOrders": typed(ListCurrentOrders, self.lists.list_current_orders),
            "listClearedOrders": typed(ListClearedOrders, self.lists.list_cleared_orders),
            **self.catalogue.operations(),
            **self.books.operations(),
        }
