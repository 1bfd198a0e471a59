"""Which files of the course are pages of the site, and where their links lead there.

Only what is listed here gets onto the site: solutions, hidden cases, the commentary and the rubric
are in none of these folders.
"""

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from crystalgraph.errors import CrystalGraphError
from crystalgraph.paths import REPO

GUIDES = {
    "docs/instructors.md": "guides/instructors.md",
    "docs/grading.md": "guides/grading.md",
    "docs/grading_security.md": "guides/grading_security.md",
    "SECURITY.md": "guides/security.md",
    "docs/jupyterhub.md": "guides/jupyterhub.md",
    "CONTRIBUTING.md": "guides/contributing.md",
    "docs/architecture.md": "guides/architecture.md",
}
"""File of the course -> page of the site, in the order of the menu."""

_LINK = re.compile(r"(!?)\[((?:[^\]\[]|\[[^\]]*\])*)\]\(([^)\s#:]+)(#[^)\s]*)?\)")


def public_files() -> dict[str, str]:
    """What the site shows as it is: file of the course -> place in the site's sources."""
    files = {"docs/index.md": "index.md", "docs/tasks.md": "labs/tasks.md", **GUIDES}
    files |= {"data/README.md": "data/index.md"}
    for path in sorted((REPO / "data").glob("*/README.md")):
        files[path.relative_to(REPO).as_posix()] = f"data/{path.parent.name}.md"
    for path in sorted((REPO / "docs" / "pictures").glob("*.png")):
        files[path.relative_to(REPO).as_posix()] = f"pictures/{path.name}"
    return files


def stage_public_files(folder: Path) -> None:
    """Copy the files into the site's sources; pages with their links made to lead there.

    Args:
        folder: of the sources.
    """
    files = public_files()
    for name, place in files.items():
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix == ".md":
            text = (REPO / name).read_text(encoding="utf-8")
            target.write_text(relinked(text, name, files), encoding="utf-8")
        else:
            shutil.copyfile(REPO / name, target)
    _add_tables_of_contents(folder)


def _add_tables_of_contents(folder: Path) -> None:
    """Make the guides and the data sets known to the menu."""
    guides = table_of_contents([Path(place).stem for place in GUIDES.values()])
    (folder / "guides" / "index.md").write_text(
        f"(guides-page)=\n# Guides\n\n{guides}", encoding="utf-8"
    )
    sets = sorted(path.stem for path in (folder / "data").glob("*.md") if path.stem != "index")
    with (folder / "data" / "index.md").open("a", encoding="utf-8") as page:
        page.write(f"\n## All data sets\n\n{table_of_contents(sets)}")


def relinked(text: str, name: str, files: Mapping[str, str]) -> str:
    """A page with links that fit the site; what is not on the site is named without a link.

    Args:
        text: of the page, Markdown.
        name: its file, relative to the course's folder.
        files: file of the course -> place in the site's sources.
    """

    def moved(link: re.Match) -> str:
        sign, words, target, anchor = link.groups()
        wanted = os.path.normpath(PurePosixPath(name).parent / target).replace(os.sep, "/")
        if wanted not in files:
            return words
        place = os.path.relpath(files[wanted], PurePosixPath(files[name]).parent)
        return f"{sign}[{words}]({place.replace(os.sep, '/')}{anchor or ''})"

    return _LINK.sub(moved, text)


def section(name: str, heading: str) -> str:
    """What stands below a heading of a file, up to the next heading of its level.

    Args:
        name: of the file, relative to the course's folder.
        heading: the whole line, such as "## The labs".

    Raises:
        CrystalGraphError: the file has no such heading.
    """
    level = heading.partition(" ")[0]
    _, found, rest = (REPO / name).read_text(encoding="utf-8").partition(f"\n{heading}\n")
    if not found:
        raise CrystalGraphError(
            f"{name} has no heading {heading!r}, below which the site looks for its text: put it "
            "back, or name another one in tools/course_site."
        )
    return rest.partition(f"\n{level} ")[0].strip()


def table_of_contents(entries: Sequence[str]) -> str:
    """A list of links to pages, which is also the menu.

    Args:
        entries: pages without their endings, relative to this page.
    """
    return "\n".join(["```{toctree}", ":maxdepth: 1", "", *entries, "```", ""])
