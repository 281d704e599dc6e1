"""Methods that flumine's users override and nothing here calls: refused, so that nobody waits for them in vain."""

from collections.abc import Mapping

from .errors import SettingsError


def refuse_overrides(cls: type, instead: Mapping[str, str]) -> None:
    """Refuse a class that has one of flumine's names, each mapped to what is written in its place.

    :raises SettingsError: naming class, name and advice.
    """
    for name, advice in instead.items():
        if hasattr(cls, name):
            raise SettingsError(f"{cls.__name__} has {name}, which flumine calls and nothing here does: {advice}")
