"""Discovery: who is installed, who may run, in which order, and what becomes of broken ones."""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flumine_core.errors import DiscoveryError
from flumine_core.kernel.discovery import Candidate, Discovery, import_object, ordered

Install = Callable[..., None]

HOOKS = "from flumine_core import hookimpl\n"
START = HOOKS + "@hookimpl\ndef flumine_start(framework): pass\n"


def named(discovery: Discovery, name: str) -> Candidate:
    (found,) = [each for each in discovery.candidates() if each.name == name]
    return found


def test_listing_imports_nobody(install: Install) -> None:
    install("dist-a", "[flumine_core]\nalpha = mod_alpha\n", mod_alpha="raise RuntimeError('imported')")
    candidate = named(Discovery(), "alpha")
    assert (candidate.kind, candidate.distribution, candidate.version) == ("hooks", "dist-a", "1.0")
    assert (candidate.value, candidate.status, candidate.import_seconds) == ("mod_alpha", "available", None)


def test_hook_plugins_are_enabled_once_loaded(install: Install) -> None:
    install("dist-a", "[flumine_core]\nalpha = mod_alpha\n", mod_alpha=START)
    discovery = Discovery()
    assert [name for name, _ in discovery.load_hook_plugins()] == ["alpha"]
    candidate = named(discovery, "alpha")
    assert (candidate.status, candidate.hooks) == ("enabled", ("flumine_start",))
    assert candidate.import_seconds is not None


def test_loading_again_gives_the_same_objects(install: Install) -> None:
    install("dist-a", "[flumine_core]\nalpha = mod_alpha\n", mod_alpha=START)
    discovery = Discovery()
    assert discovery.load_hook_plugins()[0][1] is discovery.load_hook_plugins()[0][1]


def test_a_class_is_instantiated(install: Install) -> None:
    source = HOOKS + "class Plugin:\n    @hookimpl\n    def flumine_start(self, framework): pass\n"
    install("dist-a", "[flumine_core]\nalpha = mod_alpha:Plugin\n", mod_alpha=source)
    ((_, plugin),) = Discovery().load_hook_plugins()
    assert type(plugin).__name__ == "Plugin"


def test_a_blocked_plugin_is_never_imported(install: Install) -> None:
    install("dist-a", "[flumine_core]\nalpha = mod_alpha\n", mod_alpha="raise RuntimeError('imported')")
    discovery = Discovery(blocked=["alpha"])
    assert discovery.load_hook_plugins() == []
    assert named(discovery, "alpha").status == "blocked"
    assert discovery.failures() == []


