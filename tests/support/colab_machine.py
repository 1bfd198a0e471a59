"""A machine like Colab's: PyTorch, NumPy and Matplotlib are there, pymatgen and the course not."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from packaging.requirements import Requirement

from crystalgraph.labs import LABS
from crystalgraph.paths import REPO
from crystalgraph.releasing.address import students_repository
from crystalgraph.releasing.students_copy import write_folder

HW = LABS["hw"]
PUBLISHED = f"https://github.com/{students_repository(REPO)}"
"""The course's address, as badges and set-up cells have it."""
THERE = ("torch", "numpy", "scipy", "pandas", "scikit-learn", "matplotlib", "plotly", "tqdm")
THERE += ("ipykernel", "ipywidgets", "nbformat", "packaging", "pip", "setuptools")
"""What Colab has before a notebook is run."""
DRIVE_STUB = """
import os
from pathlib import Path


def mount(mountpoint):
    Path(mountpoint).mkdir()
    (Path(mountpoint) / "MyDrive").symlink_to(os.environ["DRIVE"])
    print(f"Mounted at {mountpoint}")
"""


def with_dependencies(names: tuple[str, ...]) -> set[str]:
    """Names of installed packages and of all that they need."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop().lower().replace("_", "-")
        if name in found:
            continue
        try:
            needs = [Requirement(line) for line in metadata.requires(name) or ()]
        except metadata.PackageNotFoundError:  # for another system
            continue
        found.add(name)
        left += [one.name for one in needs if not one.marker or one.marker.evaluate({"extra": ""})]
    return found


def link_packages(names: set[str], folder: Path) -> None:
    """Links to installed packages in a folder from which pip removes nothing."""
    folder.mkdir()
    for name in names:
        package = metadata.distribution(name)
        tops = {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}
        for top in tops:
            link = folder / top
            if not top.endswith(".pth") and not link.exists():
                link.symlink_to(Path(package.locate_file(top)).resolve())


def course_repository(folder: Path) -> Path:
    """A git repository with what students get, as the course publishes it."""
    repository = folder / "course"
    write_folder(REPO, repository)
    git(repository, "init", "--quiet", "--initial-branch", "main")
    commit(repository)
    return repository


def commit(repository: Path) -> None:
    """Everything that is there, as one more commit."""
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "Homework")


def git(repository: Path, *arguments: str) -> None:
    who = ("-c", "user.name=Instructor", "-c", "user.email=instructor@example.org")
    subprocess.run(["git", "-C", str(repository), *who, *arguments], check=True)


@dataclass
class Machine:
    """One machine with an empty /content; several share an environment and a Drive.

    Attributes:
        python: of its environment.
        content: stands for /content.
        drive: the user's Google Drive.
        address: the course's repository.
    """

    python: Path
    content: Path
    drive: Path
    address: str

    def notebook(self, name: str, cells: int = 10**6, flag: bool = False) -> nbformat.NotebookNode:
        """Put a released notebook into the empty folder, and read its first cells.

        Args:
            name: of the notebook.
            cells: how many.
            flag: KEEP_ON_DRIVE.
        """
        self.content.mkdir(exist_ok=True)
        text = (HW.release() / name).read_text(encoding="utf-8")
        notebook = nbformat.reads(text, as_version=4)
        (set_up,) = (cell for cell in notebook.cells if cell.id == "set-up")
        assert PUBLISHED in set_up.source
        set_up.source = set_up.source.replace(PUBLISHED, self.address)
        set_up.source = set_up.source.replace("/content/", f"{self.content}/")
        set_up.source = re.sub(r"^KEEP_ON_DRIVE = False", f"KEEP_ON_DRIVE = {flag}", set_up.source)
        nbformat.write(notebook, self.content / name)
        notebook.cells = notebook.cells[:cells]
        return notebook

    def run(self, notebook: nbformat.NotebookNode, colab: bool = True, **variables: str) -> None:
        """Execute a notebook in a kernel of this machine, past errors."""
        kernels = self.python.parent.parent / "kernels"
        argv = [str(self.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        if colab:
            argv.append("--IPKernelApp.exec_lines=import google.colab")
        spec = {"argv": argv, "display_name": "Colab", "language": "python"}
        (kernels / "colab").mkdir(parents=True, exist_ok=True)
        (kernels / "colab" / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
        found = KernelSpecManager(kernel_dirs=[str(kernels)], ensure_native_kernel=False)
        manager = AsyncKernelManager(kernel_name="colab", kernel_spec_manager=found)
        where = {"metadata": {"path": str(self.content)}}
        client = NotebookClient(notebook, km=manager, timeout=600, allow_errors=True)
        client.resources = where
        client.owns_km = True  # so that it stops the kernel when it is done
        client.execute(env=self.environment() | variables)

    def environment(self) -> dict[str, str]:
        """Variables of a process on this machine."""
        own = ("CRYSTALGRAPH", "PYTHON", "NBGRADER", "VIRTUAL_ENV", "PYTEST")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        path = os.pathsep.join([str(self.python.parent), os.environ["PATH"]])
        settings = {name: str(self.python.parent.parent / name) for name in ("IPYTHONDIR",)}
        return kept | settings | {"DRIVE": str(self.drive), "PATH": path, "OMP_NUM_THREADS": "1"}

    def call(self, code: str, **variables: str) -> subprocess.CompletedProcess:
        """Python code in the machine's environment."""
        command = [str(self.python), "-c", code]
        environment = self.environment() | variables
        where = self.content if self.content.exists() else self.content.parent
        return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=where)

    def versions(self) -> dict[str, str]:
        """Every installed package and its version."""
        code = "import json; from importlib import metadata as m; found = {}\n"
        code += "for d in m.distributions(): found.setdefault(d.metadata['Name'], d.version)\n"
        done = self.call(code + "print(json.dumps(found))")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def make_environment(folder: Path, packages: tuple[str, ...]) -> Path:
    """A Python environment like Colab's, with a google.colab of ours.

    Args:
        folder: of the environment.
        packages: that it has, with all that they need.

    Returns:
        Its interpreter.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    link_packages(with_dependencies(packages), folder.parent / f"{folder.name}-packages")
    stub = folder.parent / f"{folder.name}-google" / "google" / "colab"
    stub.mkdir(parents=True)
    (stub / "__init__.py").write_text("")
    (stub / "drive.py").write_text(DRIVE_STUB)
    (site,) = folder.glob("lib/python*/site-packages")
    lines = [str(folder.parent / f"{folder.name}-{part}") for part in ("packages", "google")]
    (site / "colab.pth").write_text("\n".join(lines))
    return folder / "bin" / "python"


def git_is_there() -> bool:
    """Whether there is a git to clone with."""
    return shutil.which("git") is not None
