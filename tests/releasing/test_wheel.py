"""The library where several people use it: from a wheel, or in the folder of somebody else."""

import os
import shutil
import subprocess
import sys
import zipfile

import pytest

from crystalgraph.labs import LABS
from crystalgraph.labs.lab import is_secret
from crystalgraph.paths import REPO
from crystalgraph.releasing.leaks import find_leaks, reference_secrets

FIRST = next(iter(LABS.values()))
SOURCES = ("crystalgraph", "data", "assignments", "model_hw.py", "model.py", "solutions")
PROJECT = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE")
SDIST = "from setuptools import build_meta; build_meta.build_sdist('dist')"


def wheel_of(source, into):
    """Build a wheel of a folder or a source archive, and unpack it."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--wheel-dir", str(into / "wheels"), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    (wheel,) = (into / "wheels").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(into / "installed")
    return into / "installed"


def names_in(folder):
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """The whole repository, solutions too, and what an earlier build has left there."""
    folder = tmp_path_factory.mktemp("sources")
    for name in (*SOURCES, *PROJECT):
        copy = shutil.copytree if (REPO / name).is_dir() else shutil.copyfile
        copy(REPO / name, folder / name)
    old = folder / "build" / "lib" / "crystalgraph" / "labs" / FIRST.folder / "instructor"
    old.mkdir(parents=True)
    (old / "answers.py").write_text("")
    return folder


@pytest.fixture(scope="module")
def installed(sources, tmp_path_factory):
    """A folder with what the wheel installs."""
    return wheel_of(sources, tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def run(tmp_path):
    """Call a Python program of a user with an empty home."""
    (tmp_path / "home").mkdir()

    def call(library, *command, walls=()):
        variables = os.environ | {"PYTHONPATH": str(library), "HOME": str(tmp_path / "home")}
        program = [*walls, sys.executable, "-P", *command]
        options = {"cwd": tmp_path, "env": variables, "timeout": 300}
        return subprocess.run(program, capture_output=True, text=True, **options)

    return call


def test_the_wheel_is_a_students_copy(installed):
    names = names_in(installed)
    secrets = {line for lab in LABS.values() for line in reference_secrets(lab, REPO)}
    for name in names:
        assert not is_secret(name), name
        assert name.parts[:2] not in [("crystalgraph", "grading"), ("crystalgraph", "releasing")]
        if name.suffix in (".py", ".md", ".ipynb"):
            assert not find_leaks((installed / name).read_text(encoding="utf-8"), secrets), name
    assert not [name for name in names if name.name == FIRST.reference]


def test_a_source_archive_gives_the_same_wheel(sources, installed, tmp_path):
    subprocess.run([sys.executable, "-c", SDIST], cwd=sources, check=True, capture_output=True)
    (archive,) = (sources / "dist").iterdir()
    assert names_in(wheel_of(archive, tmp_path)) == names_in(installed)


def test_labs_and_data_are_in_the_wheel(installed, run, tmp_path):
    done = run(installed, "-m", "crystalgraph", "lab", FIRST.id, "--prepare-only")
    assert done.returncode == 0, done.stderr
    work = tmp_path / "home" / "crystalgraph" / FIRST.id
    assert set(FIRST.files) <= {path.name for path in work.iterdir()}
    done = run(installed, "-m", "crystalgraph", "check")
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith(str(work))
    code = "from crystalgraph.crystals.datasets import load_perovskites as f; print(len(f().ids))"
    assert run(installed, "-c", code).stdout == "700\n"
    assert not [path for path in installed.rglob("*") if path.name in ("work", ".cache")]


@pytest.mark.parametrize("command", [["release"], ["grade", ".", "--assignment", FIRST.id]])
def test_what_only_instructors_do_is_a_sentence(installed, run, command):
    done = run(installed, "-m", "crystalgraph", *command)
    assert done.returncode == 2
    assert "needs the instructor's copy" in done.stderr and done.stderr.count("\n") == 1


def test_a_course_folder_of_somebody_else_is_only_read(run, tmp_path):
    bubblewrap = shutil.which("bwrap")
    if bubblewrap is None:
        pytest.skip("bwrap is not installed; it makes the folder one that cannot be written")
    walls = [bubblewrap, "--ro-bind", "/", "/", "--dev", "/dev", "--bind", *[str(tmp_path)] * 2]
    done = run(REPO, "-m", "crystalgraph", "lab", FIRST.id, "--prepare-only", walls=walls)
    assert done.returncode == 0, done.stderr
    work = tmp_path / "home" / "crystalgraph" / FIRST.id
    assert set(FIRST.files) <= {path.name for path in work.iterdir()}
