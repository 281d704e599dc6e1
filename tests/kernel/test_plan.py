"""Who runs at each step: order, narrowed arguments, wrappers, configuration, first results."""

from collections.abc import Callable
from typing import Any

import pytest

from flumine_core import Settings, hookimpl
from flumine_core.errors import DiscoveryError, ExecutionError
from flumine_core.kernel.guard import Faults, Stopped
from flumine_core.kernel.plan import Plan


def plan_of(*plugins: object, defaults: tuple[tuple[str, object], ...] = ()) -> Plan:
    names = "abcdefgh"
    return Plan(list(zip(names, plugins, strict=False)), defaults, Faults())


def implementing(name: str, function: Callable[..., Any], **options: bool) -> object:
    return type("Plugin", (), {name: staticmethod(hookimpl(**options)(function))})()


def on_books(function: Callable[..., Any], **options: bool) -> object:
    return implementing("flumine_process_market_books", function, **options)


def test_plain_implementations_run_in_plugin_order_before_the_body() -> None:
    log: list[str] = []
    plan = plan_of(on_books(lambda: log.append("first")), on_books(lambda: log.append("second")))
    plan.steps["process_market_books"].run(lambda: log.append("body"), "market", "book")
    assert log == ["first", "second", "body"]


def test_nobody_implements_nothing_runs_but_the_body() -> None:
    log: list[str] = []
    step = plan_of().steps["process_market_books"]
    assert step.calls == () and step.around is None
    step.run(lambda: log.append("body"), "market", "book")
    assert log == ["body"]


def test_arguments_are_narrowed_to_what_is_asked_for() -> None:
    got: list[Any] = []
    plan = plan_of(
        on_books(lambda: got.append(())),
        on_books(lambda market: got.append(market)),
        on_books(lambda market_book: got.append(market_book)),
        on_books(lambda market, market_book: got.append((market, market_book))),
        on_books(lambda market_book, market: got.append((market_book, market))),
    )
    plan.steps["process_market_books"].run(lambda: None, "market", "book")
    assert got == [(), "market", "book", ("market", "book"), ("book", "market")]


@pytest.mark.parametrize("options", [{"wrapper": True}, {"hookwrapper": True}])
def test_wrappers_nest_around_everything(options: dict[str, bool]) -> None:
    log: list[str] = []

    def wrapper(name: str) -> object:
        def bracket(market: str) -> Any:
            log.append(f"{name}({market})")
            result = yield
            log.append(f"end {name}")
            return result

        return on_books(bracket, **options)

    plan = plan_of(wrapper("outer"), on_books(lambda: log.append("plain")), wrapper("inner"))
    plan.steps["process_market_books"].run(lambda: log.append("body"), "market", "book")
    assert log == ["outer(market)", "inner(market)", "plain", "body", "end inner", "end outer"]


def test_one_that_raises_starves_nobody_in_either_way() -> None:
    log: list[str] = []

    def falls() -> None:
        raise ValueError

    def falls_around() -> Any:
        raise ValueError
        yield

    for more in ((), (on_books(falls_around, wrapper=True),)):
        plan = plan_of(on_books(falls), on_books(lambda: log.append("plain")), *more)
        plan.steps["process_market_books"].run(lambda: log.append("body"), "market", "book")
        assert plan.faults.counts["a", "flumine_process_market_books"] == 1
        assert plan.faults.total == 1 + len(more)
    assert log == ["plain", "body"] * 2


def test_configure_hands_one_evolved_copy_to_the_next() -> None:
    given = Settings()
    plan = plan_of(
        implementing("flumine_configure", lambda settings: settings.evolve(place_latency=1.0)),
        implementing("flumine_configure", lambda settings: None),
        implementing("flumine_configure", lambda settings: settings.evolve(cancel_latency=settings.place_latency)),
    )
    settings, changes = plan.configure(given)
    assert (settings.place_latency, settings.cancel_latency, given.place_latency) == (1.0, 1.0, 0.12)
    assert [name for name, _ in changes] == ["a", "c"]


def test_configure_that_fails_fails_the_start() -> None:
    def falls(settings: Any) -> Any:
        raise KeyError("x")

    with pytest.raises(ExecutionError, match="'a'"):
        plan_of(implementing("flumine_configure", falls)).configure(Settings())
    with pytest.raises(DiscoveryError, match="'a'"):
        plan_of(implementing("flumine_configure", lambda settings: {"place_latency": 1})).configure(Settings())


