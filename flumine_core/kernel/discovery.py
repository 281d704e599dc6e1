"""From entry points to named, loadable plugins: blocking, ordering, and one guard around every foreign import."""

import graphlib
import heapq
import importlib
import inspect
import sys
from collections.abc import Iterable, Mapping
from time import perf_counter
from typing import Any

import attrs

from ..contract import API_VERSION
from ..errors import DiscoveryError
from ..hint import did_you_mean, one_line
from .entrypoint import GROUP, HOOKS, KINDS, EntryRow, read_entry_rows
from .foreign import named_if_interrupted, prints_apart, same_directory
from .signature import faults_of, hooks_of

BASES = {
    "strategies": ("..contract.strategy", "BaseStrategy"),
    "trading_controls": ("..control.base", "TradingControl"),
    "client_controls": ("..control.base", "ClientControl"),
    "workers": ("..contract.worker", "BackgroundWorker"),
    "logging_controls": ("..contract.loggingcontrol", "LoggingControl"),
}
"""Kind -> module and name of the class that its plugins derive from; imported with the first of the kind."""

ALWAYS_ON = (
    "flumine_core.control.client:MaxOrderCount",
    "flumine_core.control.trading:MarketValidation",
    "flumine_core.control.trading:OrderValidation",
    "flumine_core.control.trading:StrategyExposure",
)
"""Entry points of the controls that every framework has: to name one gives it options, and nothing blocks it."""


@attrs.define(eq=False)
class Candidate:
    """One plugin that an installed distribution offers.

    :ivar kind: "hooks", or what follows `flumine_core.` in its entry-point group.
    :ivar value: its entry point, `module:attribute`.
    :ivar before, after: names of plugins it wants to run before or after; known once imported.
    :ivar status: "available", "enabled", "blocked" or "failed".
    :ivar reason: why it failed or who blocked it.
    :ivar hooks: the hooks it implements; known once imported.
    :ivar import_seconds: what importing it took, and making its instance where hooks are a class; None before.
    """

    kind: str
    name: str
    distribution: str | None
    version: str | None
    value: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    status: str = "available"
    reason: str | None = None
    hooks: tuple[str, ...] = ()
    import_seconds: float | None = None
    loaded: Any = attrs.field(default=None, repr=False)

    @property
    def origin(self) -> str:
        """Distribution and version, as errors name them."""
        return f"{self.distribution} {self.version}" if self.distribution else self.value

    def fail(self, reason: str) -> None:
        """Record why this plugin is not used."""
        self.status, self.reason = "failed", reason

    def as_dict(self) -> dict[str, Any]:
        """Return what `plugins --json` prints of it."""
        return attrs.asdict(self, filter=lambda field, _: field.name != "loaded")


def import_object(value: str) -> Any:
    """Import `module` or `module:attribute`; what it prints while importing goes to stderr.

    The process's directory is the same afterwards, since paths are relative to it.

    :raises DiscoveryError: where `value` is no such reference or its import raises anything but KeyboardInterrupt.
    """
    module, _, path = (part.strip() for part in value.partition("[")[0].partition(":"))  # what follows names extras
    if not module or not all(part.isidentifier() for part in (module + ("." + path if path else "")).split(".")):
        raise DiscoveryError(f"an entry point must be module:attribute, was {value!r}")
    try:
        with same_directory(), prints_apart():
            found: Any = importlib.import_module(module)
            for part in path.split(".") if path else ():
                found = getattr(found, part)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit at import is one more way to be broken
        raise DiscoveryError(one_line(error)) from error
    return found


