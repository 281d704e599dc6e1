"""What a conformance run looks at: the plugins of one distribution or package, or one named as module:attribute."""

import importlib
import inspect
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from ..assembly import GIVEN as GIVEN_BY_KIND
from ..contract.client import SimulatedClient
from ..contract.loggingcontrol import LoggingControl
from ..contract.middleware import Middleware
from ..contract.strategy import BaseStrategy
from ..contract.worker import BackgroundWorker
from ..control.base import ClientControl, Control
from ..errors import DiscoveryError, FlumineCoreError
from ..hint import did_you_mean, one_line
from ..kernel.discovery import BASES, import_object, version_fault
from ..kernel.entrypoint import GROUP, HOOKS, read_entry_rows
from ..kernel.signature import faults_of
from ..options import options_of, problems_and_arguments
from ..session import FlumineSimulation
from ..settings import Settings
from .isolation import folded

CLASSES: dict[str, type] = {
    "strategies": BaseStrategy,
    "client_controls": ClientControl,
    "trading_controls": Control,
    "middleware": Middleware,
    "workers": BackgroundWorker,
    "logging_controls": LoggingControl,
}
"""Kind -> the class that its plugins derive from (middleware may also be any callable)."""

GIVEN = ("flumine", "client")
"""Arguments of constructors that the house passes itself."""


@attrs.frozen
class Subject:
    """One plugin that is looked at.

    :ivar value: module:attribute; `loaded`: what that is, None where it cannot be imported.
    :ivar fault: why it cannot be used at all.
    :ivar options: for its constructor, as a configuration would give them.
    :ivar distribution: "" where it is named as module:attribute.
    """

    kind: str
    name: str
    value: str
    distribution: str = ""
    loaded: Any = None
    fault: str | None = None
    options: Mapping[str, Any] = attrs.Factory(dict)

    def __str__(self) -> str:
        return f"{self.kind}-{self.name}"

    @property
    def package(self) -> str:
        """The top package of its module."""
        return self.value.partition(":")[0].partition(".")[0]

    @property
    def directories(self) -> tuple[str, ...]:
        """Directories or files whose code is the plugin's own; of the house's plugins their module alone."""
        name = self.value.partition(":")[0] if self.package == GROUP else self.package
        module = importlib.import_module(name)
        paths = [str(Path(path)) for path in getattr(module, "__path__", ())]
        return tuple(paths) or (str(module.__file__),)

    @property
    def cls(self) -> type:
        """The class of what is made of it."""
        return self.loaded if inspect.isclass(self.loaded) else type(self.make())

    def make(self) -> Any:
        """Make a new instance with the options given; a hook plugin that is a module stays what it is.

        :raises FlumineCoreError: naming the options that are missing or do not fit.
        """
        if self.kind == HOOKS:
            return self.loaded() if inspect.isclass(self.loaded) else self.loaded
        problems, arguments = problems_and_arguments(self.loaded, self.fitting, GIVEN)
        if problems:
            told = "; ".join(f"{name} {problem}" for name, problem in problems.items())
            raise DiscoveryError(f"{told} (give it as --flumine-option NAME=VALUE)")
        return self.loaded(**self._given(), **arguments)

    def _given(self) -> dict[str, Any]:
        """Return what the house passes to a constructor that takes it, as in a run."""
        takes = options_of(self.loaded)
        client = SimulatedClient(transaction_limit=None)
        house = {"flumine": FlumineSimulation(client, Settings()), "client": client}
        return {name: house[name] for name in GIVEN_BY_KIND.get(self.kind, ()) if name in takes}

    @property
    def fitting(self) -> dict[str, Any]:
        """The options given that this constructor takes: one command line serves all plugins of a package."""
        if self.kind in (HOOKS, "commands"):
            return {}
        takes = options_of(self.loaded, GIVEN)
        return {name: value for name, value in self.options.items() if name in takes}


def parsed(options: Iterable[str]) -> dict[str, Any]:
    """Return NAME=VALUE texts as a dict; a value that is no TOML is text."""
    found: dict[str, Any] = {}
    for option in options:
        name, _, text = option.partition("=")
        try:
            found[name.strip()] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            found[name.strip()] = text
    return found


def subjects_of(wanted: str, options: Mapping[str, Any]) -> list[Subject]:
    """Return the plugins that a distribution, a package, or `module:attribute` brings.

    :raises DiscoveryError: where there are none, with the nearest name.
    """
    if ":" in wanted:
        kind, loaded = _guessed(wanted)
        name = wanted.partition(":")[2]
        return [_checked(Subject(kind, name, wanted, loaded=loaded, options=options))]
    rows = read_entry_rows()
    of = [row for row in rows if folded(wanted) == folded(row.distribution) or _package(row.value) == wanted]
    if not of:
        known = {row.distribution for row in rows} | {_package(row.value) for row in rows}
        raise DiscoveryError(f"no plugin of {wanted!r} is installed{did_you_mean(wanted, known)}")
    return [_loaded(Subject(row.kind, row.name, row.value, row.distribution, options=options)) for row in of]


def _package(value: str) -> str:
    return value.partition(":")[0].partition(".")[0].strip()


def _guessed(value: str) -> tuple[str, Any]:
    loaded = import_object(value)
    if inspect.isclass(loaded):
        for kind, base in CLASSES.items():
            if issubclass(loaded, base):
                return kind, loaded
    return HOOKS, loaded


def _loaded(subject: Subject) -> Subject:
    try:
        return _checked(attrs.evolve(subject, loaded=import_object(subject.value)))
    except DiscoveryError as error:
        return attrs.evolve(subject, fault=f"it cannot be imported: {error}")


def _checked(subject: Subject) -> Subject:
    """Find out whether it can be used at all."""
    fault = version_fault(subject.loaded, subject.distribution or subject.package)
    if fault is None:
        try:
            fault = _making_fault(subject)
        except FlumineCoreError as error:
            fault = f"it cannot be made: {error}"
        except (Exception, SystemExit) as error:
            fault = f"it cannot be made: {one_line(error)}"
    return attrs.evolve(subject, fault=fault)


def _making_fault(subject: Subject) -> str | None:
    if subject.kind == "commands":
        import click

        is_command = isinstance(subject.loaded, click.Command)
        return None if is_command else f"it must be a click command, was {type(subject.loaded).__name__}"
    if not callable(subject.loaded) and subject.kind != HOOKS:
        return f"it must be a class, was {type(subject.loaded).__name__}"
    made = subject.make()
    if subject.kind == HOOKS:
        return "; ".join(faults_of(made)) or None
    base = CLASSES[subject.kind]
    if subject.kind in BASES and not isinstance(made, base):
        return f"it must be a {base.__name__}, was a {type(made).__name__}"
    missing = [name for name in _own_attributes(base) if not hasattr(made, name)]
    if missing:
        return f"its __init__ must call super().__init__: {', '.join(missing)} is missing"
    return None


def _own_attributes(base: type) -> tuple[str, ...]:
    witness: dict[type, tuple[str, ...]] = {
        BaseStrategy: ("streams", "context"),
        Control: ("flumine",),
        ClientControl: ("flumine", "client"),
        BackgroundWorker: ("function", "interval"),
        LoggingControl: ("handlers",),
    }
    return witness.get(base, ())