def test_first_result_wins_and_the_house_is_asked_last() -> None:
    asked: list[str] = []

    def makes(name: str, result: Any) -> object:
        def make(client: Any) -> Any:
            asked.append(name)
            return result

        return implementing("flumine_make_execution", make)

    plan = plan_of(makes("first", None), makes("second", "execution"), defaults=(("house", makes("house", "own")),))
    assert plan.make("execution", client="client", settings=None) == "execution"
    assert asked == ["first", "second"]
    assert plan_of(defaults=(("house", makes("house", "own")),)).make("execution", client=1, settings=2) == "own"
    assert plan_of().make("execution", client=1, settings=2) is None


def test_it_is_told_whose_a_result_is() -> None:
    def spoils() -> Any:
        yield
        return "spoilt"

    makers = [implementing("flumine_make_stream", lambda result=result: result) for result in (None, "made", "unasked")]
    plan = plan_of(*makers)
    made = plan.make("stream", description=1, settings=2)
    assert plan.maker("stream", made) == "flumine_make_stream of plugin 'b'"
    plan = plan_of(*makers, implementing("flumine_make_stream", spoils, wrapper=True))
    made = plan.make("stream", description=1, settings=2)
    assert plan.maker("stream", made) == "flumine_make_stream as wrapped by plugin 'd'"


def test_a_wrapper_that_loses_what_was_made_is_named() -> None:
    def loses() -> Any:
        yield

    wrapper = implementing("flumine_make_client", loses, wrapper=True)
    plan = plan_of(implementing("flumine_make_client", lambda: "made"), wrapper)
    with pytest.raises(ExecutionError, match=r"flumine_make_client as wrapped by plugin 'b' must give .*, was None"):
        plan.make("client", kind="mine", options={})
    assert plan_of(wrapper).make("client", kind="mine", options={}) is None


def test_maker_that_raises_fails_hard() -> None:
    def falls() -> Any:
        raise KeyError("x")

    with pytest.raises(ExecutionError, match="'a'"):
        plan_of(implementing("flumine_make_stream", falls)).make("stream", description=1, settings=2)


def test_misspelt_hooks_are_errors() -> None:
    with pytest.raises(Exception, match="flumine_process_market_bokks"):
        plan_of(implementing("flumine_process_market_bokks", lambda: None))


def test_an_outcome_that_a_wrapper_spoils_is_its_error() -> None:
    def spoils() -> Any:
        outcome = yield
        outcome.force_exception(ValueError("spoilt"))

    log: list[str] = []
    plan = plan_of(on_books(spoils, hookwrapper=True))
    plan.steps["process_market_books"].run(lambda: log.append("body"), "market", "book")
    assert (log, plan.faults.counts) == (["body"], {("a", "flumine_process_market_books"): 1})


def test_a_wrapper_that_would_stop_a_package_too_late_is_told() -> None:
    def late() -> Any:
        yield
        return "too many"

    plan = plan_of(implementing("flumine_process_order_package", late, wrapper=True))
    step = plan.steps["process_order_package"]
    assert step.around is not None
    step.around(lambda: None, "package")
    assert "'too many'" in plan.faults.first["a", "flumine_process_order_package"].error


@pytest.mark.parametrize("is_before", [True, False])
def test_a_wrapper_of_what_is_made_that_raises_fails_the_start(is_before: bool) -> None:
    def falls() -> Any:
        if is_before:
            raise ValueError
        yield
        raise ValueError

    with pytest.raises(ExecutionError, match="'a'"):
        plan_of(implementing("flumine_make_stream", falls, wrapper=True)).make("stream", description=1, settings=2)


def test_settings_that_are_changed_in_place_are_changed_by_that_plugin() -> None:
    def change(settings: Any) -> None:
        settings.place_latency = 3.0

    given = Settings()
    settings, changes = plan_of(implementing("flumine_configure", change)).configure(given)
    assert (settings.place_latency, given.place_latency, [name for name, _ in changes]) == (3.0, 0.12, ["a"])


def test_an_old_wrapper_lets_pass_what_the_step_raises() -> None:
    def passive() -> Any:
        yield

    def checks() -> Any:
        raise ValueError
        yield

    name = "flumine_process_order_package"
    plan = plan_of(implementing(name, passive, hookwrapper=True), implementing(name, checks, wrapper=True))
    around = plan.steps["process_order_package"].around
    assert around is not None
    with pytest.raises(Stopped):
        around(lambda: None, "package")
    assert plan.faults.counts == {("b", name): 1}
    plan = plan_of(on_books(passive, hookwrapper=True))

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        plan.steps["process_market_books"].run(interrupted, "market", "book")
    assert not plan.faults.counts
