"""Logging: to stderr for the command line, to the standard logging for a library's user."""

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest
from loguru import logger

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


def test_records_reach_the_standard_logging_with_what_was_bound(kept: Kept) -> None:
    enable_logging("DEBUG")
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
