"""Faults on purpose: at a named hook, where it matches, so many times, a named action."""

import random
import threading
from collections.abc import Mapping
from itertools import count
from typing import Any

from attrs import define, field
from flumine_core.errors import SettingsError
from flumine_core.hint import did_you_mean

CLOSING = ("drop", "rst")

ACTIONS: dict[str, tuple[str, ...]] = {
    "http.before_execute": (
        *CLOSING, "delay", "hang", "status", "html", "raw", "error", "login_code", "report", "report_late",
        "forget_async", "fail_place_leg", "market", "revoke_sessions",
    ),
    "http.after_execute": (
        *CLOSING, "delay", "hang", "status", "html", "raw", "error", "login_code", "report", "instruction",
        "add_field", "shuffle_reports", "remove_reports", "replace", "empty", "market", "revoke_sessions",
    ),
    "http.write": (*CLOSING, "delay", "hang", "half_body", "raw"),
    "tls.accept": (*CLOSING, "delay", "silence", "bad_certificate"),
    "stream.greeting": (*CLOSING, "delay", "silence", "raw", "coalesce"),
    "stream.auth": (*CLOSING, "delay", "silence", "raw", "error"),
    "stream.subscribe": (*CLOSING, "delay", "silence", "raw", "error", "image", "image_all"),
    "stream.write": (
        *CLOSING, "delay", "hold", "silence", "cut", "raw", "skip", "duplicate", "status", "add_field", "set_field",
        "remove_field", "segment", "cut_segment",
    ),
    "order.publish": ("hold", "skip", "duplicate", "replay", "add_field", "remove_field", "inject", "lapse"),
    "clock": ("skew",),
}  # fmt: skip
"""Which actions each hook knows; the README says what each does and takes."""


@define
class Fault:
    """One fault and how often it may still strike; `count` None is for ever.

    :ivar match: what the occasion must have; `nth` 3 strikes from the third matching occasion on.
    :ivar params: the action's own.
    """

    id: int
    hook: str
    action: str
    match: Mapping[str, Any]
    count: int | None
    params: Mapping[str, Any]
    seen: int = 0
    hits: int = 0
    struck: threading.Event = field(factory=threading.Event)

    def matches(self, occasion: Mapping[str, Any]) -> bool:
        """Whether the occasion is as asked, `nth` left aside."""
        for name, wanted in self.match.items():
            if name == "nth":
                continue
            value = occasion.get(name)
            if isinstance(wanted, list | tuple | set | frozenset):
                if value not in wanted:
                    return False
            elif value != wanted:
                return False
        return True

    def get(self, name: str, default: Any = None) -> Any:
        """Return one of the action's parameters."""
        return self.params.get(name, default)


class Faults:
    """The faults of one exchange; safe to change from any thread. `seed` decides where chance does."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self._faults: list[Fault] = []
        self._all: dict[int, Fault] = {}
        self._lock = threading.Lock()
        self._ids = count(1)

    def add(
        self,
        hook: str,
        match: Mapping[str, Any] | None = None,
        count: int | None = 1,
        action: str = "drop",
        **params: Any,
    ) -> Fault:
        """Arm a fault and return it.

        :param match: all of it must fit the occasion: `op` (placeOrders, certlogin, mcm, ...), `market`, `stream`
            (market, order, race, cricket), `server` (http, stream), `ct`, `account`, `ref`; a list means any of it;
            `nth` lets the first n - 1 occasions pass.
        :param count: how many times it strikes, None for ever.
        :raises SettingsError: where there is no such hook, or the hook knows no such action.
        """
        known = ACTIONS.get(hook)
        if known is None:
            raise SettingsError(f"no such hook: {hook!r}{did_you_mean(hook, list(ACTIONS))}")
        if action not in known:
            raise SettingsError(f"hook {hook} has no action {action!r}, was to be one of {', '.join(known)}")
        fault = Fault(next(self._ids), hook, action, dict(match or {}), count, params)
        with self._lock:
            self._faults.append(fault)
            self._all[fault.id] = fault
        return fault

    def remove(self, fault_id: int) -> None:
        """Disarm a fault; one that is gone already is no error."""
        with self._lock:
            self._faults[:] = [fault for fault in self._faults if fault.id != fault_id]

    def clear(self) -> None:
        """Disarm all."""
        with self._lock:
            self._faults.clear()

    @property
    def is_armed(self) -> bool:
        """Whether any fault may still strike."""
        return bool(self._faults)

    def armed(self) -> list[Fault]:
        """Return the faults that may still strike."""
        with self._lock:
            return list(self._faults)

    def hits_of(self, fault_id: int) -> int:
        """Return how often a fault has struck."""
        return self._all[fault_id].hits

    def take(self, hook: str, **occasion: Any) -> Fault | None:
        """Return the fault that strikes now, counted, if any: the first that was armed."""
        struck = self._take(hook, occasion, is_first_only=True) if self._faults else None
        return struck[0] if struck else None

    def take_all(self, hook: str, **occasion: Any) -> list[Fault]:
        """Return all faults that strike now, each counted once, in the order in which they were armed."""
        return self._take(hook, occasion, is_first_only=False) if self._faults else []

    def _take(self, hook: str, occasion: Mapping[str, Any], is_first_only: bool) -> list[Fault]:
        struck: list[Fault] = []
        with self._lock:
            for fault in list(self._faults):
                if fault.hook != hook or not fault.matches(occasion):
                    continue
                fault.seen += 1
                if fault.seen < fault.match.get("nth", 1):
                    continue
                fault.hits += 1
                if fault.count is not None and fault.hits >= fault.count:
                    self._faults.remove(fault)
                fault.struck.set()
                struck.append(fault)
                if is_first_only:
                    break
        return struck
