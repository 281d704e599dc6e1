"""A scenario: an exchange, a framework that trades on it, prices that keep moving, and words for what happens."""

import random
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from time import monotonic
from typing import Any

from flumine_exchange.exchange import ExchangeSettings, LocalExchange
from flumine_exchange.exchange import Scenario as Market

from .judge import differences
from .ours import Ours
from .view import Framework, OrderView, Terms

MARKET, QUIET = "1.200000001", "1.200000002"
"""The market that is traded, whose runner 33 has moving prices, and one that changes only where a row says so."""
LIVE, DONE, UNKNOWN = "Executable", "Execution complete", "Unknown"
LOOK_SECONDS = 0.02
FACTOR = 0.05
"""Waits are a twentieth of those of real life, unless they are to be real."""

Make = Callable[..., Framework]


class Scenario:
    """What a row does, and what it may look at: the exchange, its ledger, and the framework's own orders and books.

    :ivar random: decides what a row leaves to chance.
    :ivar factor: waits are so many times those of real life; `seconds` scales one.
    :ivar is_strict: the behaviour that the table asks for is looked at too, and not its last column alone, which with
        the ledger's rules is what another framework is held to.
    """

    def __init__(self, exchange: LocalExchange, framework: Framework, seed: int, make: Make, folder: Path) -> None:
        self.exchange = exchange
        self.framework = framework
        self.random = random.Random(seed)
        self.factor = framework.factor
        self.is_strict = framework.is_ours
        self.folder = folder
        self.is_with_books = True
        self._make = make
        self._bet_ids: dict[str, str] = {}
        self._traffic = Traffic(exchange, self.factor)

    # life

    def start(self) -> None:
        """Run the framework, until it may trade; prices move from then on."""
        self.framework.start()
        self._traffic.start()

    def stop(self) -> None:
        """End it all."""
        self._traffic.stop()
        self.framework.stop()

    def restart(self, **options: Any) -> None:
        """Run another framework in the place of the one that has ended, on the same journal."""
        self.framework = self._make(self.exchange, folder=self.folder, **options)
        self.framework.start()

    def starts_not(self, **options: Any) -> None:
        """See that another framework, with a journal of its own, ends at once instead of starting."""
        with tempfile.TemporaryDirectory(prefix="faults-") as folder:
            other = self._make(self.exchange, folder=Path(folder), **options)
            try:
                other.start()
            except AssertionError:
                self.until(lambda: not other.is_running(), "it has ended")
                return
            other.stop()
        raise AssertionError("it was not to start")

    def judge(self) -> None:
        """Wait until the ledger's rules hold; that they do not within the framework's patience is a failure."""
        self._traffic.stop()
        end = monotonic() + self.framework.patience
        while told := differences(self.exchange, self.framework, self.is_with_books):
            if monotonic() > end:
                raise AssertionError("; ".join(told))
            self._pause()

    # words

    def seconds(self, real: float, least: float = 0.0) -> float:
        """Return what so many seconds of real life are here, at least `least`."""
        return max(real * self.factor, least)

    @property
    def ledger(self) -> Any:
        return self.exchange.ledger

    @property
    def market(self) -> Any:
        return self.exchange.market(MARKET)

    def fault(self, hook: str, action: str, op: str | None = None, count: int | None = 1, **more: Any) -> Any:
        """Arm a fault; `match` may say more of the occasion than `op`."""
        match = {**({} if op is None else {"op": op}), **more.pop("match", {})}
        return self.exchange.faults.add(hook, match, count, action, **more)

    @contextmanager
    def during(self, fault: Any) -> Iterator[None]:
        """Disarm a fault at the end of the block."""
        yield
        self.exchange.faults.remove(fault.id)

    def place(self, is_async: bool = False, version: int | None = None, **terms: Any) -> str:
        """Place an order, which the book does not match unless told so; return its id."""
        ((order_id, why),) = self.framework.place([Terms(**terms)], is_async, version)
        assert order_id is not None, f"the order was refused: {why}"
        return order_id

    def try_place(self, **terms: Any) -> str | None:
        """Return the id of an order, None where it was refused."""
        return self.framework.place([Terms(**terms)], False, None)[0][0]

    def place_when_taken(self, **terms: Any) -> str:
        """Return the id of an order that rests, as soon as orders are taken again."""
        found: list[str] = []

        def is_taken() -> bool:
            order_id = self.try_place(**terms)
            if order_id is not None:
                found.append(order_id)
            return bool(found)

        self.until(is_taken, "orders are taken again")
        self._bet_ids[found[0]] = str(self.until_status(found[0], LIVE).bet_id)
        return found[0]

    def place_together(self, *orders: Terms) -> list[str]:
        """Place orders in one call."""
        told = self.framework.place(list(orders), False, None)
        assert all(order_id is not None for order_id, _ in told), f"an order was refused: {told}"
        return [str(order_id) for order_id, _ in told]

    def resting(self, **terms: Any) -> str:
        """Place an order and wait until it rests at the exchange."""
        order_id = self.place(**terms)
        self._bet_ids[order_id] = str(self.until_status(order_id, LIVE).bet_id)
        return order_id

    def cancel(self, *ids: str, size_reduction: float | None = None) -> None:
        for why in self.framework.cancel(list(ids), size_reduction):
            assert not why, f"the cancel was refused: {why}"

    def replace(self, order_id: str, price: float) -> None:
        why = self.framework.replace(order_id, price)
        assert not why, f"the replace was refused: {why}"

    def order(self, order_id: str) -> OrderView:
        return next(order for order in self.framework.orders() if order.id == order_id)

    def replacement(self, order_id: str) -> OrderView | None:
        """Return the order that was made in the place of another, None where there is none."""
        trade = self.order(order_id).trade
        others = [order for order in self.framework.orders() if order.trade == trade and order.id != order_id]
        return others[-1] if others else None

    def bets(self, order_id: str) -> list[Any]:
        """Return the ledger's bets of an order's reference, replacements left out."""
        ref = self.order(order_id).ref
        return [bet for bet in self.ledger.bets_by_ref(ref) if bet.replaces is None]

    def bet_of(self, order_id: str) -> str:
        """Return the bet id of an order that rested, without asking a framework that may be busy."""
        return self._bet_ids[order_id]

    def until(self, condition: Callable[[], Any], what: str, seconds: float | None = None) -> float:
        """Wait until a condition holds; return how many seconds it took."""
        started = monotonic()
        most = self.framework.patience if seconds is None else seconds
        while not condition():
            if monotonic() - started > most:
                raise AssertionError(f"within {most:.1f} s it was to become true that {what}")
            self._pause()
        return monotonic() - started

    def until_status(self, order_id: str, *statuses: str) -> OrderView:
        def is_there() -> bool:
            return self.order(order_id).status in statuses

        try:
            self.until(is_there, f"order {order_id} is {' or '.join(statuses)}")
        except AssertionError as error:
            raise AssertionError(f"{error}, it is {self.order(order_id).status}") from None
        return self.order(order_id)

    def until_complete(self, *ids: str) -> None:
        self.until(lambda: all(self.order(each).complete for each in ids), f"orders {', '.join(ids)} are complete")

    def hold(self, real: float, condition: Callable[[], Any], what: str) -> None:
        """See that a condition holds for so many seconds of real life, scaled."""
        end = monotonic() + self.seconds(real)
        while monotonic() < end:
            assert condition(), f"it was to stay true that {what}"
            self._pause()

    def control(self, order_id: str) -> None:
        """See that an order that rests can be cancelled: whoever can do that has control of its bet."""
        self.cancel(order_id)
        self.until_complete(order_id)
        (bet,) = self.bets(order_id)
        assert bet.status == "EC" and bet.sc > 0, f"the bet was to be cancelled, is {bet}"

    def books_equal(self) -> bool:
        return not differences(self.exchange, self.framework)

    def settled_books(self) -> None:
        """Wait until every book is the server's, prices standing still."""
        with self.quiet():
            self.until(self.books_equal, "books and orders are as the exchange has them")

    def quiet(self) -> AbstractContextManager[None]:
        """Let prices stand still for a block."""
        return self._traffic.paused()

    def busy(self) -> AbstractContextManager[None]:
        """Let prices move for a block, as they do."""
        return nullcontext()

    def requests(self, op: str) -> int:
        return int(self.ledger.requests.get(op, 0))

    def move(self, market_id: str = QUIET, size: float | None = None) -> float:
        """Give every runner of a market one new size at its best price, in one change; return it."""
        chosen = size or float(self.random.randrange(100, 100_000))
        runners = [runner["id"] for runner in self.exchange.market(market_id).definition["runners"]]
        rc = [{"id": each, "atb": [[2.0, chosen]], "atl": [[2.02, chosen]]} for each in runners]
        self.exchange.market(market_id).change({"id": market_id, "rc": rc})
        return chosen

    def sees(self, size: float, market_id: str = QUIET) -> bool:
        """Whether the framework's book of a market has that size at the best price."""
        book = self.framework.books().get(market_id)
        return book is not None and all(each["atb"].get(2.0) == size for each in book.ladders.values())

    def _pause(self) -> None:
        threading.Event().wait(LOOK_SECONDS)


