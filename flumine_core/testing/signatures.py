"""Whether a class's callbacks can be called as the house calls them, and whether one is misspelt."""

import inspect
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from ..contract.loggingcontrol import LoggingControl
from ..control.base import Control
from ..events import LOGGED_NOUNS, NOUNS
from ..hint import did_you_mean
from .subject import CLASSES, Subject

PRIVATE = ("_validate", "__call__")
"""Callbacks whose names are not public."""

ALIKE = 0.82
"""How like a callback's name another name must be to be taken for a misspelling of it."""


def signature_faults(subject: Subject) -> Iterator[str]:
    """Yield what is wrong, in words."""
    base, cls = CLASSES.get(subject.kind), subject.cls
    if base is None:
        return
    names = [name for name in dir(base) if (name in PRIVATE or name[0] != "_") and inspect.isfunction(_of(base, name))]
    for name in names:
        own, expected = _of(cls, name), _of(base, name)
        if own is expected:
            continue
        if not callable(own):
            yield f"{name} must be a method, was {type(own).__name__}"
            continue
        yield from _kind_faults(name, own)
        arguments = _positional(expected)
        if inspect.isfunction(own) and not _takes(own, len(arguments)):
            shown = ", ".join(arguments)
            yield f"{name} is called with ({shown}) and takes {inspect.signature(own)}: give it these arguments"
    yield from _misspelt(cls, base, names)
    if issubclass(cls, LoggingControl):
        yield from _handler_faults(cls)
    if issubclass(cls, Control) and cls.check is Control.check and cls._validate is Control._validate:
        yield "it overrides neither _validate nor check: every request would be refused as broken"


def _of(cls: type, name: str) -> Any:
    return inspect.getattr_static(cls, name)


def _kind_faults(name: str, function: Any) -> Iterator[str]:
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        yield f"{name} is async: nobody awaits it, make it a plain method"
    elif inspect.isgeneratorfunction(function):
        yield f"{name} has a yield: its body would never run, make it a plain method"


def _positional(function: Any) -> list[str]:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [each.name for each in inspect.signature(function).parameters.values() if each.kind in kinds]


def _takes(function: Any, count: int) -> bool:
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    return True


def _misspelt(cls: type, base: type, names: list[str]) -> Iterator[str]:
    not_overridden = [name for name in names if _of(cls, name) is _of(base, name)]
    for name, value in vars(cls).items():
        if name in dir(base) or not inspect.isfunction(value):
            continue
        alike = [other for other in not_overridden if (other[0] == "_") == (name[0] == "_")]
        for meant in get_close_matches(name, alike, n=1, cutoff=ALIKE):
            yield f"{name} is never called: rename it to {meant}, or to something less like it"


def _handler_faults(cls: type) -> Iterator[str]:
    nouns = {*NOUNS, *LOGGED_NOUNS, "closed_market"}
    for name in dir(cls):
        noun = name.removeprefix("_").removeprefix("process_")
        if not name.startswith(("process_", "_process_")) or noun in nouns:
            continue
        yield f"{name} handles nothing: there is no noun {noun!r}{did_you_mean(noun, nouns)}"
    for name in (f"{prefix}process_{noun}" for noun in nouns for prefix in ("", "_")):
        own = getattr(cls, name, None)
        if inspect.isfunction(own):
            yield from _kind_faults(name, own)
            if not _takes(own, 2):
                yield f"{name} is called with (self, event) and takes {inspect.signature(own)}"
