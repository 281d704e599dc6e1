"""Logging: to stderr for the command line, to the standard logging for a library's user."""

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from loguru import logger

from flumine_core import BaseStrategy, LimitOrder, LoggingControl, Trade
from flumine_core.cli.logs import enable_logging, enable_stderr


@pytest.fixture(autouse=True)
def untouched() -> Iterator[None]:
    bridged = logging.getLogger("betfairlightweight")
    before = (list(bridged.handlers), bridged.propagate, bridged.level)
    yield
    logger.remove()
    logger.disable("flumine_core")
    bridged.handlers, bridged.propagate = before[0], before[1]
    bridged.setLevel(before[2])


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def kept() -> Iterator[Kept]:
    handler = Kept()
    target = logging.getLogger("flumine_core")
    target.addHandler(handler)
    target.setLevel(logging.DEBUG)
    yield handler
    target.removeHandler(handler)
    target.setLevel(logging.NOTSET)


def log_as_the_house(code: str) -> None:
    exec(compile(code, "house.py", "exec"), {"__name__": "flumine_core.kernel.house", "logger": logger})


def test_the_library_is_silent_unless_asked(kept: Kept) -> None:
    log_as_the_house("logger.error('nobody hears')")
    assert kept.records == []


class Json(logging.Formatter):
    """One JSON object a record, as python-json-logger makes it: the message, and what is `extra`."""

    PLAIN = vars(logging.makeLogRecord({})).keys()

    def format(self, record: logging.LogRecord) -> str:
        extra = {key: value for key, value in vars(record).items() if key not in self.PLAIN}
        return json.dumps({"message": record.getMessage(), "levelname": record.levelname, **extra})


class Raising(BaseStrategy):
    """Places an order that passes and one that is refused, then raises."""

    def check_market_book(self, market: Any, market_book: Any) -> bool:
        return not market.blotter.active

    def process_market_book(self, market: Any, market_book: Any) -> None:
        for size in (2.0, 1_000.0):
            trade = Trade(market.market_id, market_book.runners[0].selection_id, 0, self)
            market.place_order(trade.create_order("BACK", LimitOrder(1.01, size)))
        raise ValueError("on purpose")


def check_fields(records: list[dict[str, Any]]) -> None:
    """Check what is bound to the records of a simulation with `Raising` and the base LoggingControl."""
    of_noun = {record["noun"]: record for record in records if "noun" in record}
    for noun in ("market", "order", "refusal", "close_market", "order_package"):
        assert of_noun[noun]["market_id"] == "1.100000001"
    order, refusal = of_noun["order"], of_noun["refusal"]
    assert (order["trade"]["strategy"], order["order_type"]["size"], order["client"]) == ("Raising", 2.0, "simulated")
    assert (refusal["strategy"], refusal["side"], refusal["package_type"]) == ("Raising", "BACK", "Place")
    assert (refusal["control"], refusal["order_type"]["size"]) == ("StrategyExposure", 1_000.0)
    assert {cleared["id"] for cleared in of_noun["cleared_orders_meta"]["orders"]} >= {order["id"]}
    assert "place_latency" in of_noun["config"]
    raised = [record for record in records if "plugin" in record]
    assert [(each["plugin"], each["hook"]) for each in raised] == [("Raising", "strategy.process_market_book")]


def test_a_json_formatter_shows_what_is_known_of_orders_markets_and_exceptions(
    kept: Kept, simulate: Any, market_file: Any
) -> None:
    enable_logging()
    simulate(market_file(), Raising(), before=lambda framework: framework.add_logging_control(LoggingControl()))
    lines = [json.loads(Json().format(record)) for record in kept.records]
    check_fields(lines)
    assert {line["levelname"] for line in lines if "noun" in line} == {"DEBUG"}


def test_json_lines_show_what_is_known_of_orders_markets_and_exceptions(
    monkeypatch: pytest.MonkeyPatch, simulate: Any, market_file: Any
) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    enable_stderr("DEBUG", json=True)
    simulate(market_file(), Raising(), before=lambda framework: framework.add_logging_control(LoggingControl()))
    check_fields([json.loads(line)["record"]["extra"] for line in stderr.getvalue().splitlines()])


def test_the_level_of_the_standard_logger_is_the_one_that_counts(kept: Kept) -> None:
    enable_logging()
    log_as_the_house("logger.debug('yes')")
    logging.getLogger("flumine_core").setLevel(logging.INFO)
    log_as_the_house("logger.debug('no')")
    assert [record.getMessage() for record in kept.records] == ["yes"]


def test_records_reach_the_standard_logging_with_what_was_bound(kept: Kept) -> None:
    enable_logging()
    log_as_the_house("logger.bind(market_id='1.1', name='x').info('placed {}', 3)")
    (record,) = kept.records
    assert (record.name, record.getMessage(), record.levelno) == ("flumine_core.kernel.house", "placed 3", logging.INFO)
    assert (record.market_id, record.extra_name) == ("1.1", "x")  # type: ignore[attr-defined]
    assert (record.filename, record.lineno) == ("house.py", 1)


def test_exceptions_reach_the_standard_logging(kept: Kept) -> None:
    enable_logging()
    log_as_the_house("try:\n    1/0\nexcept ZeroDivisionError:\n    logger.exception('oh')")
    (record,) = kept.records
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


def test_lower_levels_are_not_forwarded(kept: Kept) -> None:
    enable_logging("WARNING")
    log_as_the_house("logger.info('no')\nlogger.warning('yes')")
    assert [record.getMessage() for record in kept.records] == ["yes"]


def test_a_percent_sign_is_no_format(kept: Kept) -> None:
    enable_logging()
    log_as_the_house("logger.info('100%s')")
    assert kept.records[0].getMessage() == "100%s"


def test_the_command_line_logs_json_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    enable_stderr("INFO", json=True)
    log_as_the_house("logger.info('hello')\nlogger.debug('not this')")
    logging.getLogger("betfairlightweight.streaming").warning("bridged %s", 1)
    lines = [json.loads(line)["record"] for line in stderr.getvalue().splitlines()]
    assert [(line["message"], line["level"]["name"]) for line in lines] == [("hello", "INFO"), ("bridged 1", "WARNING")]
    assert lines[1]["extra"] == {"logger": "betfairlightweight.streaming"}


def test_enabling_twice_logs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    enable_stderr("INFO")
    enable_stderr("INFO")
    logging.getLogger("betfairlightweight").error("heard")
    assert stderr.getvalue().count("heard") == 1


def test_a_record_that_is_forwarded_is_printed_once() -> None:
    source = """
import logging
from loguru import logger
from flumine_core import enable_logging
logging.basicConfig(format="%(name)s %(message)s")
enable_logging()
house = {"__name__": "flumine_core.kernel.house", "logger": logger}
exec("logger.error('of the house')", house)
logger.error("of the program")
"""
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert done.stderr.count("of the house") == 1
    assert "flumine_core.kernel.house of the house" in done.stderr
    assert done.stderr.count("of the program") == 1
