"""The house is for many labs: only a lab's own folders know its name, tasks and notebooks."""

import ast
import re

import pytest

from crystalgraph.labs import LABS
from crystalgraph.paths import PACKAGE, REPO

KNOWS_LABS = (
    *(f"crystalgraph/labs/{folder}/" for folder in LABS),
    "crystalgraph/labs/__init__.py",
    "crystalgraph/old_names.py",
    "crystalgraph/course/old_notebooks.py",
)
MODULES = sorted(path.relative_to(REPO).as_posix() for path in PACKAGE.rglob("*.py"))
LAB_FREE = [name for name in MODULES if not name.startswith(KNOWS_LABS)]
ALSO_A_WORD = {"features", "symmetry", "trust"}
"""Names of labs that crystals have a use for too."""
ALSO_A_KEY = {"features"}
"""Of these, the ones that are keys of records and settings too, in quotes."""


def as_a_name(name):
    """Where a text speaks of a lab: everywhere, or in quotes and paths if it is a word as well."""
    if name not in ALSO_A_WORD:
        return rf"\b{name}\b"
    quoted = "" if name in ALSO_A_KEY else rf"""["'`]{name}["'`]|"""
    return rf"""{quoted}\b(?:labs|solutions|assignments|work)\W+{name}\b|\blab `?{name}\b"""


def words():
    """What only a lab may say: its name, its files, the ids of its tasks in quotes."""
    for lab in LABS.values():
        yield from {as_a_name(name) for name in (lab.id, lab.folder)}
        yield from (rf"\b{re.escape(name.partition('.')[0])}\b" for name in lab.files)
        yield from (rf"""(?:["'`]|[Tt]ask ){re.escape(task)}\b""" for task in lab.tasks)


@pytest.mark.parametrize("name", [*LAB_FREE, "start.py", "nbgrader_config.py"])
def test_no_module_outside_of_a_lab_names_one(name):
    text = (REPO / name).read_text(encoding="utf-8")
    found = [
        f"line {text.count(chr(10), 0, one.start()) + 1}: {one.group()}"
        for one in re.finditer("|".join(words()), text)
    ]
    assert not found


@pytest.mark.parametrize(
    "text",
    ['find_lab("symmetry")', "labs/symmetry/cases", "labs.symmetry", "the lab symmetry", "hw"]
    + ["labs/features/tasks.py", "the lab `features`"],
)
def test_a_lab_is_recognized_by_its_name(text):
    assert re.search("|".join(words()), text)
    assert not re.search("|".join(words()), "from crystalgraph.crystals.symmetry import quotient")


def imported(name):
    """The modules that a module imports, wherever in it that is written."""
    tree = ast.parse((REPO / name).read_text(encoding="utf-8"))
    package = name.removesuffix(".py").split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("room", ["checking", "sandbox"])
def test_the_engine_imports_no_lab(room):
    inside = [name for name in MODULES if name.startswith(f"crystalgraph/{room}/")]
    assert inside
    wrong = {
        name: [one for one in imported(name) if one.startswith("crystalgraph.labs")]
        for name in inside
    }
    assert not {name: found for name, found in wrong.items() if found}


def test_what_is_the_instructors_is_imported_by_name_alone():
    """Nothing outside of an instructor's folder imports what is in one, except Lab.instructor."""
    outside = [name for name in MODULES if "/instructor/" not in name]
    wrong = {
        name: [one for one in imported(name) if ".instructor" in one and "labs." in one]
        for name in outside
    }
    assert not {name: found for name, found in wrong.items() if found}


def test_a_lab_imports_no_other_lab():
    for lab in LABS.values():
        others = tuple(
            f"crystalgraph.labs.{other.folder}" for other in LABS.values() if other is not lab
        )
        for name in MODULES:
            if name.startswith(f"crystalgraph/labs/{lab.folder}/"):
                assert not [one for one in imported(name) if one.startswith(others or " ")], name


def test_no_two_files_of_tests_have_one_name():
    """Else pytest leaves the second one out with an error of its own."""
    names = [path.name for path in (REPO / "tests").rglob("test_*.py")]
    assert sorted(set(names)) == sorted(names)
