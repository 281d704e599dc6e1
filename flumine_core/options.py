"""Plain data turned into the arguments of a constructor, by its signature and annotations; every fault is told."""

import enum
import functools
import importlib
import inspect
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal, Union

import attrs

from .errors import SettingsError
from .hint import SECRET, did_you_mean, one_line, without_passwords

HIDDEN = "(hidden)"
"""Stands for their values."""

REQUIRED = inspect.Parameter.empty
"""Stands for the default of an option that has none."""


def shown(name: str, value: Any) -> Any:
    """Return an option's value as it may be shown: without what is secret by its name, and passwords in addresses."""
    if value is not None and SECRET.search(name):
        return HIDDEN
    if isinstance(value, str):
        return without_passwords(value) if type(value) is str else value
    if isinstance(value, Mapping):
        return {key: shown(str(key), each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        made = [shown("", each) for each in value]
        return tuple(made) if isinstance(value, tuple) else made
    return value


@attrs.frozen
class Option:
    """One argument that a constructor takes: its annotation (Any where there is none) and default."""

    name: str
    type: Any
    default: Any


def _annotations(function: Any) -> dict[str, Any]:
    """Resolve a function's annotations one by one, so that one that cannot be resolved spoils no other."""
    try:
        return typing.get_type_hints(function)
    except Exception:
        names = vars(importlib.import_module(function.__module__)) if hasattr(function, "__module__") else {}
        found: dict[str, Any] = {}
        for name, annotation in getattr(function, "__annotations__", {}).items():
            try:
                found[name] = eval(annotation, names) if isinstance(annotation, str) else annotation
            except Exception:  # a name that only a type checker knows
                found[name] = Any
        return found


def _constructors(target: Any) -> Iterable[Any]:
    if not inspect.isclass(target):
        yield target
        return
    for base in target.__mro__:
        if "__init__" in vars(base) and base is not object:
            yield vars(base)["__init__"]


def options_of(target: Any, given: Iterable[str] = ()) -> dict[str, Option]:
    """Return what `target` (a class or function) takes, by name.

    Where a constructor takes `**kwargs`, the arguments of the next class in its ancestry are added.

    :param given: names of leading arguments that the house passes itself ("flumine", "client"): left out.
    :raises SettingsError: where its signature cannot be read.
    """
    try:
        return dict(_options_of(target, frozenset(given)))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # an annotation is code, and may end the process
        raise SettingsError(f"its signature cannot be read: {one_line(error)}") from error


@functools.lru_cache(maxsize=256)  # strategies and controls are made anew for each file
def _options_of(target: Any, left_out: frozenset[str]) -> dict[str, Option]:
    found: dict[str, Option] = {}
    for constructor in _constructors(target):
        hints = _annotations(constructor)
        takes_more = False
        parameters = list(inspect.signature(constructor).parameters.values())
        for parameter in parameters[1:] if inspect.isclass(target) else parameters:
            if parameter.kind is parameter.VAR_KEYWORD:
                takes_more = True
            elif parameter.kind not in (parameter.VAR_POSITIONAL, parameter.POSITIONAL_ONLY):
                option = Option(parameter.name, hints.get(parameter.name, Any), parameter.default)
                if parameter.name not in left_out:
                    found.setdefault(parameter.name, option)
        if not takes_more:
            break
    return found


def describe(annotation: Any) -> str:
    """Return a type as a configuration's author would call it."""
    origin = typing.get_origin(annotation)
    if annotation is None or annotation is type(None):
        return "nothing"
    if origin in (Union, types.UnionType):
        arms = [describe(arm) for arm in typing.get_args(annotation) if arm is not type(None)]
        return " or ".join(dict.fromkeys(arms))
    if origin is Literal:
        return "one of " + ", ".join(repr(value) for value in typing.get_args(annotation))
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "text", Path: "a path"}
    if isinstance(annotation, type) and annotation in words:
        return words[annotation]
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return "one of " + ", ".join(repr(member.value) for member in annotation)
    outer = origin or annotation
    if isinstance(outer, type) and issubclass(outer, Mapping):
        *_, value = typing.get_args(annotation) or (Any,)
        return "a table" if value is Any else f"a table of ({describe(value)})"
    if outer in (list, tuple, set, frozenset) or getattr(outer, "__name__", "") in ("Sequence", "Iterable"):
        arms = [arm for arm in typing.get_args(annotation) if arm is not Ellipsis]
        return f"a list of ({describe(arms[0])})" if arms else "a list"
    return getattr(annotation, "__name__", str(annotation))


class WrongType(ValueError):
    """A value is not of the type that was asked for; internal to this module's converter."""


_CONVERTER: Any = None


def _strict(kind: type, *accepted: type) -> Callable[[Any, Any], Any]:
    def plain(value: Any) -> Any:
        if isinstance(value, kind):
            if kind is not bool and isinstance(value, bool) and not issubclass(kind, bool):
                raise WrongType
            return value
        if accepted and isinstance(value, accepted) and not isinstance(value, bool):
            converted = kind(value)
            if isinstance(value, int) and converted != value:  # beyond what a float holds exactly
                raise WrongType
            return converted
        raise WrongType

    def structure(value: Any, annotation: Any) -> Any:
        made = plain(value)
        return made if annotation is kind else annotation(made)  # a StrEnum, say: cattrs asks here for subclasses, too

    return structure


def _union(annotation: Any) -> Callable[[Any, Any], Any]:
    def structure(value: Any, _: Any) -> Any:
        arms = typing.get_args(annotation)
        is_none = isinstance(value, str) and value.lower() == "none" and str not in arms  # TOML has no word for it
        if (value is None or is_none) and type(None) in arms:
            return None
        # an arm that takes the value as it stands wins over one that would convert it
        tries = sorted(arms, key=lambda arm: not (isinstance(arm, type) and type(value) is arm))
        for arm in tries:
            if arm is type(None):
                continue
            try:
                return _converter().structure(value, arm)
            except Exception:
                continue
        raise WrongType

    return structure


def _reference(value: Any, _: Any) -> Any:
    """Turn "module:attribute" into what it names, for options that are classes or functions."""
    if not isinstance(value, str):
        return value
    module, _colon, name = value.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split(".") if name else ():
        found = getattr(found, part)
    return found


def _is_reference(annotation: Any) -> bool:
    origin = typing.get_origin(annotation) or annotation
    return origin is type or getattr(origin, "__name__", "") == "Callable"


def _converter() -> Any:
    """Return the one converter; cattrs is imported with the first option that is converted."""
    global _CONVERTER
    if _CONVERTER is None:
        import cattrs

        made = cattrs.Converter(forbid_extra_keys=True)
        made.register_structure_hook(bool, _strict(bool))
        made.register_structure_hook(int, _strict(int))
        made.register_structure_hook(float, _strict(float, int))
        made.register_structure_hook(str, _strict(str))
        made.register_structure_hook(bytes, _strict(bytes))
        made.register_structure_hook(Path, _strict(Path, str))
        made.register_structure_hook(datetime, _strict(datetime))
        made.register_structure_hook(date, _strict(date))
        made.register_structure_hook(time, _strict(time))
        made.register_structure_hook(timedelta, lambda value, _: timedelta(seconds=_strict(float, int)(value, float)))
        made.register_structure_hook_factory(_is_union, _union)
        made.register_structure_hook_func(_is_reference, _reference)
        made.register_structure_hook_func(_is_sequence, _sequence)
        made.register_structure_hook_func(_is_tuple, _tuple)
        made.register_structure_hook_func(_has_numbers, _numbered)
        made.register_structure_hook(Decimal, _decimal)
        _CONVERTER = made
    return _CONVERTER


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) is Union or isinstance(annotation, types.UnionType)


