"""Where the course's two repositories are: its own, and the public one that students get."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from crystalgraph.releasing.holes import ReleaseError

PLACEHOLDER = "YOUR-COURSE/crystalgraph"
"""OWNER/NAME in the solution notebooks, where the release writes the students' repository."""

_HOST_AND_PATH = re.compile(
    r"(?:\w+://)?(?:[^@/\s]+@)?(?:www\.)?(?P<host>[\w.-]+\.\w+)(?::\d+/|[:/])/*(?P<path>[\w./~-]+)"
)


def students_repository(root: Path) -> str:
    """OWNER/NAME of the public repository on GitHub, to which badges and set-up cells lead.

    Args:
        root: the course's folder; the address is in its pyproject.toml.

    Raises:
        ReleaseError: the address is none of a repository on GitHub.
    """
    address = _addresses(root)["students"]
    host, _, path = normalized(address).partition("/")
    if host != "github.com" or path.count("/") != 1:
        raise ReleaseError(
            f"pyproject.toml: students = {address!r} is not the address of a repository on "
            "GitHub, the only place from which Colab's badges open notebooks: write it as "
            "https://github.com/OWNER/NAME"
        )
    return path


def check_addresses(root: Path) -> None:
    """Refuse to give the students' copy away before its address is set.

    Args:
        root: the course's folder.

    Raises:
        ReleaseError: an address is missing or wrong, or both are the same.
    """
    found = _addresses(root)
    students = students_repository(root)
    if students.startswith("YOUR-COURSE/"):
        raise ReleaseError(
            f"pyproject.toml: students = {found['students']!r} is a placeholder, to which the "
            "notebooks' badges would lead: put the address of your public repository in its place"
        )
    if normalized(found["repository"]).lower() == f"github.com/{students}".lower():
        raise ReleaseError(
            f"pyproject.toml: repository and students are both {found['students']!r}, but students "
            "must not see the repository with the solutions: make a second, public one for them"
        )


def normalized(address: str) -> str:
    """An address of a git repository as HOST/PATH; as it is when it has no such form.

    Args:
        address: as a browser or git writes it.
    """
    match = _HOST_AND_PATH.fullmatch(address.strip().rstrip("/"))
    if match is None:
        return address.strip()
    path = match["path"].strip("/").removesuffix(".git")
    return f"{match['host'].lower()}/{path}"


def _addresses(root: Path) -> dict[str, str]:
    """`repository` and `students` of pyproject.toml."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    found = project.get("tool", {}).get("crystalgraph", {})
    for name in ("repository", "students"):
        if not isinstance(found.get(name), str):
            raise ReleaseError(
                f'pyproject.toml has no {name} = "https://github.com/OWNER/NAME" below '
                "[tool.crystalgraph]"
            )
    return found
