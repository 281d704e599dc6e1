"""The hook specifications as a manual, and what happens to those who implement them."""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from flumine_core import BaseStrategy, LimitOrder, LoggingControl, OrderStatus, Trade, hookimpl
from flumine_core.contract import API_VERSION, hookspecs
from flumine_core.errors import FlumineCoreError
from flumine_core.events import LOGGED_NOUNS, NOUNS, event_class
from flumine_core.kernel.session import Session
from flumine_core.kernel.signature import faults_of

HOOKS = {name: function for name, function in vars(hookspecs).items() if name.startswith("flumine_")}
LINES = ("Returns", "Order", "Rate", "Thread", "On error")
NAMED_BY = {"add_market": "market", "remove_market": "market"}


@pytest.mark.parametrize("name", HOOKS)
def test_docstring_keeps_the_template(name: str) -> None:
    text = inspect.getdoc(HOOKS[name]) or ""
    assert text.splitlines()[0].startswith("Called ") and text.splitlines()[0].endswith(".")
    for line in LINES:
        assert re.search(rf"^{line}: \S", text, re.M), line
    positions = [text.index(f"\n{line}: ") for line in LINES]
    assert positions == sorted(positions)
    documented = re.findall(r":param (\w+):", text)
    assert documented == list(inspect.signature(HOOKS[name]).parameters)


@pytest.mark.parametrize("name", HOOKS)
def test_deprecated_arguments_stay_for_two_minor_versions(name: str) -> None:
    options = getattr(HOOKS[name], hookspecs.PROJECT + "_spec")
    for argument, warning in (options["warn_on_impl_args"] or {}).items():
        assert argument in inspect.signature(HOOKS[name]).parameters
        goes = re.search(r"may go with (\d+)\.(\d+): \S", str(warning))
        assert goes is not None and (int(goes[1]), int(goes[2])) > API_VERSION


def test_who_takes_a_deprecated_argument_is_warned_once(monkeypatch: Any, simulate: Any, market_file: Any) -> None:
    @hookspecs.hookspec(warn_on_impl_args=hookspecs.leaving((1, 4), market_book="use market.market_book"))
    def flumine_process_market_books(market: Any, market_book: Any) -> None: ...

    monkeypatch.setattr(hookspecs, "flumine_process_market_books", flumine_process_market_books)

    class Old:
        @hookimpl
        def flumine_process_market_books(self, market: Any, market_book: Any) -> None:
            market.context["seen"] = market_book

    class New:
        @hookimpl
        def flumine_process_market_books(self, market: Any) -> None: ...

    assert faults_of(Old()) == []
    text = "argument 'market_book' is deprecated since version 1.4 of the plugin contract and may go with 1.7: use"
    with pytest.warns(DeprecationWarning, match=text) as told:
        framework = simulate(market_file(updates=60), hooks=(("old", Old()), ("new", New())))
    assert len(told) == 1
    assert all(market.context["seen"] is not None for market in framework.markets)


@pytest.mark.parametrize("noun", NOUNS)
def test_one_noun_in_five_places(noun: str) -> None:
    assert f"flumine_process_{noun}" in HOOKS
    assert callable(getattr(Session, f"_process_{noun}"))
    assert event_class(noun).__name__.lower().startswith(noun.replace("_", ""))
    control = type("Own", (LoggingControl,), {f"process_{noun}": lambda self, event: None})()
    assert noun in control.handlers
    texts = [path.read_text() for path in Path(__file__).parent.rglob("test_*.py")]
    assert any(f"process_{noun}" in text for text in texts)


@pytest.mark.parametrize("noun", LOGGED_NOUNS)
def test_logged_nouns_have_event_and_handler(noun: str) -> None:
    assert event_class(noun)
    control = type("Own", (LoggingControl,), {f"_process_{noun}": lambda self, event: None})()
    assert noun in control.handlers
    assert noun in LoggingControl().handlers