def _is_sequence(annotation: Any) -> bool:
    origin = typing.get_origin(annotation) or annotation
    return origin in (list, set, frozenset) or getattr(origin, "__name__", "") in ("Sequence", "Iterable")


def _sequence(value: Any, annotation: Any) -> Any:
    if not isinstance(value, list | tuple):
        raise WrongType
    origin = typing.get_origin(annotation) or annotation
    arms = typing.get_args(annotation) or (Any,)
    made = [convert(each, arms[0]) for each in value]
    return origin(made) if origin in (set, frozenset) else made


def _has_numbers(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (dict, Mapping) and typing.get_args(annotation)[0] in (int, float)


def _numbered(value: Any, annotation: Any) -> Any:
    """Take a table whose keys are numbers, such as selection ids: a configuration's keys are always text."""
    number, arm = typing.get_args(annotation)
    if not isinstance(value, Mapping):
        raise WrongType
    return {
        number(key) if isinstance(key, str) else convert(key, number): convert(each, arm) for key, each in value.items()
    }


def _is_tuple(annotation: Any) -> bool:
    return annotation is tuple or typing.get_origin(annotation) is tuple


def _tuple(value: Any, annotation: Any) -> Any:
    arms = typing.get_args(annotation)
    if not isinstance(value, list | tuple):
        raise WrongType
    if not arms and annotation != tuple[()]:
        return tuple(value)
    if len(arms) == 2 and arms[1] is Ellipsis:
        return tuple(convert(each, arms[0]) for each in value)
    if len(value) != len(arms):
        raise WrongType
    return tuple(convert(each, arm) for each, arm in zip(value, arms, strict=True))


def _decimal(value: Any, _: Any) -> Decimal:
    if not isinstance(value, str | int | float | Decimal) or isinstance(value, bool):
        raise WrongType
    try:
        made = Decimal(str(value))
    except InvalidOperation as error:
        raise WrongType from error
    if not made.is_finite():
        raise WrongType
    return made


def convert(value: Any, annotation: Any) -> Any:
    """Return `value` as `annotation` asks.

    :raises SettingsError: naming what was expected and what was given.
    """
    if annotation is Any or annotation is REQUIRED or isinstance(annotation, typing.TypeVar):
        return value
    with suppress(TypeError):  # isinstance refuses a TypedDict, and some protocols
        if isinstance(annotation, type) and isinstance(value, annotation) and not isinstance(value, bool):
            return value
    from cattrs.errors import StructureHandlerNotFoundError

    try:
        return _converter().structure(value, annotation)
    except StructureHandlerNotFoundError:
        return value  # a type that plain data cannot tell about: the constructor will judge
    except (SettingsError, KeyboardInterrupt):
        raise
    except ImportError as error:
        raise SettingsError(without_passwords(f"{value!r} cannot be imported: {one_line(error)}")) from error
    except BaseException as error:  # a class's own constructor, or a module's import, may end the process
        raise SettingsError(f"must be {describe(annotation)}, was {shown('', value)!r}{_places(error)}") from error


def _places(error: BaseException) -> str:
    """Tell where in a value that has parts the fault is, as far as cattrs says."""
    from cattrs import BaseValidationError, transform_error

    if not isinstance(error, BaseValidationError):
        return ""
    told = (text.rpartition(" @ ")[2] for text in transform_error(error, path=""))
    paths = [path.replace("['", ".").replace("']", "").lstrip(".") for path in told]
    return f" (see {', '.join(paths)})" if all(paths) else ""


def problems_and_arguments(
    target: Any, options: Mapping[str, Any], given: Iterable[str] = ()
) -> tuple[dict[str, str], dict[str, Any]]:
    """Check `options` against what `target` takes.

    :param given: names of arguments that the house passes itself.
    :raises SettingsError: where its signature cannot be read.
    Returns: option -> what is wrong with it, and the converted arguments of those that are right.
    """
    known = options_of(target, given)
    problems: dict[str, str] = {}
    arguments: dict[str, Any] = {}
    for name, value in options.items():
        if name not in known:
            problems[name] = f"there is no such option{did_you_mean(name, known)}"
            continue
        try:
            arguments[name] = convert(value, known[name].type)
        except SettingsError as error:
            is_secret = SECRET.search(name)
            problems[name] = f"must be {describe(known[name].type)}, was {HIDDEN}" if is_secret else str(error)
    for name, option in known.items():
        if option.default is REQUIRED and name not in options:
            problems[name] = f"is required and missing, expected {describe(option.type)}"
    return problems, arguments


def arguments_for(label: str, target: Any, options: Mapping[str, Any], given: Iterable[str] = ()) -> dict[str, Any]:
    """Return the converted arguments for `target`.

    :raises SettingsError: naming `label`, and every option that is unknown, missing or of the wrong type.
    """
    try:
        problems, arguments = problems_and_arguments(target, options, given)
    except SettingsError as error:
        raise SettingsError(f"{label}: {error}") from error
    if problems:
        told = "; ".join(f"{name}: {problem}" for name, problem in problems.items())
        raise SettingsError(f"{label}: {told}")
    return arguments
