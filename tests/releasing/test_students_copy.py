"""The students' copy: nothing of the instructor's is in it, and what a student needs works."""

import ast
import os
import re
import subprocess
import sys
import zipfile

import nbformat
import pytest

from crystalgraph.labs import LABS
from crystalgraph.labs.lab import is_secret
from crystalgraph.paths import REPO
from crystalgraph.releasing.address import students_repository
from crystalgraph.releasing.holes import ReleaseError
from crystalgraph.releasing.leaks import find_leaks, reference_secrets
from crystalgraph.releasing.students_copy import ZIP_FOLDER, pack, write_folder

FIRST = next(iter(LABS.values()))


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The unpacked zip of the students' copy."""
    folder = tmp_path_factory.mktemp("students")
    assert pack(REPO, folder / "course.zip") > 20
    with zipfile.ZipFile(folder / "course.zip") as archive:
        archive.extractall(folder)
    return folder / ZIP_FOLDER


def run(copy, *command, timeout=300):
    """A Python program in the copy, with the copy's library."""
    variables = os.environ | {"PYTHONPATH": str(copy)}
    return subprocess.run(
        [sys.executable, *command],
        cwd=copy,
        env=variables,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def names_in(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_the_copy_has_nothing_of_the_instructor(copy):
    names = names_in(copy)
    released = {f"assignments/{lab.id}/{name}" for lab in LABS.values() for name in lab.files}
    models = {lab.model_file for lab in LABS.values() if lab.model_file}
    assert {"start.py", "pyproject.toml", "data/perovskites", *released, *models} <= names
    assert {"examples/README.md", "examples/own_folder.py"} <= names
    references = {lab.reference for lab in LABS.values() if lab.reference}
    for name in (*references, "solutions", "tests", "tools", "nbgrader_config.py", "benchmarks"):
        assert name not in names
    assert not [name for name in names if "hidden" in name or "rubric" in name]
    assert not [name for name in names if "instructor" in name.split("/")]
    assert not [name for name in names if name.startswith("crystalgraph/grading")]
    assert not [name for name in names if name.startswith("crystalgraph/releasing")]
    sandbox = {name for name in names if name.startswith("crystalgraph/sandbox/")}
    assert sandbox == {f"crystalgraph/sandbox/{name}.py" for name in ("__init__", "forks")}
    secrets = {line for lab in LABS.values() for line in reference_secrets(lab, REPO)}
    for name in names:
        if name.endswith((".py", ".md", ".ipynb")):
            assert not find_leaks((copy / name).read_text("utf-8"), secrets), name


def test_the_secret_folders_are_those_of_the_instructor():
    for lab in LABS.values():
        home = lab.home.relative_to(REPO)
        assert is_secret(home / "instructor") and is_secret(home / "instructor" / "x" / "y.py")
        assert not any(is_secret(home / name) for name in ("tasks.py", "cases/1.npz", "checks"))
        assert lab.hidden_folder.relative_to(lab.home).parts[0] == "instructor"


def test_the_zip_is_reproducible(copy):
    again = copy.parent / "again.zip"
    pack(REPO, again)
    assert again.read_bytes() == (copy.parent / "course.zip").read_bytes()


def test_a_folder_holds_what_the_zip_holds_and_loses_what_is_gone(copy, tmp_path):
    folder = tmp_path / "students"
    n_files, n_deleted = write_folder(REPO, folder)
    assert in_folder(folder) == names_in(copy) - caches(copy)
    assert n_deleted == 0 and n_files > 20
    for name in ("old.py", f"assignments/{FIRST.id}/old.ipynb", "assignments/old/1.ipynb"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("old")
    (folder / "work").mkdir()
    (folder / "work" / "mine.ipynb").write_text("mine")
    (folder / "start.py").write_text("changed")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "before")
    assert write_folder(REPO, folder) == (n_files, 3)
    staged = git(folder, "diff", "--cached", "--name-status").splitlines()
    old = sorted(["assignments/old/1.ipynb", f"assignments/{FIRST.id}/old.ipynb", "old.py"])
    assert staged == [*(f"D\t{name}" for name in old), "M\tstart.py"]
    assert (folder / "start.py").read_bytes() == (REPO / "start.py").read_bytes()
    assert (folder / "work" / "mine.ipynb").exists()
    assert not (folder / "old.py").exists() and not (folder / "assignments" / "old").exists()


def in_folder(folder):
    """The names in a folder that is a git repository, without git's own."""
    return {name for name in names_in(folder) if name.split("/")[0] != ".git"}


def git(folder, *arguments):
    """What git prints."""
    who = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
    command = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_a_clone_of_another_repository_is_left_alone(tmp_path):
    git(tmp_path, "init", "--quiet")
    git(
        tmp_path,
        "remote",
        "add",
        "origin",
        "git@github.com:YOUR-COURSE/crystalgraph-with-solutions",
    )
    with pytest.raises(ReleaseError, match="is a clone of github.com/.*-with-solutions, but"):
        write_folder(REPO, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".git"]
    address = f"https://github.com/{students_repository(REPO)}.git"
    git(tmp_path, "remote", "set-url", "origin", address)
    assert write_folder(REPO, tmp_path)[0] > 20


def test_what_git_refuses_is_said(tmp_path):
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".git" / "index.lock").touch()
    with pytest.raises(ReleaseError, match=r"git add failed in .*index\.lock"):
        write_folder(REPO, tmp_path)


def test_the_readme_speaks_of_what_is_in_the_copy(copy):
    text = (copy / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (copy / target).exists(), target
    for name in ("solutions/", "model.py", "tests/", "tools/", "instructors.md", "grading.md"):
        assert name not in text
    commands = re.findall(r"start\.py (\w+)", text)
    assert commands
    for command in commands:
        done = run(copy, "-m", "crystalgraph", command, "--help")
        assert done.returncode == 0, done.stderr


def caches(copy):
    """What running programs in the copy left there."""
    return {name for name in names_in(copy) if "__pycache__" in name or name.startswith("work")}


@pytest.mark.parametrize("name", ["thesis.tex", "start.py"])
def test_a_folder_with_something_else_is_left_alone(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(ReleaseError, match="holds something else than a students' copy"):
        write_folder(REPO, tmp_path)
    with pytest.raises(ReleaseError, match="holds something else than a students' copy"):
        write_folder(REPO, REPO)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    "command, sentence",
    [
        (["grade", ".", "--assignment", FIRST.id], "grading needs the instructor's copy"),
        (["release"], "a release needs the instructor's copy"),
    ],
    ids=lambda part: part[0] if isinstance(part, list) else "",
)
def test_what_only_instructors_do_is_refused_in_a_sentence(copy, command, sentence):
    done = run(copy, "-m", "crystalgraph", *command)
    assert done.returncode == 2
    assert done.stderr.startswith(f"crystalgraph {command[0]}: {sentence}")
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("lab", LABS.values(), ids=lambda lab: lab.folder)
def test_a_student_can_begin(copy, lab):
    """The lab is handed out, its notebooks find all that they import, and the board starts."""
    done = run(copy, "-m", "crystalgraph", "lab", lab.id, "--prepare-only")
    assert done.returncode == 0, done.stderr
    work = copy / "work" / lab.id
    assert set(lab.files) <= names_in(work)
    for name in lab.notebooks.values():
        done = run(copy, "-c", imports_of(work / name))
        assert done.returncode == 0, done.stderr
    done = run(copy, "-m", "crystalgraph", "check", str(work))
    assert done.returncode == 1, done.stdout + done.stderr
    assert all(task.id in done.stdout for task in lab.tasks.values())
    assert str(copy.parent) not in done.stderr


def imports_of(path):
    """A program that imports what a notebook imports, in the notebook's folder."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    lines = [
        ast.unparse(node)
        for cell in cells
        for node in ast.parse(re.sub(r"^(\s*)[!%].*$", r"\1pass", cell.source, flags=re.M)).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert lines
    return "\n".join([f"import os; os.chdir({str(path.parent)!r})", *lines])
