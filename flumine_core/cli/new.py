"""`new`: a whole distribution for one plugin, of which everything works before a line is written."""

import importlib.resources
import keyword
import re
import sys
from pathlib import Path
from string import Template

import attrs
import click

from ..contract import API_VERSION
from ..kernel.entrypoint import group_of
from .choices import Choices, with_choices
from .main import version


@attrs.frozen
class Kind:
    """What differs between plugins of two kinds, apart from their own two templates.

    :ivar entry: what the entry point names in `plugin.py`; "" for the module itself.
    :ivar switch_on: how a user switches it on; `options`: what may be set.
    """

    noun: str
    group: str
    entry: str
    switch_on: str
    options: str


def _named(section: str, options: str) -> str:
    return f'In `flumine.toml`:\n\n```toml\n[[{section}]]\nname = "$module"\n{options}```'


KINDS = {
    "strategy": Kind(
        "strategy",
        "strategies",
        "$class_name",
        "```sh\npython -m flumine_core simulate recorded/*.bz2 --strategy $module --set stake=5\n```",
        "| option | default | |\n|---|---|---|\n| `stake` | 2.0 | pounds of the order |\n"
        "| `seconds_to_start` | 60.0 | how long before the advertised start it may begin |",
    ),
    "trading-control": Kind(
        "trading control",
        "trading_controls",
        "$class_name",
        _named("trading_controls", "most_price = 20.0\n"),
        "| option | default | |\n|---|---|---|\n| `most_price` | 20.0 | the longest price that may be backed |",
    ),
    "client-control": Kind(
        "client control",
        "client_controls",
        "$class_name",
        _named("client_controls", "most_orders = 50\n"),
        "| option | default | |\n|---|---|---|\n| `most_orders` | 50 | how many orders a market may be given |",
    ),
    "middleware": Kind(
        "market middleware",
        "middleware",
        "$class_name",
        _named("middleware", ""),
        'None. Strategies read `market.context["$module"]`.',
    ),
    "worker": Kind(
        "background worker",
        "workers",
        "$class_name",
        _named("workers", "interval = 60.0\n"),
        "| option | default | |\n|---|---|---|\n| `interval` | 60.0 | seconds between two calls |",
    ),
    "logging-control": Kind(
        "logging control",
        "logging_controls",
        "$class_name",
        _named("logging_controls", 'path = "$module.jsonl"\n'),
        "| option | default | |\n|---|---|---|\n| `path` | `$module.jsonl` | the file that is appended to |",
    ),
    "hook": Kind(
        "hook plugin",
        "hooks",
        "",
        'It is on once installed. `-p no:$module`, or `blocked = ["$module"]` under `[plugins]`, keeps it out.',
        "None.",
    ),
    "command": Kind(
        "command",
        "commands",
        "command",
        "```sh\npython -m flumine_core $command --help\n```",
        "See `--help`.",
    ),
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

    :raises UsageError: where it can be no module, or hides one that exists.
    """
    import flumine_core

    words = re.split(r"[-_. ]+", name)
    module = "_".join(words).lower()
    class_name = "".join(word[:1].upper() + word[1:] for word in words)
    if not re.fullmatch(r"[a-z][a-z0-9_]*", module) or keyword.iskeyword(module):
        raise click.BadParameter(f"must be words of letters and digits, a letter first, was {name!r}")
    if module in sys.stdlib_module_names or module in ("flumine_core", "flumine", "tests"):
        raise click.BadParameter(f"{module!r} is the name of another module")
    if class_name in flumine_core.__all__:
        raise click.BadParameter(f"{class_name!r} is the name of a class of flumine_core")
    return {
        "distribution": module.replace("_", "-"),
        "module": module,
        "class_name": class_name,
        "constant": module.upper(),
        "command": module,
    }


def files_of(kind: str, name: str) -> dict[str, str]:
    """Return path and text of each file of a new distribution."""
    about = KINDS[kind]
    names = names_of(name)
    tests = f"pytest --flumine-conformance {names['module']}"
    has_conformance = kind != "command"
    major, minor, *_ = (re.match(r"\d+\.\d+", version()) or re.match(r".*", "0.1"))[0].split(".")  # type: ignore[index]
    values = {
        **names,
        "kind": kind,
        "noun": about.noun,
        "group": group_of(about.group),
        "value": f"{names['module']}.plugin" + (f":{about.entry}" if about.entry else ""),
        "api_version": repr(API_VERSION),
        "least_version": f"{major}.{minor}",
        "next_version": str(int(major) + 1),
        "options": about.options,
        "switch_on": about.switch_on,
        "conformance": f"python -m {tests}\n" if has_conformance else "",
        "conformance_step": f"      - run: python -m {tests}" if has_conformance else "",
    }
    for key in ("value", "options", "switch_on"):
        values[key] = Template(values[key]).substitute(values)
    templates = importlib.resources.files(__package__) / "templates"
    files = {f"{names['module']}/py.typed": ""}
    for template, target in FILES.items():
        source = templates / (Template(template).substitute(values) + ".tmpl")
        text = Template(source.read_text(encoding="utf-8")).substitute(values)
        files[Template(target).substitute(values)] = text.rstrip("\n") + "\n"
    return files


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
    if root.exists() and any(root.iterdir()):
        raise click.UsageError(f"{root} exists and is not empty")
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    click.echo(f"{KINDS[kind].noun} {names['module']!r} written to {root}, next:\n")
    click.echo(f"  python -m pip install -e '{root}[test]'")
    click.echo(f"  python -m pytest {root}")
    click.echo("  python -m flumine_core plugins")
