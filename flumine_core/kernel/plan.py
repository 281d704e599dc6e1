"""Who runs at each step, asked of pluggy once and frozen into flat tuples."""

from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any

import attrs
import pluggy

from ..contract import hookspecs
from ..contract.hookspecs import PROJECT
from ..errors import DiscoveryError, ExecutionError
from .guard import Faults, failing_hard, fails_start, guarded, guarded_wrapper

Call = Callable[..., Any]

FAIL_HARD = frozenset(
    {
        "flumine_configure",
        "flumine_make_client",
        "flumine_make_stream",
        "flumine_make_execution",
        "flumine_make_executor",
    }
)
"""Hooks whose exception fails the start."""

STOPPING = frozenset({"flumine_process_order_package"})
"""Hooks whose exception stops what they were shown: a check that broke has not passed."""


@attrs.frozen(eq=False)
class Step:
    """One hook, resolved.

    :ivar calls: (plugin, function taking all of the hook's arguments by position), in order, guarded.
    :ivar around: where a wrapper is present, what runs it: `around(body, *arguments)`; else None.
    """

    name: str
    calls: tuple[tuple[str, Call], ...]
    around: Call | None

    def run(self, body: Call, *arguments: Any) -> None:
        """Run wrappers, then plain implementations, then the house's own `body()`."""
        if self.around is not None:
            self.around(self._plain(body, arguments), *arguments)
            return
        for _, call in self.calls:
            call(*arguments)
        body()

    def _plain(self, body: Call, arguments: tuple[Any, ...]) -> Call:
        def run() -> None:
            for _, call in self.calls:
                call(*arguments)
            body()

        return run


class _Manager(pluggy.PluginManager):
    """Looks at no attribute that Python itself gives, and at a specification once: a run is made for each file."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        return None if name.startswith("__") else super().parse_hookimpl_opts(plugin, name)

    def parse_hookspec_opts(self, module_or_class: Any, name: str) -> pluggy.HookspecOpts | None:
        return None if name.startswith("__") else _specification(module_or_class, name, getattr(module_or_class, name))


@cache
def _specification(namespace: Any, name: str, _found: Any) -> pluggy.HookspecOpts | None:
    return pluggy.PluginManager(PROJECT).parse_hookspec_opts(namespace, name)


class Plan:
    """The hook plugins of a run.

    :param plugins: (name, plugin) in the order in which their plain implementations are to run.
    :param defaults: (name, plugin) of the house, asked last where the first result counts.
    :ivar steps: by the hook's name without its prefix, "process_market_books".
    """

    def __init__(
        self, plugins: Iterable[tuple[str, object]], defaults: Iterable[tuple[str, object]], faults: Faults
    ) -> None:
        self.faults = faults
        self._makers: dict[str, tuple[str, Any]] = {}
        self.manager = _Manager(PROJECT)
        self.manager.add_hookspecs(hookspecs)
        # pluggy calls the last registered first
        for name, plugin in reversed([*plugins, *defaults]):
            self.manager.register(plugin, name)
        self.manager.check_pending()
        self.hooks: dict[str, pluggy.HookCaller] = {
            name: getattr(self.manager.hook, name)
            for name in vars(hookspecs)
            if name.startswith("flumine_") and hasattr(self.manager.hook, name)
        }
        self._guard()
        self.steps: dict[str, Step] = {name.removeprefix("flumine_"): self._step(name) for name in self.hooks}

    def make(self, name: str, **arguments: Any) -> Any:
        """Call a make hook; None where nobody makes it.

        :raises ExecutionError: where a wrapper loses what was made.
        """
        hook = f"flumine_make_{name}"
        self._makers.pop(hook, None)
        made = self.hooks[hook](**arguments)
        if made is None and self._makers.get(hook, ("", None))[1] is not None:
            raise ExecutionError(f"{self.maker(name, None)} must give what was made, or another, was None")
        return made

    def maker(self, name: str, made: Any) -> str:
        """Say whose result the last call of a make hook was: that of the plugin that made it, or of its wrappers."""
        hook = f"flumine_make_{name}"
        plugin, result = self._makers.get(hook, ("", None))
        if result is made:
            return f"{hook} of plugin {plugin!r}"
        wrappers = (each for each in self.hooks[hook].get_hookimpls() if each.wrapper or each.hookwrapper)
        return f"{hook} as wrapped by plugin {' or '.join(repr(each.plugin_name) for each in wrappers)}"

    def configure(self, settings: Any) -> tuple[Any, list[tuple[str, Any]]]:
        """Let plugins change the settings, in order; return the result and (plugin, settings) of each change."""
        changes: list[tuple[str, Any]] = []
        for name, call in self.steps["configure"].calls:
            shown = settings.evolve()
            evolved = call(shown)
            if evolved is None and shown.as_dict() != settings.as_dict():  # changed as it is
                evolved = shown
            if evolved is not None:
                if type(evolved) is not type(settings):
                    raise DiscoveryError(
                        f"plugin {name!r} must return settings from flumine_configure, was {evolved!r}"
                    )
                settings = evolved
                changes.append((name, evolved))
        return settings, changes

    def _guard(self) -> None:
        for name, hook in self.hooks.items():
            for implementation in hook.get_hookimpls():
                function, plugin = implementation.function, implementation.plugin_name
                if implementation.wrapper or implementation.hookwrapper:
                    record = partial(self.faults.record, plugin, name)
                    failed = fails_start(plugin, name) if name in FAIL_HARD else record
                    wrapped: Call = guarded_wrapper(plugin, function, failed, name in STOPPING)
                elif name in FAIL_HARD:
                    wrapped = self._noting(plugin, name, failing_hard(plugin, name, function))
                else:
                    wrapped = guarded(
                        plugin, name, function, self.faults, name in STOPPING, len(implementation.argnames)
                    )
                # HookImpl keeps the argument names it read at registration
                object.__setattr__(implementation, "function", wrapped)

    def _noting(self, plugin: str, name: str, function: Call) -> Call:
        """Return `function` with its result kept, for `maker` to tell whose it was."""

        def call(*arguments: Any) -> Any:
            result = function(*arguments)
            self._makers[name] = (plugin, result)
            return result

        return call

    def _step(self, name: str) -> Step:
        hook = self.hooks[name]
        spec = hook.spec
        assert spec is not None
        arguments = tuple(spec.argnames)
        calls: list[tuple[str, Call]] = []
        plain_plugins: list[object] = []
        has_wrapper = False
        for implementation in reversed(hook.get_hookimpls()):
            if implementation.wrapper or implementation.hookwrapper:
                has_wrapper = True
                continue
            plain_plugins.append(implementation.plugin)
            wanted = tuple(implementation.argnames)
            call = implementation.function
            if wanted != arguments:
                call = _narrowed(call, tuple(arguments.index(argument) for argument in wanted))
            calls.append((implementation.plugin_name, call))
        around = None
        if has_wrapper:
            caller = self.manager.subset_hook_caller(name, plain_plugins)

            def around(body: Call, *values: Any, _hook: Any = caller, _names: Any = arguments) -> None:
                _hook.call_extra([lambda: body()], dict(zip(_names, values, strict=True)))

        return Step(name, tuple(calls), around)


def _narrowed(call: Call, positions: tuple[int, ...]) -> Call:
    """Return `call` taking all of a hook's arguments and passing on those at `positions`."""
    if not positions:
        return lambda *arguments: call()
    if len(positions) == 1:
        position = positions[0]
        return lambda *arguments: call(arguments[position])
    return lambda *arguments: call(*[arguments[position] for position in positions])