def test_a_blocked_name_that_nobody_bears_is_reported(install: Install) -> None:
    install("dist-a", "[flumine_core]\nalpha = mod_alpha\n", mod_alpha=START)
    unknown = Discovery(blocked=["alpah", "alpha"]).vainly_blocked()
    assert list(unknown) == ["alpah"]
    assert "did you mean 'alpha'" in unknown["alpah"]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import not_there_at_all", "ModuleNotFoundError: No module named 'not_there_at_all'"),
        ("def (", "SyntaxError: invalid syntax"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("class Odd(BaseException): pass\nraise Odd('x')", "Odd: x"),
        ("x = 1", "it implements no hook"),
        (HOOKS + "@hookimpl\ndef flumine_strat(framework): pass", "did you mean 'flumine_start'"),
        (HOOKS + "@hookimpl\ndef flumine_start(framewrok): pass", "did you mean 'framework'"),
        (HOOKS + "@hookimpl\ndef flumine_start(framework, market): pass", "has no argument 'market'"),
        (HOOKS + "@hookimpl\ndef flumine_start(framework=None): pass", "a default"),
        (HOOKS + "@hookimpl\ndef flumine_start(*framework): pass", "never passed"),
        (HOOKS + "@hookimpl\ndef flumine_start(*, framework): pass", "keyword-only"),
        (HOOKS + "@hookimpl\nasync def flumine_start(framework): pass", "async"),
        (HOOKS + "@hookimpl\ndef flumine_start(framework): yield", "wrapper=True"),
        (HOOKS + "@hookimpl(wrapper=True)\ndef flumine_start(framework): pass", "no yield"),
        ("def flumine_start(framework): pass", "not marked with @hookimpl"),
        (HOOKS + "@hookimpl(specname='flumine_begin')\ndef go(framework): pass", "there is no hook 'flumine_begin'"),
        (START + "before = 'beta'", "before must be a tuple of names"),
        (START + "after = (1,)", "after must be a tuple of names"),
        (HOOKS + "@hookimpl(wrapper=True)\ndef flumine_configure(settings): yield", "cannot be wrapped"),
        (
            START + "@hookimpl(wrapper=True, specname='flumine_start')\ndef around(framework): yield",
            "both implemented and wrapped",
        ),
    ],
)
def test_a_broken_plugin_is_named_and_the_rest_goes_on(install: Install, source: str, reason: str) -> None:
    install("dist-a", "[flumine_core]\nalpha = mod_alpha\n", mod_alpha=source)
    install("dist-b", "[flumine_core]\nbeta = mod_beta\n", mod_beta=START)
    discovery = Discovery()
    assert [name for name, _ in discovery.load_hook_plugins()] == ["beta"]
    (failed,) = discovery.failures()
    assert failed.name == "alpha"
    assert failed.reason is not None
    assert reason in failed.reason


@pytest.mark.parametrize(
    "source",
    [
        HOOKS + "@hookimpl\ndef flumine_start(): pass",
        HOOKS + "@hookimpl(specname='flumine_start')\ndef begin(framework): pass",
        HOOKS + "@hookimpl(optionalhook=True)\ndef flumine_of_another_plugin(x): pass",
        HOOKS + "@hookimpl(wrapper=True)\ndef flumine_start(framework):\n    return (yield)",
        HOOKS + "@hookimpl\ndef flumine_start(framework, colour='red'): pass",
        START + "from flumine_core.contract.hookspecs import flumine_process_market_books\nimport flumine_core",
    ],
)
def test_what_pluggy_takes_is_taken(install: Install, source: str) -> None:
    install("dist-a", "[flumine_core]\nalpha = mod_alpha\n", mod_alpha=source)
    discovery = Discovery()
    assert [name for name, _ in discovery.load_hook_plugins()] == ["alpha"], discovery.failures()


EXITS = """
class Plugin:
    @property
    def lazy(self): raise SystemExit(3)
    @hookimpl
    def flumine_start(self, framework): pass
    {more}
plugin = Plugin()
"""


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (START + "def __getattr__(name): raise SystemExit(name)", "SystemExit: FLUMINE_API_VERSION"),
        (HOOKS + EXITS.format(more=""), None),
        (HOOKS + EXITS.format(more="def __getattr__(self, name): raise SystemExit(3)"), "SystemExit: 3"),
        (HOOKS + EXITS.format(more="def __eq__(self, other): raise SystemExit(4)"), "SystemExit: 4"),
    ],
)
def test_a_plugin_whose_attributes_exit_is_like_one_whose_attributes_raise(
    install: Install, source: str, reason: str | None
) -> None:
    value = "mod_alpha:plugin" if "Plugin" in source else "mod_alpha"
    install("dist-a", f"[flumine_core]\nalpha = {value}\n", mod_alpha=source)
    install("dist-b", "[flumine_core]\nbeta = mod_beta\n", mod_beta=START)
    discovery = Discovery()
    assert "beta" in [name for name, _ in discovery.load_hook_plugins()]
    assert named(discovery, "alpha").reason == reason