class Placer(BaseStrategy):
    order: Any = None

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        return self.order is None

    def process_market_book(self, market: Any, market_book: Any) -> None:
        runner = market_book.runners[0]
        trade = Trade(market.market_id, runner.selection_id, runner.handicap, self)
        self.order = trade.create_order("BACK", LimitOrder(1000, 2.0))
        market.place_order(self.order)


@pytest.mark.parametrize("way", ["text", "raise"])
def test_order_package_can_be_stopped(way: str, simulate: Any, market_file: Any) -> None:
    class Stops:
        @hookimpl
        def flumine_process_order_package(self, order_package: Any) -> str:
            if way == "raise":
                raise ValueError("broken check")
            return "not today"

    strategy = Placer()
    framework = simulate(market_file(), strategy, hooks=(("stops", Stops()),))
    assert strategy.order.status is OrderStatus.VIOLATION
    assert strategy.order.bet_id is None
    assert framework.refusal_counts == {("Placer", "stops"): 1}
    assert framework.faults.total == (way == "raise")
    runner_context = strategy.get_runner_context(*strategy.order.lookup)
    assert not runner_context.live_trades


@pytest.mark.parametrize("what", ["execution", "stream"])
def test_what_is_made_wrongly_names_the_plugin(what: str, simulate: Any, market_file: Any) -> None:
    five = type("Five", (), {f"flumine_make_{what}": hookimpl(lambda self: 5)})()
    with pytest.raises(FlumineCoreError, match=f"flumine_make_{what} of plugin 'five' must give .* was 5"):
        simulate(market_file(), hooks=(("five", five),))


class Sound:
    """Counts books."""

    def __init__(self) -> None:
        self.books = 0

    @hookimpl
    def flumine_process_market_books(self, market_book: Any) -> None:
        self.books += 1


class RaisesEverywhere:
    """Raises in each hook of a simulation."""


for _name in HOOKS:
    if "make" not in _name and "configure" not in _name:
        exec(f"def {_name}(self):\n    raise ArithmeticError('on purpose')\n", globals())
        setattr(RaisesEverywhere, _name, hookimpl(globals().pop(_name)))


def test_a_hook_that_raises_starves_nobody(simulate: Any, market_file: Any) -> None:
    sound = Sound()
    framework = simulate(market_file(), hooks=(("bad", RaisesEverywhere()), ("sound", sound)))
    assert sound.books == framework.books - 1
    counts = framework.faults.counts
    assert counts["bad", "flumine_process_market_books"] == sound.books
    for hook in ("flumine_start", "flumine_add_market", "flumine_process_close_market", "flumine_remove_market"):
        assert counts["bad", hook] == 1
    assert all(plugin == "bad" for plugin, _ in counts)


@pytest.mark.parametrize("when", ["before", "after", "twice"])
def test_a_wrapper_that_breaks_lets_the_step_run(when: str, simulate: Any, market_file: Any) -> None:
    class Breaks:
        @hookimpl(wrapper=True)
        def flumine_process_market_books(self, market: Any) -> Any:
            if when == "before":
                raise KeyError("before")
            result = yield
            if when == "after":
                raise KeyError("after")
            yield
            return result

    sound, strategy = Sound(), Placer()
    framework = simulate(market_file(), strategy, hooks=(("breaks", Breaks()), ("sound", sound)))
    assert sound.books == framework.books - 1
    assert strategy.order.bet_id
    assert framework.faults.counts == {("breaks", "flumine_process_market_books"): sound.books}


def test_configure_evolves_the_settings_in_order(simulate: Any, market_file: Any) -> None:
    class Slower:
        @hookimpl
        def flumine_configure(self, settings: Any) -> Any:
            return settings.evolve(place_latency=settings.place_latency * 2)

    framework = simulate(market_file(), hooks=(("a", Slower()), ("b", Slower())))
    assert framework.settings.place_latency == 0.48
    assert [name for name, _ in framework.setting_changes] == ["a", "b"]


def test_flumines_name_of_the_closing_handler_works() -> None:
    control = type("Own", (LoggingControl,), {"_process_closed_market": lambda self, event: None})()
    assert list(control.handlers) == ["close_market"]