def ordered(wishes: Mapping[str, tuple[Iterable[str], Iterable[str]]]) -> tuple[list[str], list[list[str]]]:
    """Sort names by whom each wants to run before and after; the mapping's order holds where nobody wishes.

    :param wishes: name -> (before whom, after whom); names that are not among the keys are passed over.
    Returns: the names that can be ordered, and the circles of names that cannot.
    """
    left = list(wishes)
    circles: list[list[str]] = []
    while True:
        follows: dict[str, set[str]] = {name: set() for name in left}
        for name in left:
            before, after = wishes[name]
            follows[name].update(other for other in after if other in follows)
            for other in before:
                if other in follows:
                    follows[other].add(name)
        rank = {name: position for position, name in enumerate(left)}
        sorter = graphlib.TopologicalSorter({name: sorted(follows[name], key=rank.__getitem__) for name in left})
        try:
            sorter.prepare()
        except graphlib.CycleError as error:
            circle: list[str] = error.args[1]
            circles.append(circle)
            left = [name for name in left if name not in circle]
            continue
        ready: list[int] = []
        result: list[str] = []
        while sorter.is_active():
            for name in sorter.get_ready():
                heapq.heappush(ready, rank[name])
            name = left[heapq.heappop(ready)]
            result.append(name)
            sorter.done(name)
        return result, circles


def describe_circle(circle: Iterable[str]) -> str:
    """Say which wishes contradict one another."""
    return f"the wished order is a circle: {' before '.join(circle)}"


def wished_names(plugin: object, attribute: str) -> tuple[str, ...]:
    """Return the names that a plugin's `before` or `after` holds.

    :raises DiscoveryError: where it is no tuple of names.
    """
    value = getattr(plugin, attribute, ())
    if callable(value) or inspect.ismodule(value):  # a function of that name is no ordering
        return ()
    if not isinstance(value, tuple | list) or not all(isinstance(name, str) for name in value):
        raise DiscoveryError(f"{attribute} must be a tuple of names of plugins, was {value!r}")
    return tuple(value)


