"""The first cell of every notebook: ready to work, on one's own computer and in Colab.

In Colab the cell has fetched this repository before it can import this file; the rest is done
here: what Colab lacks is installed beside what it has, and the lab's model file is put where the
notebook finds it, on request on Google Drive. Before that is done only the standard library is
imported.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from crystalgraph.checking.autograding import autograding
from crystalgraph.course.colab import CONTENT, SetUpFailed, in_colab, open_drive
from crystalgraph.course.hand_out import HandedOut, fingerprint, hand_out, read_record
from crystalgraph.course.under_nbgrader import save_seconds
from crystalgraph.labs.lab import Lab
from crystalgraph.paths import REPO

NEEDED = ("torch", "numpy", "scipy", "pandas", "scikit-learn", "matplotlib", "plotly", "tqdm")
NEEDED += ("nbformat", "pymatgen", "pymatviz")
"""What the notebooks import; the rest of pyproject.toml's list is for JupyterLab and grading."""
NEVER_CHANGED = ("torch", "numpy", "matplotlib")
"""Colab's own builds, made for its machines and loaded before the first cell runs."""
HELD = (*NEVER_CHANGED, "scipy", "pandas", "scikit-learn", "ipython", "ipykernel", "ipywidgets")
"""Changed only if pip finds no other way. Holding small packages too (tqdm, say) is no good: pip
then goes back to an old pymatgen, which warns about its newer dependencies in every cell."""


def set_up(lab: Lab, keep_on_drive: bool = False) -> None:
    """Make the notebook's machine ready, and say what it is.

    Where nobody has imported PyTorch yet, it is set to the faster of one thread and all. Otherwise
    the number may be the student's own, and stays.

    Args:
        lab: that the notebook belongs to.
        keep_on_drive: in Colab, whether the student's files live on Google Drive.

    Raises:
        SetUpFailed: what is missing could not be installed, or Drive could not be opened.
    """
    threads_are_ours = "torch" not in sys.modules
    if autograding():
        save_seconds()
    if in_colab():
        update_course(REPO)
        install_missing(lab.extras)
        folder = open_drive(lab) if keep_on_drive else CONTENT
        if lab.model_file is not None:
            place_model(lab, lab.model_file, folder, keep_on_drive)
        enter(folder)
    else:
        print(local_notes(lab, Path.cwd(), keep_on_drive), end="")
    if threads_are_ours:
        choose_threads()
    print(f"Ready: {describe_device()}.")


def choose_threads() -> None:
    """Let PyTorch work on one thread, or on all where that is clearly faster."""
    from crystalgraph.networks.threads import keep_faster

    keep_faster()


def describe_device() -> str:
    """Versions of Python and PyTorch, and what the networks train on."""
    import torch

    from crystalgraph.networks.training import pick_device

    device = pick_device()
    n_threads = torch.get_num_threads()
    if device.type == "cuda":
        name = f" ({torch.cuda.get_device_name()})"
    else:
        name = f" ({n_threads} thread{'s' * (n_threads > 1)})"
    python = ".".join(map(str, sys.version_info[:2]))
    return f"Python {python}, PyTorch {torch.__version__}, networks train on {device}{name}"


def local_notes(lab: Lab, folder: Path, keep_on_drive: bool) -> str:
    """What a student outside of Colab should know; often nothing.

    Args:
        lab: that the notebook belongs to.
        folder: the notebook's.
        keep_on_drive: the flag of the set-up cell.
    """
    notes = []
    if folder == lab.release():
        notes.append(
            f"This is the course's own copy, {folder}, and the next update overwrites it: "
            f"`python3 start.py lab {lab.id}` opens yours, in work/{lab.id}.\n"
        )
    elif (name := lab.model_file) and not ((folder / name).exists() or folder.is_relative_to(REPO)):
        hand_out(lab.release(), folder, [name])
        notes.append(f"A fresh {name} is now beside this notebook, in {folder}.\n")
    if keep_on_drive:
        notes.append(f"KEEP_ON_DRIVE is for Colab; here your files are in {folder}.\n")
    return "".join(notes)


# --- the course's code ---------------------------------------------------------------------------


def update_course(repo: Path) -> None:
    """Fetch what is new in the course's repository since this machine got it."""
    before = git(repo, "rev-parse", "HEAD")
    if git(repo, "pull", "--quiet", "--ff-only") is None:
        print("The course's repository does not answer: going on with the code that is here.")
    elif git(repo, "rev-parse", "HEAD") != before:
        print(
            "The course's code has been updated: choose Runtime > Restart session, then run this "
            "notebook from the top."
        )


def git(repo: Path, *arguments: str) -> str | None:
    """What a git command prints; None when it fails."""
    command = ["git", "-C", str(repo), *arguments]
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


# --- packages ------------------------------------------------------------------------------------


