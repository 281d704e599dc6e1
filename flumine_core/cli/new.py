"""`new`: a whole distribution for one plugin, of which everything works before a line is written."""

import importlib.resources
import keyword
import re
import shlex
import sys
from pathlib import Path
from string import Template
from typing import NamedTuple

import click
from importlib_metadata import packages_distributions

from ..contract import API_VERSION
from ..errors import StreamError
from ..kernel.entrypoint import group_of, read_entry_rows
from .choices import Choices, with_choices
from .lazy import BUILT_IN
from .main import version


class Kind(NamedTuple):
    """What differs between plugins of two kinds, apart from their own templates.

    :ivar group: what follows `flumine_core.` in the entry-point group.
    :ivar needs: what its template imports beside flumine_core.
    :ivar entry: what the entry point names in `plugin.py`; "" for the module itself.
    """

    noun: str
    group: str
    entry: str = "$class_name"
    needs: str = ""


KINDS = {
    "strategy": Kind("strategy", "strategies"),
    "trading-control": Kind("trading control", "trading_controls"),
    "client-control": Kind("client control", "client_controls"),
    "middleware": Kind("market middleware", "middleware"),
    "worker": Kind("background worker", "workers", needs="loguru>=0.7,<0.8"),
    "logging-control": Kind("logging control", "logging_controls"),
    "hook": Kind("hook plugin", "hooks", "", "loguru>=0.7,<0.8"),
    "command": Kind("command", "commands", "command", "click>=8.1,<9"),
}
"""Kind as it is asked for -> what goes with it."""

FILES = {
    "shared/pyproject.toml": "pyproject.toml",
    "shared/README.md": "README.md",
    "shared/gitignore": ".gitignore",
    "shared/test.yml": ".github/workflows/test.yml",
    "shared/package.py": "$module/__init__.py",
    "$kind/plugin.py": "$module/plugin.py",
    "$kind/test_plugin.py": "tests/test_plugin.py",
}
"""Template -> where it goes."""


def names_of(name: str) -> dict[str, str]:
    """Return distribution, module, class and constant after a plugin's name.

    :raises BadParameter: where it can be no module, or hides one that exists.
    """
    words = re.split(r"[-_. ]+", name)
    module = "_".join(words).lower()
    if not re.fullmatch(r"[a-z][a-z0-9_]*", module):
        raise click.BadParameter(f"must be words of letters and digits, a letter first, was {name!r}")
    if keyword.iskeyword(module):
        raise click.BadParameter(f"{module!r} is a word of Python's own, no module can be called that")
    distribution = module.replace("_", "-")
    plugins = {row.distribution for row in read_entry_rows()}  # one that was written before may be written again
    others = set(packages_distributions().get(module, ())) - plugins
    if module in sys.stdlib_module_names or module in ("flumine_core", "flumine", "test", "tests") or others:
        raise click.BadParameter(f"{module!r} is the name of another module")
    return {
        "distribution": distribution,
        "module": module,
        "class_name": "".join(word[:1].upper() + word[1:] for word in words),
        "constant": module.upper(),
    }


def files_of(kind: str, name: str) -> dict[str, str]:
    """Return path and text of each file of a new distribution.

    :raises BadParameter: where the name cannot be used.
    """
    about, names = KINDS[kind], names_of(name)
    if kind == "command" and names["module"] in BUILT_IN:
        raise click.BadParameter(f"{names['module']!r} is the name of a built-in command")
    if names["module"] in {row.name for row in read_entry_rows() if row.distribution == "flumine_core"}:
        raise click.BadParameter(f"{names['module']!r} is the name of a plugin of flumine_core's own")
    installed = re.match(r"(\d+)\.(\d+)", version())
    major, minor = installed.groups() if installed else ("0", "1")
    values = {
        **names,
        "kind": kind,
        "noun": about.noun,
        "group": group_of(about.group),
        "value": f"{names['module']}.plugin" + (f":{Template(about.entry).substitute(names)}" if about.entry else ""),
        "needs": f', "{about.needs}"' if about.needs else "",
        "api_version": repr(API_VERSION),
        "least_version": f"{major}.{minor}",
        "next_version": str(int(major) + 1),
    }
    values["use"] = _filled("$kind/use.md", values)
    files = {f"{names['module']}/py.typed": ""}
    for template, target in FILES.items():
        files[Template(target).substitute(values)] = _filled(template, values) + "\n"
    imports = re.findall(r"^(?:from|import) .*", files[f"{names['module']}/plugin.py"], re.M)
    if names["class_name"] in re.findall(r"\w+", " ".join(imports)):
        raise click.BadParameter(f"{names['class_name']!r} is the name of a class that the plugin uses")
    return files


def _filled(template: str, values: dict[str, str]) -> str:
    path = importlib.resources.files(__package__) / "templates" / (Template(template).substitute(values) + ".tmpl")
    return Template(path.read_text(encoding="utf-8")).substitute(values).rstrip("\n")


@click.command()
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.argument("name")
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Where the distribution's directory is made; here if not given.",
)
@with_choices
def command(choices: Choices, kind: str, name: str, directory: Path) -> None:
    """Write a distribution for a plugin: package, entry point, README, tests, CI.

    NAME is what users will call it, such as price-cap; its module, class and distribution are named after it. All that
    is written works: install it, run its tests, then change it.
    """
    files = files_of(kind, name)
    names = names_of(name)
    root = directory / names["distribution"]
    try:
        if root.exists() and any(root.iterdir()):
            raise click.UsageError(f"{root} exists and is not empty")
        for path, text in files.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StreamError(f"cannot write to {root}: {error.strerror or error}") from error
    click.echo(f"{KINDS[kind].noun} {names['module']!r} written to {root}, next:\n")
    click.echo(f"  python -m pip install -e {shlex.quote(f'{root}[test]')}")
    click.echo(f"  python -m pytest {shlex.quote(str(root))}")
    click.echo("  python -m flumine_core plugins")