class Discovery:
    """The plugins that are installed; listing them imports nobody, and discovered is not enabled.

    :param blocked: names of plugins that must not be used, of whatever kind.
    :param required: names of plugins without which nothing may start.
    """

    def __init__(self, blocked: Iterable[str] = (), required: Iterable[str] = ()) -> None:
        self.blocked = tuple(dict.fromkeys(blocked))
        self.required = tuple(dict.fromkeys(required))
        self._candidates = [self._candidate(row) for row in read_entry_rows()]
        self._mark_duplicates()
        self._hook_plugins: list[tuple[str, object]] | None = None

    def _candidate(self, row: EntryRow) -> Candidate:
        candidate = Candidate(row.kind, row.name, row.distribution, row.version, row.value)
        if row.name in self.blocked and row.value not in ALWAYS_ON:
            candidate.status, candidate.reason = "blocked", "blocked by name"
        elif row.kind not in KINDS:
            group = f"flumine_core.{row.kind}"
            candidate.fail(f"no such entry-point group: {group}{did_you_mean(row.kind, KINDS[1:])}")
        elif not row.value:
            candidate.fail("an entry point must be NAME = module:attribute, was without '='")
        return candidate

    def _mark_duplicates(self) -> None:
        groups: dict[tuple[str, str], list[Candidate]] = {}
        for candidate in self._candidates:
            if candidate.status != "blocked":
                groups.setdefault((candidate.kind, candidate.name), []).append(candidate)
        for same in groups.values():
            if len(same) > 1:
                origins = " and ".join(candidate.origin for candidate in same)
                for candidate in same:
                    candidate.fail(f"the name is brought twice, by {origins}")

    def candidates(self, kind: str | None = None) -> list[Candidate]:
        """Return all plugins (of one kind), sorted by name."""
        found = [each for each in self._candidates if kind in (None, each.kind)]
        return sorted(found, key=lambda each: (each.name, each.kind, each.distribution or ""))

    def failures(self, kind: str | None = None) -> list[Candidate]:
        """Return the plugins (of one kind) that are known to be broken, sorted by name."""
        return [each for each in self.candidates(kind) if each.status == "failed"]

    def vainly_blocked(self) -> dict[str, str]:
        """Return each blocked name that no plugin bears, or a control that is always on, and a message about it."""
        names = {each.name for each in self._candidates}
        always_on = {each.name for each in self._candidates if each.value in ALWAYS_ON}
        always_on -= {each.name for each in self._candidates if each.value not in ALWAYS_ON}  # there is one to block
        told: dict[str, str] = {}
        for name in self.blocked:
            if name not in names:
                told[name] = f"no plugin to block is called {name!r}{did_you_mean(name, names)}"
            elif name in always_on:
                told[name] = f"{name!r} cannot be blocked: the house's own control is always on"
        return told

    def load_hook_plugins(self) -> list[tuple[str, object]]:
        """Import, check and order the plugins of the group `flumine_core`; broken ones are recorded as failed.

        :raises DiscoveryError: where a required plugin is unknown, blocked or broken.
        """
        loaded = self._loaded_hook_plugins()
        faults = self.required_faults()
        if faults:
            raise DiscoveryError("; ".join(faults))
        return list(loaded)

    def has_hook(self, hook: str) -> bool:
        """Whether any plugin of the group `flumine_core` implements a hook; imports them, since only that tells."""
        self._loaded_hook_plugins()
        return any(hook in each.hooks for each in self.candidates(HOOKS) if each.status == "enabled")

    def _loaded_hook_plugins(self) -> list[tuple[str, object]]:
        if self._hook_plugins is None:
            for candidate in self.candidates(HOOKS):
                self._import(candidate)
            sound = {each.name: each for each in self.candidates(HOOKS) if each.status == "enabled"}
            in_order, circles = ordered({name: (each.before, each.after) for name, each in sound.items()})
            for circle in circles:
                for name in set(circle):
                    sound[name].fail(describe_circle(circle))
            self._hook_plugins = [(name, sound[name].loaded) for name in in_order]
        return self._hook_plugins

    def load(self, kind: str, name: str) -> Any:
        """Return the object of one kind and name; `module:attribute` is imported as it stands.

        :raises DiscoveryError: unknown, blocked, brought by two distributions, or broken.
        """
        if ":" in name:
            try:
                with named_if_interrupted(f"{name} was imported"):
                    found = import_object(name)
            except DiscoveryError as error:
                raise DiscoveryError(f"{name} cannot be imported: {error}") from error
            if kind != HOOKS:
                _check_class(kind, name, found)
            return found
        same = [each for each in self.candidates(kind) if each.name == name]
        if not same:
            known = [each.name for each in self.candidates(kind)]
            raise DiscoveryError(f"no {kind} plugin is called {name!r}{did_you_mean(name, known)}")
        candidate = next((each for each in same if each.status != "blocked"), same[0])
        self._import(candidate)
        if candidate.status != "enabled":
            raise DiscoveryError(f"{kind} plugin {name!r} ({candidate.origin}) {_state(candidate)}")
        return candidate.loaded

    def find(self, kind: str, name: str) -> Candidate | None:
        """Return the one plugin of this kind and name, None where there is none or the name is brought twice."""
        same = [each for each in self.candidates(kind) if each.name == name]
        return same[0] if len(same) == 1 else None

    def examine(self) -> None:
        """Import every plugin that is not blocked, to see which are broken; none of them becomes enabled by it."""
        self._loaded_hook_plugins()
        for candidate in self.candidates():
            if candidate.status == "available":
                self._import(candidate)
                if candidate.status == "enabled":
                    candidate.status = "available"
        self.load_hook_plugins()

    def _import(self, candidate: Candidate) -> None:
        """Bring a candidate from "available" to "enabled" or "failed"."""
        if candidate.status != "available":
            return
        if candidate.loaded is not None:
            candidate.status = "enabled"
            return
        start = perf_counter()
        try:
            with named_if_interrupted(f"plugin {candidate.name!r} ({candidate.origin}) was imported"):
                self._accept(candidate, import_object(candidate.value))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # of a property or a module's __getattr__ that exits, too
            candidate.fail(str(error) if isinstance(error, DiscoveryError) else one_line(error))
        finally:
            candidate.import_seconds = perf_counter() - start

    def _accept(self, candidate: Candidate, loaded: Any) -> None:
        fault = version_fault(loaded, candidate.distribution or candidate.name)
        if fault:
            raise DiscoveryError(fault)
        if candidate.kind == HOOKS:
            if inspect.isclass(loaded):
                loaded = _instance(loaded)
            if candidate.name == GROUP:
                raise DiscoveryError(f"the name {GROUP} is the framework's own")
            self._check_told_apart(loaded)
            faults = faults_of(loaded)
            if faults:
                raise DiscoveryError("; ".join(faults))
            candidate.before, candidate.after = wished_names(loaded, "before"), wished_names(loaded, "after")
            candidate.hooks = tuple(sorted({name for name, _, _ in hooks_of(loaded)}))
        elif candidate.kind != "commands":
            _check_class(candidate.kind, candidate.value, loaded)
        candidate.loaded, candidate.status = loaded, "enabled"

    def _check_told_apart(self, loaded: Any) -> None:
        """Refuse a plugin that is or equals another one, which pluggy would not register, or that is no key."""
        others = {each.name: each.loaded for each in self._candidates if each.loaded is not None}
        for name, other in {**others, "": object()}.items():
            if other is loaded:
                raise DiscoveryError(f"it is the same object as plugin {name!r}")
            if loaded == other or other == loaded:
                raise DiscoveryError(
                    f"it equals {f'plugin {name!r}' if name else 'any object'}: plugins must differ by =="
                )
        try:
            hash(loaded)
        except Exception as error:
            raise DiscoveryError(f"it must be hashable (a dataclass: eq=False): {one_line(error)}") from error

    def required_faults(self) -> list[str]:
        """Say of each required plugin that is unknown, blocked or broken what is wrong; imports all that are required.

        Returns: one message for each fault.
        """
        self._loaded_hook_plugins()
        known = {each.name for each in self._candidates}
        faults: list[str] = []
        for name in self.required:
            if name not in known:
                faults.append(f"required plugin {name!r} is not installed{did_you_mean(name, known)}")
            for candidate in (each for each in self._candidates if each.name == name):
                self._import(candidate)
                if candidate.status != "enabled":
                    faults.append(f"required plugin {name!r} ({candidate.origin}) {_state(candidate)}")
        return faults


