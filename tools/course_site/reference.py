"""Pages of the library's rooms; Sphinx fills them from the docstrings."""

import ast
from pathlib import Path

from course_site.pages import table_of_contents
from crystalgraph.labs.lab import hidden_in_sandbox
from crystalgraph.paths import PACKAGE, REPO

ROOMS = {
    "crystals": "Elements, features, graphs and data sets",
    "networks": "Training, scores, checkpoints and published weights",
    "experiments": "Named training runs, baselines and verdicts",
    "figures": "What several labs draw",
    "checking": "The engine of the checks",
}
"""Folder of crystalgraph/ -> what is inside. Students have all of them."""


def stage_reference(folder: Path) -> None:
    """Write a page for each room and each of its modules.

    Args:
        folder: of the site's sources.
    """
    top = folder / "reference"
    top.mkdir()
    text = [
        "(reference-page)=",
        "# Reference",
        "",
        "What notebooks and commands call, from the docstrings.",
        "",
    ]
    text += [table_of_contents([f"{room}/index" for room in ROOMS])]
    (top / "index.md").write_text("\n".join(text), encoding="utf-8")
    for room, what in ROOMS.items():
        _stage_room(room, what, top / room)


def _stage_room(room: str, what: str, folder: Path) -> None:
    folder.mkdir()
    rows = []
    for path in sorted((PACKAGE / room).rglob("*.py")):
        if set(path.parents) & set(hidden_in_sandbox()):
            continue  # a layer of the engine is near to what a task asks for
        summary = _summary(path)
        module = ".".join(path.relative_to(REPO).with_suffix("").parts).removesuffix(".__init__")
        page = module.removeprefix(f"crystalgraph.{room}").strip(".") or room
        (folder / f"{page}.md").write_text(_page(module), encoding="utf-8")
        rows.append((page, module, summary))
    text = [f"# {what}", "", "| module | what it has |", "|---|---|"]
    text += [f"| [{module}]({page}.md) | {summary} |" for page, module, summary in rows]
    text += ["", table_of_contents([page for page, _, _ in rows])]
    (folder / "index.md").write_text("\n".join(text), encoding="utf-8")


def _summary(path: Path) -> str:
    """The first sentence of a module's docstring."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(docstring.partition("\n\n")[0].split())


def _page(module: str) -> str:
    name = module.removeprefix("crystalgraph.")
    lines = [f"# {name}", "", "```{eval-rst}", f".. automodule:: {module}", "   :members:"]
    return "\n".join([*lines, "   :member-order: bysource", "```", ""])