@pytest.mark.parametrize("closing", ["sys.stdout.close()", "sys.stderr.close()", "with sys.stdout: pass", "wraps()"])
def test_a_plugin_cannot_close_the_output(
    install: Install, closing: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "import io, sys\ndef wraps():\n    io.TextIOWrapper(sys.stdout.buffer)\n"
    source += f"print('printed')\n{closing}\nsys.stderr.write('on')\n"
    install("dist-a", "[flumine_core]\nalpha = mod_alpha\n", mod_alpha=START + source)
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO(), write_through=True))
    Discovery().load_hook_plugins()
    assert sys.stderr.buffer.getvalue() == b"printed\non"  # type: ignore[attr-defined]
    print("still open", file=sys.stderr)
    assert capsys.readouterr().out == ""


def test_what_an_instance_costs_counts_as_import(install: Install) -> None:
    source = HOOKS + "import time\nclass Plugin:\n    def __init__(self): time.sleep(0.2)\n    @hookimpl\n"
    source += "    def flumine_start(self, framework): pass\n"
    install("dist-a", "[flumine_core]\nalpha = mod_alpha:Plugin\n", mod_alpha=source)
    discovery = Discovery()
    discovery.load_hook_plugins()
    assert (named(discovery, "alpha").import_seconds or 0) >= 0.2


