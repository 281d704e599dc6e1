"""The library's log keeps silent until its user, or the command line, enables it."""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

LOGURU, PACKAGE = "loguru", "flumine_core"


class _OnFirstImport:
    """Finds loguru until it is loaded, and disables the library's log there as soon as it is."""

    @classmethod
    def find_spec(cls, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name != LOGURU:
            return None
        for finder in sys.meta_path:
            spec = None if finder is cls else finder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                _disable_after(spec.loader)
                return spec
        return None


def _disable_after(loader: Any) -> None:
    load = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        if _OnFirstImport in sys.meta_path:
            sys.meta_path.remove(_OnFirstImport)
        load(module)
        module.logger.disable(PACKAGE)

    loader.exec_module = exec_module


def keep_silent() -> None:
    """Disable the library's log, in a loguru that is loaded or, since loading takes 14 MB and 50 ms, once it is.

    For the same reason modules import loguru where they log, and not at their top.
    """
    loaded = sys.modules.get(LOGURU)
    if loaded is not None:
        loaded.logger.disable(PACKAGE)
    elif not any(getattr(each, "__module__", "") == __name__ for each in sys.meta_path):  # maybe an earlier import's
        sys.meta_path.insert(0, _OnFirstImport)
