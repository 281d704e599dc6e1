"""Answers made wrong on purpose, after the request was carried out."""

import copy
import random
from typing import Any

from .faults import Fault

LISTS = ("instructionReports", "currentOrders", "clearedOrders")


def transformed(fault: Fault, result: Any, chance: random.Random) -> Any:
    """Return an answer as a fault has it.

    Actions: `add_field` (name, value) to the answer's items; `shuffle_reports`; `remove_reports` takes the list of
    reports away; `instruction` (index, status, code) makes another answer of one report; `replace` (result);
    `empty` empties the list.
    """
    if fault.action == "replace":
        return fault.get("result")
    result = copy.deepcopy(result)
    name = next((each for each in LISTS if isinstance(result, dict) and each in result), None)
    items: list[dict[str, Any]] = result[name] if name is not None else result if isinstance(result, list) else [result]
    if fault.action == "remove_reports" and name is not None:
        del result[name]
    elif fault.action == "shuffle_reports":
        before = list(items)
        while len(items) > 1 and items == before:
            chance.shuffle(items)
    elif fault.action == "empty":
        items.clear()
        if isinstance(result, dict) and "moreAvailable" in result:
            result["moreAvailable"] = False
    elif fault.action == "add_field":
        for item in items:
            item[fault.get("name", "newField")] = fault.get("value", "new")
    elif fault.action == "instruction":
        item = items[fault.get("index", 0)]
        item["status"] = fault.get("status", "FAILURE")
        item["errorCode"] = fault.get("code", "ERROR_IN_ORDER")
        for hidden in fault.get("remove", ("betId", "placedDate", "averagePriceMatched", "sizeMatched", "orderStatus")):
            item.pop(hidden, None)
        statuses = {each["status"] for each in items}
        result["status"] = "PROCESSED_WITH_ERRORS" if len(statuses) > 1 else item["status"]
        result["errorCode"] = "PROCESSED_WITH_ERRORS" if len(statuses) > 1 else "BET_ACTION_ERROR"
    return result