def test_a_keyboard_interrupt_is_not_a_broken_plugin(install: Install) -> None:
    install("dist-a", "[flumine_core]\nalpha = mod_alpha\n", mod_alpha="raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        Discovery().load_hook_plugins()


def test_what_a_plugin_prints_at_import_goes_to_stderr(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install("dist-a", "[flumine_core]\nalpha = mod_alpha\n", mod_alpha=START + "print('hello')")
    Discovery().load_hook_plugins()
    assert capsys.readouterr() == ("", "hello\n")


def test_two_distributions_of_one_name_are_both_named(install: Install) -> None:
    install("dist-a", "[flumine_core.strategies]\nalpha = mod_alpha:A\n", mod_alpha="class A: pass")
    install("dist-b", "[flumine_core.strategies]\nalpha = mod_beta:B\n", version="2.1", mod_beta="class B: pass")
    with pytest.raises(DiscoveryError, match=r"dist-a 1\.0 and dist-b 2\.1"):
        Discovery().load("strategies", "alpha")


def test_one_name_in_two_kinds_is_no_clash(install: Install) -> None:
    entry_points = "[flumine_core]\nalpha = mod_alpha\n[flumine_core.middleware]\nalpha = mod_alpha:M\n"
    install("dist-a", entry_points, mod_alpha=START + "class M:\n    def __call__(self, market): pass\n")
    discovery = Discovery()
    assert [name for name, _ in discovery.load_hook_plugins()] == ["alpha"]
    assert discovery.load("middleware", "alpha").__name__ == "M"


def test_one_object_is_registered_once(install: Install) -> None:
    install("dist-a", "[flumine_core]\nalpha = mod_alpha\nbeta = mod_alpha\n", mod_alpha=START)
    discovery = Discovery()
    assert [name for name, _ in discovery.load_hook_plugins()] == ["alpha"]
    assert "same object as plugin 'alpha'" in str(named(discovery, "beta").reason)


@pytest.mark.parametrize("line", ["alpha", "alpha =", "= mod", "alpha = a..b", "alpha = a b", "alpha = mod:x:y"])
def test_a_nonsense_entry_point_breaks_no_other(install: Install, line: str) -> None:
    install("dist-a", f"[flumine_core]\n{line}\nbeta = mod_beta\n", mod_beta=START)
    discovery = Discovery()
    assert [name for name, _ in discovery.load_hook_plugins()] == ["beta"]
    assert len(discovery.failures()) == 1


def test_a_misspelt_group_gets_a_hint(install: Install) -> None:
    install("dist-a", "[flumine_core.stratgies]\nalpha = mod_alpha:A\n")
    assert "did you mean 'strategies'" in str(named(Discovery(), "alpha").reason)


def test_a_shadowed_distribution_does_not_count(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("dist-a", "[flumine_core]\nalpha = mod_alpha\n", mod_alpha=START)
    older = tmp_path / "older" / "Dist_A-0.9.dist-info"
    older.mkdir(parents=True)
    (older / "METADATA").write_text("Metadata-Version: 2.1\nName: Dist_A\nVersion: 0.9\n")
    (older / "entry_points.txt").write_text("[flumine_core]\nalpha = mod_older\n")
    monkeypatch.syspath_prepend(str(older.parent))
    assert named(Discovery(), "alpha").value == "mod_older"


def test_a_class_of_the_wrong_kind_is_refused(install: Install) -> None:
    entry_points = "[flumine_core.strategies]\nalpha = mod_alpha:A\nbeta = mod_alpha:B\ngamma = mod_alpha:C\n"
    source = "from flumine_core import BaseStrategy\nclass A: pass\nB = 7\nclass C(BaseStrategy): pass\n"
    install("dist-a", entry_points, mod_alpha=source)
    discovery = Discovery()
    with pytest.raises(DiscoveryError, match="must be a BaseStrategy, A is none"):
        discovery.load("strategies", "alpha")
    with pytest.raises(DiscoveryError, match="must be a class, was int"):
        discovery.load("strategies", "beta")
    assert discovery.load("strategies", "gamma").__name__ == "C"
    assert named(discovery, "gamma").status == "enabled"


def test_an_unknown_name_gets_a_hint() -> None:
    with pytest.raises(DiscoveryError, match="did you mean 'strategy_exposure'"):
        Discovery().load("trading_controls", "strategy_exposre")


def test_the_houses_own_controls_are_there_by_name() -> None:
    discovery = Discovery()
    for name, kind in (
        ("order_validation", "trading_controls"),
        ("market_validation", "trading_controls"),
        ("strategy_exposure", "trading_controls"),
        ("max_order_count", "client_controls"),
        ("example", "strategies"),
    ):
        assert callable(discovery.load(kind, name))


def test_a_plugin_of_the_name_of_a_control_that_is_always_on_is_blocked(install: Install) -> None:
    assert "always on" in Discovery(["order_validation"]).vainly_blocked()["order_validation"]
    install("dist-a", "[flumine_core.trading_controls]\norder_validation = mod_alpha:A\n", mod_alpha="class A: pass")
    discovery = Discovery(["order_validation"])
    assert discovery.vainly_blocked() == {}
    assert {each.distribution: each.status for each in discovery.candidates() if each.name == "order_validation"} == {
        "dist-a": "blocked",
        "flumine_core": "available",
    }
    assert discovery.load("trading_controls", "order_validation").__name__ == "OrderValidation"


def test_blocked_is_refused_by_name(install: Install) -> None:
    install("dist-a", "[flumine_core.middleware]\nalpha = mod_alpha:A\n", mod_alpha="class A: pass")
    with pytest.raises(DiscoveryError, match=r"'alpha' \(dist-a 1\.0\) is blocked"):
        Discovery(blocked=["alpha"]).load("middleware", "alpha")


def test_module_and_class_are_loaded_as_they_stand(install: Install) -> None:
    install("dist-a", "", mod_alpha="class Outer:\n    class Inner: pass\n")
    assert Discovery().load("middleware", "mod_alpha:Outer.Inner").__name__ == "Inner"
    with pytest.raises(DiscoveryError, match="mod_alpha:Nobody cannot be imported: AttributeError"):
        Discovery().load("strategies", "mod_alpha:Nobody")
    with pytest.raises(DiscoveryError, match="must be module:attribute"):
        import_object("mod alpha:A")


@pytest.mark.parametrize(
    ("source", "blocked", "match"),
    [
        (START, ["alpha"], "required plugin 'alpha' .* is blocked"),
        ("1/0", [], "required plugin 'alpha' .* cannot be used: ZeroDivisionError"),
    ],
)
def test_a_required_plugin_that_is_not_sound_stops_the_start(
    install: Install, source: str, blocked: list[str], match: str
) -> None:
    install("dist-a", "[flumine_core]\nalpha = mod_alpha\n", mod_alpha=source)
    with pytest.raises(DiscoveryError, match=match):
        Discovery(blocked, required=["alpha"]).load_hook_plugins()


def test_a_required_plugin_that_is_not_installed_stops_the_start(install: Install) -> None:
    install("dist-a", "[flumine_core]\nalpha = mod_alpha\n", mod_alpha=START)
    with pytest.raises(DiscoveryError, match="'alhpa' is not installed, did you mean 'alpha'"):
        Discovery(required=["alhpa"]).load_hook_plugins()


def test_a_required_class_must_import(install: Install) -> None:
    install("dist-a", "[flumine_core.trading_controls]\nalpha = mod_alpha:A\n", mod_alpha="1/0")
    with pytest.raises(DiscoveryError, match="ZeroDivisionError"):
        Discovery(required=["alpha"]).load_hook_plugins()


def test_plugins_run_in_the_declared_order_then_by_name(install: Install) -> None:
    wishes = {"alpha": "after = ('delta',)", "beta": "", "gamma": "before = ('beta', 'nobody')", "delta": ""}
    for name, wish in wishes.items():
        install(f"dist-{name}", f"[flumine_core]\n{name} = mod_{name}\n", **{f"mod_{name}": START + wish})
    assert [name for name, _ in Discovery().load_hook_plugins()] == ["delta", "alpha", "gamma", "beta"]


def test_a_circle_is_named_and_the_rest_goes_on(install: Install) -> None:
    for name, wish in {"alpha": "before = ('beta',)", "beta": "before = ('alpha',)", "gamma": ""}.items():
        install(f"dist-{name}", f"[flumine_core]\n{name} = mod_{name}\n", **{f"mod_{name}": START + wish})
    discovery = Discovery()
    assert [name for name, _ in discovery.load_hook_plugins()] == ["gamma"]
    for failed in discovery.failures():
        assert "circle: " in str(failed.reason)
        assert str(failed.reason).count("alpha") + str(failed.reason).count("beta") == 3
    with pytest.raises(DiscoveryError, match="circle"):
        Discovery(required=["alpha"]).load_hook_plugins()


NAMES = st.sampled_from("abcdef")
WISHES = st.dictionaries(NAMES, st.tuples(st.lists(NAMES, max_size=2), st.lists(NAMES, max_size=2)), max_size=6)


@given(WISHES)
def test_every_wish_is_kept_that_is_in_no_circle(wishes: dict[str, tuple[list[str], list[str]]]) -> None:
    names, circles = ordered(wishes)
    circled = {name for circle in circles for name in circle}
    assert sorted([*names, *circled]) == sorted(wishes)
    place = {name: position for position, name in enumerate(names)}
    for name in names:
        before, after = wishes[name]
        assert all(place[name] < place[other] for other in before if other in place)
        assert all(place[other] < place[name] for other in after if other in place)


def test_examining_finds_broken_classes_and_enables_none(install: Install) -> None:
    entry_points = "[flumine_core.strategies]\nalpha = mod_alpha:A\nbeta = mod_beta:B\n"
    source = "from flumine_core import BaseStrategy\nclass A(BaseStrategy): pass\n"
    install("dist-a", entry_points, mod_alpha=source, mod_beta="1/0")
    discovery = Discovery()
    discovery.examine()
    assert named(discovery, "alpha").status == "available"
    assert named(discovery, "beta").status == "failed"


def test_plugins_that_are_equal_are_not_both_used(install: Install) -> None:
    equal = (
        HOOKS
        + """
class Plugin:
    def __eq__(self, other):
        return isinstance(other, Plugin)
    __hash__ = object.__hash__
    @hookimpl
    def flumine_start(self, framework): pass
one, two = Plugin(), Plugin()
"""
    )
    install("dist-a", "[flumine_core]\none = mod_alpha:one\ntwo = mod_alpha:two\n", mod_alpha=equal)
    same = HOOKS + "class Plugin:\n    def __eq__(self, other): return True\n    @hookimpl\n"
    same += "    def flumine_start(self, framework): pass\n"
    install("dist-b", "[flumine_core]\nsame = mod_beta:Plugin\n", mod_beta=same)
    discovery = Discovery()
    loaded = discovery.load_hook_plugins()
    assert [name for name, _ in loaded] == ["one"]
    assert {each.name: (each.reason or "").partition(":")[0] for each in discovery.failures()} == {
        "same": "it equals plugin 'one'",
        "two": "it equals plugin 'one'",
    }


def test_the_frameworks_own_name_is_taken(install: Install) -> None:
    install("dist-a", "[flumine_core]\nflumine_core = mod_alpha\n", mod_alpha=START)
    discovery = Discovery()
    assert discovery.load_hook_plugins() == []
    assert "framework's own" in (discovery.failures()[0].reason or "")


def test_extras_of_an_entry_point_are_passed_over(install: Install) -> None:
    install("dist-a", "[flumine_core]\nalpha = mod_alpha [fast]\n", mod_alpha=START)
    assert [name for name, _ in Discovery().load_hook_plugins()] == ["alpha"]


HOOK = "from flumine_core import hookimpl\n"


@pytest.mark.parametrize(
    ("source", "attribute", "told"),
    [
        (
            "import functools\n@hookimpl\n@functools.lru_cache\ndef flumine_add_market(market): ...\n",
            "",
            "flumine_add_market is a _lru_cache_wrapper, which pluggy does not call",
        ),
        (
            "import functools\ndef add(market, more): ...\n"
            "flumine_add_market = hookimpl(functools.partial(add, more=1))\n"
            "@hookimpl\ndef flumine_remove_market(market): ...\n",
            "",
            "flumine_add_market is a partial, which pluggy does not call",
        ),
        (
            "from dataclasses import dataclass\n@dataclass\nclass Plugin:\n    n: int = 0\n    @hookimpl\n"
            "    def flumine_add_market(self, market): ...\n",
            ":Plugin",
            "it must be hashable (a dataclass: eq=False)",
        ),
    ],
)
def test_what_pluggy_would_not_call_is_told(install: Any, source: str, attribute: str, told: str) -> None:
    install("odd", f"[flumine_core]\nodd = odd_hooks{attribute}\n", odd_hooks=HOOK + source)
    discovery = Discovery()
    assert discovery.load_hook_plugins() == []
    (candidate,) = discovery.failures()
    assert told in str(candidate.reason)


@pytest.mark.parametrize("mark", ["@hookimpl\n    @staticmethod", "@staticmethod\n    @hookimpl"])
def test_a_hook_may_be_a_static_method(install: Any, mark: str) -> None:
    source = f"class Plugin:\n    {mark}\n    def flumine_add_market(market): ...\n"
    install("static", "[flumine_core]\nstatic = static_hooks:Plugin\n", static_hooks=HOOK + source)
    discovery = Discovery()
    assert [name for name, _ in discovery.load_hook_plugins()] == ["static"]
    assert discovery.candidates("hooks")[0].hooks == ("flumine_add_market",)


def test_a_plugin_that_changes_the_directory_when_imported_changes_nothing(install: Any) -> None:
    source = "import os\nos.chdir('/')\n@hookimpl\ndef flumine_add_market(market): ...\n"
    install("moving", "[flumine_core]\nmoving = moving_hooks\n", moving_hooks=HOOK + source)
    before = Path.cwd()
    assert Discovery().load_hook_plugins()
    assert Path.cwd() == before


def test_what_is_broken_is_told_beside_a_required_plugin_that_is_missing(install: Any) -> None:
    install("broken", "[flumine_core.middleware]\nbroken = broken_middleware\n", broken_middleware="1 / 0\n")
    discovery = Discovery(required=["nobody"])
    with pytest.raises(DiscoveryError, match="nobody"):
        discovery.examine()
    assert [each.name for each in discovery.failures("middleware")] == ["broken"]
