"""Reading the exchange's answers: which instruction report is of which order, and what it says."""

from collections.abc import Sequence
from typing import Any

from .request import Ask

DOUBTFUL = frozenset({"DUPLICATE_TRANSACTION", "TIMEOUT", "ERROR_IN_MATCHER", "SERVICE_UNAVAILABLE"})
"""Error codes that leave open whether anything was done; a duplicate proves that an earlier copy was taken."""

Report = dict[str, Any]


def reports_by_order(asks: Sequence[Ask], result: Any) -> dict[str, Report]:
    """Return the instruction reports of an answer by order id.

    They are found by customerOrderRef or bet id. One that echoes neither is taken for the only order left without a
    report, or, if none of them echoes anything, for the order at its place.
    """
    reports = [report for report in _list(result, "instructionReports") if isinstance(report, dict)]
    names: dict[str, Ask] = {}
    for ask in asks:
        name = ask.instruction.get("customerOrderRef") or ask.instruction.get("betId")
        if name:
            names[str(name)] = ask
    found: dict[str, Report] = {}
    nameless: list[Report] = []
    for report in reports:
        named = names.get(_name_of(report))
        if named is None:
            nameless.append(report)
        else:
            found[named.order.id] = report
    left = [ask for ask in asks if ask.order.id not in found]
    if len(nameless) == len(left) and (len(left) == 1 or not found):
        found.update((ask.order.id, report) for ask, report in zip(left, nameless, strict=True) if _fits(ask, report))
    return found


def _fits(ask: Ask, report: Report) -> bool:
    """Whether nothing that a nameless report echoes speaks against its being of this order."""
    echo = report.get("instruction")
    if not isinstance(echo, dict):
        return True
    return all(echo.get(key, ask.instruction.get(key)) == ask.instruction.get(key) for key in ("selectionId", "side"))


def _name_of(report: Report) -> str:
    for part in (report, report.get("cancelInstructionReport")):
        echo = part.get("instruction") if isinstance(part, dict) else None
        if isinstance(echo, dict):
            name = echo.get("customerOrderRef") or echo.get("betId")
            if name:
                return str(name)
    return ""


def _list(result: Any, key: str) -> list[Any]:
    value = result.get(key) if isinstance(result, dict) else None
    return value if isinstance(value, list) else []


def is_failure(report: Report | None, result: Any) -> bool:
    """Whether an instruction was refused for certain: what is not is unknown, unless it was a success."""
    code = result.get("errorCode") if isinstance(result, dict) else None
    if not _is_certain(code):
        return False
    if report is None:
        return isinstance(result, dict) and result.get("status") == "FAILURE"
    return report.get("status") == "FAILURE" and _is_certain(report.get("errorCode"))


def _is_certain(code: Any) -> bool:
    """Whether an error code says what was done; one that is no text says nothing."""
    return code is None or (isinstance(code, str) and code not in DOUBTFUL)


def code_of(report: Report | None, result: Any) -> str:
    """Return the error code that says most: the instruction's, unless that only points at its siblings."""
    own = str(report.get("errorCode") or "") if report is not None else ""
    whole = str(result.get("errorCode") or result.get("status") or "") if isinstance(result, dict) else ""
    if not own or (own == "ERROR_IN_ORDER" and whole):
        return whole or own or "NO_REPORT"
    return own


def leg(report: Report | None, name: str) -> Report:
    """Return a half of a replace's instruction report, empty where it is missing."""
    part = report.get(name) if report is not None else None
    return part if isinstance(part, dict) else {}


def size_of(report: Report, key: str) -> float:
    """Return a size of a report, 0.0 where it is none."""
    try:
        return float(report.get(key) or 0.0)
    except (TypeError, ValueError):
        return 0.0
