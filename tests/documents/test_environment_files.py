"""pyproject.toml, requirements.lock, environment.yml, CITATION.cff and the package agree."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import crystalgraph

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
import start  # noqa: E402

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
# conda-forge's name: the package index's name
CONDA_NAMES = {"pytorch": "torch", "pytorch_geometric": "torch-geometric"}

# What a package is imported as, where that is not its own name; and packages that come with one
# that is declared (IPython with ipykernel).
DECLARED_AS = {
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
    "torch_geometric": "torch-geometric",
    "mp_api": "mp-api",
    "IPython": "ipykernel",
    "jinja2": "nbconvert",
    "markupsafe": "nbconvert",
    "traitlets": "nbconvert",
    "sqlalchemy": "nbgrader",
    "psutil": "ipykernel",
    "dask": "distributed",
    "mistune": "nbconvert",
    "jupyter_client": "nbclient",
    "spglib": "pymatgen",
    "dateutil": "pandas",
}


def ranges(lines):
    """Requirement lines as {name: set of its conditions}."""
    parsed = [Requirement(line) for line in lines]
    return {req.name.lower(): {str(part) for part in req.specifier} for req in parsed}


def extra(name):
    return PROJECT["project"]["optional-dependencies"][name]


def conda_lines():
    return [line for line in CONDA["dependencies"] if isinstance(line, str)]


def pip_lines():
    return next(line["pip"] for line in CONDA["dependencies"] if isinstance(line, dict))


def test_conda_and_pip_ask_for_the_same_packages_in_the_same_ranges():
    conda = {CONDA_NAMES.get(name, name): part for name, part in ranges(conda_lines()).items()}
    python = conda.pop("python")
    conda.pop("pip")
    assert conda == ranges(PROJECT["project"]["dependencies"] + extra("test"))
    assert python == {PROJECT["project"]["requires-python"]}


def test_conda_installs_the_rest_by_pip():
    *packages, project = pip_lines()
    assert ranges(packages) == ranges(extra("published"))
    assert project == "-e ."


def locked():
    """name -> the lines of the lock file for it (several where Pythons need other versions)."""
    found = {}
    for line in LOCK:
        if not line.startswith("#"):
            requirement = Requirement(line)
            found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


def test_the_lock_file_has_a_version_in_range_of_everything_that_is_asked_for():
    lines = [line for name in PROJECT["tool"]["uv"]["pip"]["extra"] for line in extra(name)]
    assert {"test", "grade", "dev"} <= set(PROJECT["tool"]["uv"]["pip"]["extra"])
    versions = locked()
    for line in PROJECT["project"]["dependencies"] + lines:
        asked = Requirement(line)
        if asked.name == "torch":
            continue
        for requirement in versions[canonicalize_name(asked.name)]:
            (pin,) = requirement.specifier
            assert pin.operator == "==" and asked.specifier.contains(pin.version), line


def test_the_lock_file_leaves_pytorch_and_cuda_to_start():
    apart = ("torch", "triton", "nvidia", "cuda")
    assert [name for name in locked() if name.startswith(apart)] == ["torch-geometric"]  # Python
    assert PROJECT["tool"]["uv"]["constraint-dependencies"] == [f"torch=={start.TORCH_PIN}"]


def test_the_lock_file_names_its_command_and_no_package_index():
    assert LOCK[1].strip("# ") == PROJECT["tool"]["uv"]["pip"]["custom-compile-command"]
    assert not [line for line in LOCK if "://" in line or line.startswith("-")]


@pytest.mark.parametrize("version", ["3.11.0", "3.11.9", "3.12.4", "3.13.0", "3.14.0"])
@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_each_python_gets_one_version_of_a_package(version, system):
    python = {
        "python_full_version": version,
        "python_version": version.rpartition(".")[0],
        "sys_platform": system,
        "os_name": "nt" if system == "win32" else "posix",
        "platform_system": {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}[system],
    }
    for name, lines in locked().items():
        fitting = [one for one in lines if one.marker is None or one.marker.evaluate(python)]
        assert len(fitting) <= 1, name
        assert fitting or all(one.marker for one in lines)


@pytest.mark.parametrize("version", ["2.3.0", "2.6.0", "2.13.0", "2.13.0+cpu"])
def test_the_range_of_torch_admits(version):
    torch = next(
        Requirement(line) for line in PROJECT["project"]["dependencies"] if "torch" in line
    )
    assert torch.specifier.contains(version)


def test_one_version_number():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert PROJECT["project"]["version"] == crystalgraph.__version__ == citation["version"]
    assert citation["references"][0]["start"] == "145301"


def test_the_repository_is_set_once_and_looks_like_one():
    url = PROJECT["tool"]["crystalgraph"]["repository"]
    assert re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", url)


COLAB = "google"  # google.colab is on Colab's machines and cannot be installed


def imported_names(path):
    """The top-level modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.split(".")[0]


def test_the_library_imports_nothing_that_is_not_declared():
    lines = [*PROJECT["project"]["dependencies"]]
    lines += [line for name in ("published", "mp", "bench", "grade", "ase") for line in extra(name)]
    known = set(ranges(lines)) | set(sys.stdlib_module_names) | {"crystalgraph", COLAB}
    undeclared = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in sorted((ROOT / "crystalgraph").rglob("*.py"))
        for name in imported_names(path)
        if DECLARED_AS.get(name, name).lower() not in known
    }
    assert not undeclared, "declare these in pyproject.toml and environment.yml"


def test_start_needs_the_standard_library_only():
    allowed = set(sys.stdlib_module_names) | {"crystalgraph"}
    assert set(imported_names(ROOT / "start.py")) <= allowed
    for name in ("cli.py", "errors.py", "__init__.py"):  # what start.py imports of the package
        assert set(imported_names(ROOT / "crystalgraph" / name)) <= allowed
