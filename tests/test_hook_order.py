"""The golden order of all hooks and callbacks in a simulation of one market."""

from typing import Any

from flumine_core import BaseStrategy, LimitOrder, Middleware, Trade, hookimpl
from flumine_core.contract import hookspecs


def recording_plugin(log: list[str], label: str, **options: bool) -> object:
    """Return a plugin that implements every process and life hook by noting its name."""
    body: dict[str, Any] = {}
    for name in dir(hookspecs):
        if not name.startswith("flumine_") or "make" in name or "configure" in name:
            continue
        space: dict[str, Any] = {"log": log}
        if options.get("wrapper"):
            exec(  # a function of its own for each hook, with no argument but self
                f"def {name}(self):\n    log.append('{label} > {name}')\n    result = yield\n"
                f"    log.append('{label} < {name}')\n    return result\n",
                space,
            )
        else:
            exec(f"def {name}(self):\n    log.append('{label} {name}')\n", space)
        body[name] = hookimpl(**options)(space[name])
    return type("Recorder", (), body)()


class Mid(Middleware):
    def __init__(self, log: list[str]) -> None:
        self.log = log

    def __call__(self, market: Any) -> None:
        self.log.append("middleware")

    def add_market(self, market: Any) -> None:
        self.log.append("middleware.add_market")

    def remove_market(self, market: Any) -> None:
        self.log.append("middleware.remove_market")


class Strategy(BaseStrategy):
    def __init__(self, log: list[str]) -> None:
        super().__init__()
        self.log = log
        self.is_done = False

    def start(self, flumine: Any) -> None:
        self.log.append("strategy.start")

    def process_new_market(self, market: Any, market_book: Any) -> None:
        self.log.append("strategy.process_new_market")

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        self.log.append("strategy.check_market_book")
        return not self.is_done

    def process_market_book(self, market: Any, market_book: Any) -> None:
        self.log.append("strategy.process_market_book")
        self.is_done = True
        runner = market_book.runners[0]
        trade = Trade(market.market_id, runner.selection_id, runner.handicap, self)
        market.place_order(trade.create_order("BACK", LimitOrder(1000, 2.0)))
        self.log.append("strategy.placed")

    def process_orders(self, market: Any, orders: Any) -> None:
        self.log.append("strategy.process_orders")

    def process_closed_market(self, market: Any, market_book: Any) -> None:
        self.log.append("strategy.process_closed_market")

    def finish(self, flumine: Any) -> None:
        self.log.append("strategy.finish")


FIRST_BOOK = [
    "a flumine_process_market_books",
    "strategy.process_new_market",
    "strategy.check_market_book",
    "strategy.process_market_book",
    "strategy.placed",
    "a flumine_process_market_orders",
    "a flumine_process_order_package",
]
START = ["strategy.start", "a flumine_start"]
ADD = ["middleware.add_market", "a flumine_add_market"]
BOOK = ["middleware", "strategy.process_orders", "a flumine_process_market_books", "strategy.check_market_book"]
END = [
    "a flumine_process_close_market",
    "strategy.process_closed_market",
    "a flumine_process_cleared_orders",
    "a flumine_process_cleared_markets",
    "middleware.remove_market",
    "a flumine_remove_market",
    "strategy.finish",
    "a flumine_process_end_flumine",
]


def test_golden_order(simulate: Any, market_file: Any) -> None:
    log: list[str] = []
    simulate(
        market_file(updates=20),
        Strategy(log),
        hooks=(("a", recording_plugin(log, "a")),),
        before=lambda f: f.add_market_middleware(Mid(log)),
    )
    rest = log[len(START + ADD + ["middleware"] + FIRST_BOOK) : -len(END)]
    assert log[: len(START + ADD)] == START + ADD
    assert log[len(START + ADD) :][: 1 + len(FIRST_BOOK)] == ["middleware", *FIRST_BOOK]
    assert log[-len(END) :] == END
    assert rest == BOOK * (len(rest) // len(BOOK)) != []


def test_a_wrapper_brackets_the_whole_step(simulate: Any, market_file: Any) -> None:
    log: list[str] = []
    simulate(
        market_file(updates=20),
        Strategy(log),
        hooks=(("w", recording_plugin(log, "w", wrapper=True)), ("a", recording_plugin(log, "a"))),
        before=lambda f: f.add_market_middleware(Mid(log)),
    )
    begin = log.index("w > flumine_process_market_books")
    end = log.index("w < flumine_process_market_books")
    inside = log[begin + 1 : end]
    assert [each for each in inside if not each.startswith("w")] == ["middleware", *FIRST_BOOK]
    assert inside.index("w > flumine_process_market_orders") < inside.index("a flumine_process_order_package")
    assert log.count("w > flumine_process_market_books") == log.count("a flumine_process_market_books")
    for hook in ("close_market", "end_flumine", "cleared_orders", "cleared_markets"):
        assert log.count(f"w > flumine_process_{hook}") == log.count(f"w < flumine_process_{hook}") == 1


def test_plugins_run_in_their_order(simulate: Any, market_file: Any) -> None:
    log: list[str] = []
    simulate(market_file(updates=20), hooks=tuple((name, recording_plugin(log, name)) for name in "cab"))
    first = [each for each in log if each.endswith("flumine_process_market_books")][:3]
    assert [each[0] for each in first] == ["c", "a", "b"]