def install_missing(extras: Sequence[str] = (), pyproject: Path = REPO / "pyproject.toml") -> None:
    """Install what the notebooks need and Colab lacks; everything else keeps its version.

    Args:
        extras: optional dependencies; where they cannot be had, the rest is installed without.
        pyproject: where dependencies stand.

    Raises:
        SetUpFailed: pip cannot, without changing a package of NEVER_CHANGED.
    """
    wanted = missing_requirements(pyproject, extras)
    if not wanted:
        return
    names = [re.split(r"[^\w.-]", line)[0] for line in wanted]
    print(f"Installing {', '.join(names)} (a minute or less) ...", flush=True)
    for packages in ([name for name in HELD if name not in names], NEVER_CHANGED):
        held = {name: version for name in packages if (version := installed(name))}
        if not (problem := pip_install(wanted, held)):
            importlib.invalidate_caches()
            return
    if extras:
        print("That failed; once more without what the lab can do without.", flush=True)
        install_missing((), pyproject)
        return
    raise SetUpFailed(
        f"{', '.join(names)} could not be installed beside this machine's "
        f"{', '.join(NEVER_CHANGED)}; run this cell again, and if that does not help show your "
        f"instructor what pip says: {problem}"
    )


def missing_requirements(pyproject: Path, extras: Sequence[str] = ()) -> list[str]:
    """Lines of pyproject.toml for packages of NEEDED and of extras that are absent or out of range.

    A package of NEVER_CHANGED that is there counts as good, whatever its version.
    """
    from packaging.requirements import Requirement

    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    lines = [line for line in project["dependencies"] if Requirement(line).name in NEEDED]
    lines += [line for extra in extras for line in project["optional-dependencies"][extra]]
    missing = []
    for line in lines:
        requirement = Requirement(line)
        version = installed(requirement.name)
        fits = version and requirement.specifier.contains(version, prereleases=True)
        if not (fits or (version and requirement.name in NEVER_CHANGED)):
            missing.append(line)
    return missing


def installed(name: str) -> str | None:
    """The installed version of a package; None when it is absent."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def pip_install(requirements: list[str], held: dict[str, str]) -> str:
    """Install packages while others keep their versions.

    Args:
        requirements: as in pyproject.toml.
        held: package -> version, pip's constraints.

    Returns:
        "" or pip's reason for doing nothing.
    """
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "installed.txt"
        lines = [f"{name}=={version}\n" for name, version in held.items()]
        constraints.write_text("".join(lines), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input"]
        command += ["--disable-pip-version-check", "--constraint", str(constraints)]
        done = subprocess.run([*command, *requirements], capture_output=True, text=True)
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    messages = errors or done.stderr.strip().splitlines() or ["nothing"]
    return "" if done.returncode == 0 else messages[-1]


# --- the student's file --------------------------------------------------------------------------


def enter(folder: Path) -> None:
    """Make a folder the current one, and the first in which modules are looked for."""
    os.chdir(folder)
    sys.path[:] = [str(folder), *(one for one in sys.path if one != str(folder))]


def place_model(lab: Lab, name: str, folder: Path, on_drive: bool, content: Path = CONTENT) -> None:
    """Put the lab's model file into the student's folder unless it is there.

    Args:
        lab: whose model file.
        name: of the file.
        folder: Colab's own, or the lab's folder on Drive.
        on_drive: which of the two.
        content: Colab's own folder.
    """
    moved = on_drive and bring_to_drive(content / name, folder / name, lab.release() / name)
    done = hand_out(lab.release(), folder, [name])
    loaded = sys.modules.get(Path(name).stem)
    if loaded is not None and getattr(loaded, "__file__", None) != str(folder / name):
        del sys.modules[Path(name).stem]  # read from another folder before the flag was changed
    print(describe_model(name, done, on_drive, moved))


def bring_to_drive(here: Path, there: Path, released: Path) -> bool:
    """Take the work along that was done before Drive was asked for; never over another file.

    Args:
        here: the file in Colab's own folder.
        there: its place on Drive.
        released: as it is handed out.

    Returns:
        Whether the file was taken along.
    """
    known = read_record(here.parent).get(here.name, [])
    if not here.exists() or fingerprint(here) in [*known, fingerprint(released)]:
        return False
    if not there.exists():
        shutil.copyfile(here, there)
        return True
    if fingerprint(here) != fingerprint(there):
        print(f"There are two: {there} counts from now on, and {here} is left as it is.")
    return False


def describe_model(name: str, done: HandedOut, on_drive: bool, moved: bool = False) -> str:
    """Where the student's model file is, what was done to it, and how long it will be there.

    Args:
        name: of the file.
        done: what was handed out.
        on_drive: whether it is on Drive.
        moved: whether it was copied there from Colab's own folder.
    """
    if moved:
        what = "yours, copied from this machine"
    elif done.new:
        what = "a fresh one"
    elif done.updated:
        what = "updated, as you had not changed it"
    elif done.beside:
        new = done.beside[name]
        see = f"`!diff {done.folder / name} {done.folder / new}` shows what differs"
        what = f"yours; the course's new version lies beside it: {new} ({see})"
    else:
        what = "as you left it"
    file = f"{done.folder / name}: {what}."
    if on_drive:
        return f"{file} It is on your Google Drive, for every notebook and every machine."
    return f"{file} It will be gone with this machine: KEEP_ON_DRIVE = True keeps it."
