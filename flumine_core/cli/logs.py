"""Where log records go: loguru to stderr for the command line, or into the standard `logging` for a library's user."""

import logging
import os
import sys
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any

from loguru import logger

if TYPE_CHECKING:
    from loguru import Message, Record

PACKAGE = "flumine_core"
BRIDGED = ("betfairlightweight",)
"""Loggers of the standard library whose records the command line shows too."""

_LOGURUS_OWN = 0
"""Number of the handler that loguru has from the start."""

_RESERVED = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class _ToLoguru(logging.Handler):
    """Hands records of the standard `logging` to loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            level: str | int = logger.level(record.levelname).name
        except ValueError:
            level = record.levelno
        frame: FrameType | None = sys._getframe(6)
        depth = 6
        while frame is not None and frame.f_code.co_filename == logging.__file__:
            frame = frame.f_back
            depth += 1
        bound = logger.bind(logger=record.name)
        bound.opt(depth=depth, exception=record.exc_info).log(level, record.getMessage())


def enable_stderr(level: str = "WARNING", json: bool = False) -> int:
    """Write log records of flumine_core and betfairlightweight to stderr; what the command line does.

    :param level: lowest level that is written.
    :param json: one JSON object a line (loguru's serialize) instead of text.
    Returns: loguru's number of the handler, for `logger.remove`.
    """
    logger.enable(PACKAGE)
    logger.remove()
    handler = logger.add(sys.stderr, level=level.upper(), serialize=json, backtrace=False, diagnose=False)
    for name in BRIDGED:
        bridged = logging.getLogger(name)
        bridged.handlers = [each for each in bridged.handlers if not isinstance(each, _ToLoguru)]
        bridged.addHandler(_ToLoguru())
        bridged.propagate = False
        bridged.setLevel(level.upper() if level.upper() != "TRACE" else logging.DEBUG)
    return handler


def enable_logging(level: str | int = "DEBUG") -> int:
    """Forward flumine_core's log records to the standard `logging`, so that its handlers and formatters apply.

    The records carry what was bound to them as `extra`, so that a formatter such as python-json-logger's shows it:
    `plugin` and `hook` of an exception, `noun`, `market_id`, ... of what the base LoggingControl logs. A name that
    each record of `logging` has by itself (`name`, `args`, ...) is preceded by `extra_`. The loggers are named as the
    modules, below `flumine_core`.

    What loguru prints to stderr by itself goes on without flumine_core's records, which would be there twice.

    :param level: lowest level that is forwarded; the standard loggers' own levels apply after it, and are what is
        usually set.
    Returns: loguru's number of the handler, for `logger.remove`.
    """
    logger.enable(PACKAGE)
    if "LOGURU_AUTOINIT" not in os.environ:
        with suppress(ValueError):  # it has been removed already
            logger.remove(_LOGURUS_OWN)
            logger.add(sys.stderr, filter={PACKAGE: False})
    wanted = level.upper() if isinstance(level, str) else level
    return logger.add(_forward, level=wanted, filter=PACKAGE, format="{message}", catch=True)


def _forward(message: "Message") -> None:
    record: Record = message.record
    target = logging.getLogger(record["name"] or PACKAGE)
    level = record["level"].no
    if not target.isEnabledFor(level):
        return
    extra: dict[str, Any] = {
        (f"extra_{key}" if key in _RESERVED else key): value for key, value in record["extra"].items()
    }
    raised = record["exception"]
    exc_info: Any = (raised.type, raised.value, raised.traceback) if raised is not None else None
    target.handle(
        target.makeRecord(
            target.name,
            level,
            record["file"].path,
            record["line"],
            record["message"],
            (),
            exc_info,
            record["function"],
            extra,
        )
    )
