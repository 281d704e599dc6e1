"""Whether a plugin's functions fit the hookspecs: names, arguments, generators; found out without calling any."""

import inspect
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pluggy

from ..contract import hookspecs
from ..errors import survivable
from ..hint import did_you_mean, one_line

PREFIX = "flumine_"
MARK = hookspecs.PROJECT + "_impl"


def hook_arguments() -> dict[str, tuple[str, ...]]:
    """Return each hook's name and its arguments, in the order of a run's life."""
    mark = hookspecs.PROJECT + "_spec"
    return {
        name: tuple(inspect.signature(function).parameters)
        for name, function in vars(hookspecs).items()
        if hasattr(function, mark)
    }


def _functions(plugin: object) -> Iterator[tuple[str, Any]]:
    for name in dir(plugin):
        if name.startswith("__"):
            continue
        try:
            value = getattr(plugin, name)
            is_hook = inspect.isroutine(value) or _options_of(plugin, name, value) is not None
        except survivable():  # a property that raises is no hook
            continue
        if is_hook:
            yield name, value


def _options_of(plugin: object, name: str, value: Any) -> dict[str, Any] | None:
    """Return what @hookimpl has noted, on a function or on the staticmethod or classmethod that holds it."""
    options = getattr(value, MARK, None)
    if not isinstance(options, dict):
        options = getattr(inspect.getattr_static(plugin, name, None), MARK, None)
    return options if isinstance(options, dict) else None


def _is_own(plugin: object, function: Any) -> bool:
    """Tell a function that the plugin defines from one that its module merely imported."""
    return not isinstance(plugin, ModuleType) or getattr(function, "__module__", None) == plugin.__name__


def hooks_of(plugin: object) -> list[tuple[str, Any, dict[str, Any] | None]]:
    """Return the functions that are hooks, or look like one: (hook, function, options of the marker or None)."""
    found: list[tuple[str, Any, dict[str, Any] | None]] = []
    for name, function in _functions(plugin):
        options = _options_of(plugin, name, function)
        if options is not None:
            found.append((options.get("specname") or name, function, options))
        elif name.startswith(PREFIX) and _is_own(plugin, function):
            found.append((name, function, None))
    return found


def _argument_fault(function: Any, allowed: tuple[str, ...]) -> str | None:
    """Say what is wrong with a hook's arguments."""
    shown = f"the hook has ({', '.join(allowed)})"
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            return f"takes *{parameter.name}, which a hook is never passed; {shown}"
        has_default = parameter.default is not parameter.empty
        if parameter.kind is parameter.KEYWORD_ONLY and not has_default:
            return f"takes the keyword-only argument {parameter.name!r}, which a hook is never passed"
        if parameter.name not in allowed and not has_default:
            return f"has no argument {parameter.name!r}{did_you_mean(parameter.name, allowed)}; {shown}"
        if parameter.name in allowed and has_default:
            return f"gives {parameter.name!r} a default, so that it would never be passed"
    return None


def _is_wrapper(options: dict[str, Any] | None) -> bool:
    return options is not None and bool(options.get("wrapper") or options.get("hookwrapper"))


def _fault(name: str, function: Any, options: dict[str, Any] | None) -> str | None:
    specs = hook_arguments()
    if name not in specs:
        if options is not None and options.get("optionalhook"):
            return None
        return f"there is no hook {name!r}{did_you_mean(name, specs)}"
    if options is None:
        return f"{name} is not marked with @hookimpl, so that it would never be called"
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        return f"{name} is async, which a hook cannot be"
    is_wrapper = _is_wrapper(options)
    if is_wrapper and name == "flumine_configure":
        return f"{name} cannot be wrapped: settings go from plugin to plugin"
    is_generator = inspect.isgeneratorfunction(function)
    if is_wrapper and not is_generator:
        return f"{name} is marked as a wrapper but has no yield"
    if is_generator and not is_wrapper:
        return f"{name} has a yield but is not marked with @hookimpl(wrapper=True)"
    try:
        fault = _argument_fault(function, specs[name])
    except (TypeError, ValueError) as error:
        fault = f"has no readable signature: {error}"
    return fault and f"{name} {fault}"


def faults_of(plugin: object) -> list[str]:
    """Return what keeps a plugin from being registered, in plain words; empty where all is well."""
    hooks = hooks_of(plugin)
    faults = [fault for name, function, options in hooks if (fault := _fault(name, function, options)) is not None]
    wrapped = {name for name, _, options in hooks if _is_wrapper(options)}
    both = {name for name, _, options in hooks if not _is_wrapper(options)} & wrapped
    faults += [f"{name} is both implemented and wrapped by it: make two plugins of it" for name in sorted(both)]
    if not faults and not hooks:
        faults.append("it implements no hook: no function of it is marked with @hookimpl")
    if not faults:
        trial = pluggy.PluginManager(hookspecs.PROJECT)
        trial.add_hookspecs(hookspecs)
        try:
            with warnings.catch_warnings():  # of deprecated arguments the run warns, once
                warnings.simplefilter("ignore", DeprecationWarning)
                trial.register(plugin, "trial")
            trial.check_pending()
            taken = {caller.name for caller in trial.get_hookcallers(plugin) or ()}
            faults += [
                f"{name} is a {type(function).__name__}, which pluggy does not call: mark a plain function or method"
                for name, function, _ in hooks
                if name not in taken
            ]
        except survivable() as error:
            is_pluggys = isinstance(error, pluggy.PluginValidationError)
            faults.append(" ".join(str(error).split()) if is_pluggys else one_line(error))
    return faults