def version_fault(loaded: Any, distribution: str, own: tuple[int, int] = API_VERSION) -> str | None:
    """Say what to do about a plugin that was written for another major version of the plugin contract."""
    module = loaded if inspect.ismodule(loaded) else sys.modules.get(getattr(loaded, "__module__", None) or "")
    wanted = getattr(loaded, "FLUMINE_API_VERSION", None) or getattr(module, "FLUMINE_API_VERSION", None)
    if wanted is None:
        return None
    if not isinstance(wanted, tuple) or len(wanted) != 2 or not all(type(each) is int for each in wanted):
        return f"FLUMINE_API_VERSION must be a tuple of two whole numbers such as {own}, was {wanted!r}"
    if wanted[0] == own[0]:
        return None
    behind, ahead = (distribution, "flumine_core") if wanted[0] < own[0] else ("flumine_core", distribution)
    return (
        f"it was written for version {wanted[0]}.{wanted[1]} of the plugin contract, this flumine_core has "
        f"{own[0]}.{own[1]}: install a newer {behind} (python -m pip install --upgrade {behind}), or an older {ahead}"
    )


def _check_class(kind: str, value: str, loaded: Any) -> None:
    """Refuse what cannot be of this kind; a function that makes one passes, its result is looked at."""
    if not callable(loaded):
        raise DiscoveryError(f"{value} must be a class, was {type(loaded).__name__}")
    if inspect.isclass(loaded) and kind in BASES:
        module, name = BASES[kind]
        base = getattr(importlib.import_module(module, __package__), name)
        if not issubclass(loaded, base):
            raise DiscoveryError(f"{value} must be a {name}, {loaded.__name__} is none")


def _state(candidate: Candidate) -> str:
    return "is blocked" if candidate.status == "blocked" else f"cannot be used: {candidate.reason}"


def _instance(plugin_class: Any) -> Any:
    """Make the instance of a plugin that is a class: hooks are methods, which need one."""
    try:
        with prints_apart():
            return plugin_class()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise DiscoveryError(f"{plugin_class.__name__}() raised {one_line(error)}") from error
