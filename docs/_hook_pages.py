"""Makes one page of the documentation for every hook, from the hook specifications and the plugins that use it.

MkDocs calls `on_config`, `on_files` and `on_page_markdown` (https://www.mkdocs.org/user-guide/configuration/#hooks).
"""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flumine_core.contract import hookspecs

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "docs" / "examples"
LINES = ("Returns", "Order", "Rate", "Thread", "On error")


def hooks() -> dict[str, Any]:
    """Return the hook specifications by name, in the order of a run's life."""
    return {name: function for name, function in vars(hookspecs).items() if name.startswith("flumine_")}


def sources() -> dict[str, Path]:
    """Return the source files that may hold a hook plugin: path in the documentation -> file."""
    found = {f"examples/{path.name}": path for path in sorted(EXAMPLES.glob("*.py"))}
    for path in sorted(ROOT.glob("plugins/*/*/**/*.py")):
        if "tests" not in path.parts:
            found[f"sources/{path.relative_to(ROOT / 'plugins').as_posix()}"] = path
    for path in sorted(ROOT.glob("flumine_core/*/plugin.py")):
        if "testing" not in path.parts:
            found[f"sources/{path.relative_to(ROOT).as_posix()}"] = path
    return found


def users_of(hook: str) -> dict[str, Path]:
    """Return the sources of plugins that implement a hook."""
    return {uri: path for uri, path in sources().items() if re.search(rf"def {hook}\(", path.read_text())}


def page_of(hook: str) -> str:
    """Return a hook's page."""
    function = hooks()[hook]
    text = inspect.getdoc(function) or ""
    options = getattr(function, hookspecs.PROJECT + "_spec")
    lines = [f"# {hook}", "", text.partition("\n")[0], "", "```text", f"{hook}{inspect.signature(function)}", "```", ""]
    if options["firstresult"]:
        lines += ["The first result that is not None counts.", ""]
    lines += ["| argument | |", "|---|---|", *(f"| `{name}` | {about} |" for name, about in _parameters(text)), ""]
    lines += ["| | |", "|---|---|", *(f"| {line} | {_of_line(text, line)} |" for line in LINES), ""]
    lines += ["## A plugin that uses it", ""]
    users = users_of(hook)
    for uri, path in users.items():
        if path.parent == EXAMPLES:
            lines += [f"[{path.name}](../{uri})", "", "```python", path.read_text().rstrip("\n"), "```", ""]
    for uri, path in users.items():
        if path.parent != EXAMPLES:
            lines += [f"- in use: [{path.relative_to(ROOT).as_posix()}](../{uri})"]
    lines += ["", f"`python -m flumine_core hooks {hook}` prints this, with the plugins that are installed."]
    return "\n".join(lines) + "\n"


def _parameters(text: str) -> Iterator[tuple[str, str]]:
    head = text.partition("\nReturns: ")[0]
    for name, about in re.findall(r":param (\w+):\s*(.*?)(?=:param|\Z)", head, re.S):
        yield name, " ".join(about.split()).rstrip(";")


def _of_line(text: str, line: str) -> str:
    found = re.search(rf"^{line}: (.*(?:\n(?! *\w[\w ]*: ).*)*)", text, re.M)
    return " ".join(found[1].split()) if found else ""


def on_files(files: Any, config: Any) -> Any:
    """Add the pages, and the sources that they link."""
    from mkdocs.structure.files import File

    for hook in hooks():
        files.append(File.generated(config, f"hooks/{hook}.md", content=page_of(hook)))
    for uri, path in sources().items():
        if uri.startswith("sources/"):
            files.append(File.generated(config, uri, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Link each hook in the table of hooks to its page."""
    if page.file.src_uri != "hooks.md":
        return markdown
    return re.sub(r"^\| `(flumine_\w+)` \|", r"| [`\1`](hooks/\1.md) |", markdown, flags=re.M)


def on_config(config: Any) -> Any:
    """List the pages behind the table of hooks."""
    for section in config.nav:
        for title, pages in section.items() if isinstance(section, dict) else ():
            if title == "Reference":
                pages.append({"Every hook": [f"hooks/{hook}.md" for hook in hooks()]})
    return config