class Traffic:
    """Prices of one runner that keep moving, as in a market that people trade."""

    def __init__(self, exchange: LocalExchange, factor: float) -> None:
        self._exchange = exchange
        self._seconds = 0.02 if factor < 1 else 0.1
        self._is_stopping = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_stopping.set()
        if self._thread.is_alive():
            self._thread.join(10)

    @contextmanager
    def paused(self) -> Iterator[None]:
        with self._lock:
            yield

    def _run(self) -> None:
        number = 0
        while not self._is_stopping.wait(self._seconds):
            with self._lock:
                market = self._exchange.market(MARKET)
                if market.definition["status"] != "OPEN":
                    continue
                number += 1
                market.set_price(33, [[1.5, float(number)]], [[1.6, 10.0]])


def scaled(factor: float, **settings: Any) -> ExchangeSettings:
    """Return the exchange's settings; those in seconds that a row gives are of real life."""
    return ExchangeSettings(**{"scale": factor, "start": "now", "idle_stream_seconds": 15.0 / factor, **settings})


def make_ours(exchange: Any, folder: Path, factor: float = FACTOR, **options: Any) -> Framework:
    """Return this framework, its journal in a folder."""
    return Ours(exchange, factor, folder / "journal.sqlite", **options)


@contextmanager
def scenario(
    make: Make,
    seed: int = 0,
    factor: float = FACTOR,
    markets: Sequence[Any] | None = None,
    exchange: Any = None,
    options: dict[str, Any] | None = None,
    is_started: bool = True,
    patience: float = 0.0,
) -> Iterator[Scenario]:
    """Build exchange and framework, run them, and stop them at the end.

    :param make: makes the framework: of the exchange, `folder`, `factor` and `options`.
    :param exchange: settings of the exchange, waits in seconds of real life; or what makes them of the factor.
    :param patience: seconds of real life that the framework may take at least, where its own polls are that slow.
    :param is_started: False: the row starts the framework itself.
    """
    given = exchange(factor) if callable(exchange) else exchange or {}
    chosen = [Market(market_id=MARKET), Market(market_id=QUIET)] if markets is None else list(markets)
    with (
        tempfile.TemporaryDirectory(prefix="faults-") as folder,
        LocalExchange(chosen, None, scaled(factor, **given), seed) as made,
    ):

        def again(*args: Any, **more: Any) -> Framework:
            return make(*args, factor=factor, **{**(options or {}), **more})

        framework = again(made, folder=Path(folder))
        framework.patience = max(framework.patience, patience * factor)
        built = Scenario(made, framework, seed, again, Path(folder))
        try:
            if is_started:
                built.start()
            yield built
        finally:
            built.exchange.faults.clear()
            built.stop()
