"""What a fault makes of one message of a stream: the lines to be written in its place."""

import copy

import msgspec

from .faults import Fault
from .subscription import Message, segments

END = b"\r\n"
_encode = msgspec.json.encode


def wrong_lines(message: Message, fault: Fault) -> list[bytes]:
    """Return the bytes to be written for `message`.

    Actions: `skip` and the ones that end the connection write nothing of it, `cut` its first half, `cut_segment` its
    first segment; `duplicate` writes it `number` times more; `raw` writes `text` as it is, and then the message unless
    `instead`; `status` gives it that status, without `pt` where `without_pt`; `segment` splits it, at most `most`
    changes each; `set_field`, `remove_field` (name, value) change the message, `add_field` what is `where`: message,
    change, runner, order or runner_definition.
    """
    action = fault.action
    line = _encode(message) + END
    if action in ("skip", "drop", "rst"):
        return []
    if action == "cut":
        return [line[: int(len(line) * float(fault.get("share", 0.5)))]]
    if action == "duplicate":
        return [line] * (1 + int(fault.get("number", 1)))
    if action == "raw":
        text = str(fault.get("text", "")).encode()
        return [text] if fault.get("instead") else [text, line]
    if action == "status":
        changed = message | {"status": int(fault.get("status", 503))}
        if fault.get("without_pt"):
            changed.pop("pt", None)
        return [_encode(changed) + END]
    if action in ("segment", "cut_segment"):
        lines = _segments(message, int(fault.get("most", 1)))
        return lines[:1] if action == "cut_segment" else lines
    if action == "set_field":
        return [_encode(message | {fault.get("name", "id"): fault.get("value")}) + END]
    if action == "remove_field":
        return [_encode({name: value for name, value in message.items() if name != fault.get("name", "op")}) + END]
    return [_encode(_with_field(message, fault)) + END]


def _segments(message: Message, most: int) -> list[bytes]:
    name = "mc" if message["op"] == "mcm" else "oc"
    parts = segments(message.get(name) or [], most)
    if len(parts) < 2:
        return [_encode(message) + END]
    lines = []
    for number, part in enumerate(parts):
        is_last = number == len(parts) - 1
        shown = {key: value for key, value in message.items() if key != "clk" or is_last}
        shown[name] = part
        shown["segmentType"] = "SEG_END" if is_last else "SEG" if number else "SEG_START"
        lines.append(_encode(shown) + END)
    return lines


def _with_field(message: Message, fault: Fault) -> Message:
    changed = copy.deepcopy(message)
    changes = changed.get("mc") or changed.get("oc") or []
    runners = [runner for change in changes for runner in change.get("rc") or change.get("orc") or ()]
    where = fault.get("where", "message")
    found: list[Message] = [changed]
    if where == "change":
        found = changes
    elif where == "runner":
        found = runners
    elif where == "order":
        found = [order for runner in runners for order in runner.get("uo") or ()]
    elif where == "runner_definition":
        definitions = [change.get("marketDefinition") or {} for change in changes]
        found = [runner for definition in definitions for runner in definition.get("runners") or ()]
    for each in found:
        each[fault.get("name", "newField")] = fault.get("value", "new")
    return changed
