"""The first cell of every notebook: ready to work, on one's own computer and in Colab.

In Colab the cell has fetched this repository before it can import this file; the rest is done
here: what Colab lacks is installed beside what it has, and model_hw.py is put where the notebook
finds it, on request on Google Drive. Before that is done only the standard library is imported.
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
from importlib import metadata
from pathlib import Path

from crystalgraph.autograding import autograding, make_haste
from crystalgraph.checks.tasks import MODEL_FILE
from crystalgraph.errors import CrystalGraphError, ShownPlainly
from crystalgraph.handout import HandedOut, fingerprint, hand_out, read_record
from crystalgraph.paths import RELEASE, REPO

CONTENT = REPO.parent
"""Colab's own folder, /content: the set-up cell puts the repository into it."""
DRIVE = CONTENT / "drive"
DRIVE_FOLDER = "crystalgraph_hw"
NEEDED = ("torch", "numpy", "scipy", "pandas", "scikit-learn", "matplotlib", "plotly", "tqdm")
NEEDED += ("nbformat", "pymatgen", "pymatviz")
"""What the notebooks import; the rest of pyproject.toml's list is for JupyterLab and grading."""
NEVER_CHANGED = ("torch", "numpy", "matplotlib")
"""Colab's own builds, made for its machines and loaded before the first cell runs."""
HELD = (*NEVER_CHANGED, "scipy", "pandas", "scikit-learn", "ipython", "ipykernel", "ipywidgets")
"""Changed only if pip finds no other way. Holding small packages too (tqdm, say) is no good: pip
then goes back to an old pymatgen, which warns about its newer dependencies in every cell."""
SEE_DIFFERENCE = "`!diff {0}/model_hw.py {0}/model_hw.new.py` shows what differs"


class SetUpFailed(ShownPlainly, CrystalGraphError):
    """The notebook cannot run here, and why."""


def set_up(keep_on_drive: bool = False) -> None:
    """Make the notebook's machine ready, and say what it is.

    Args:
        keep_on_drive: in Colab, whether model_hw.py lives on Google Drive.

    Raises:
        SetUpFailed: what is missing could not be installed, or Drive could not be opened.
    """
    if autograding():
        make_haste()
    if in_colab():
        update_course(REPO)
        install_missing()
        place_model(open_drive() if keep_on_drive else CONTENT, keep_on_drive)
    else:
        print(local_notes(Path.cwd(), keep_on_drive), end="")
    print(f"Ready: {describe_device()}.")


def in_colab() -> bool:
    """Whether this is a notebook in Google Colab."""
    return "google.colab" in sys.modules


def describe_device() -> str:
    """Versions of Python and PyTorch, and what the networks train on."""
    import torch

    from crystalgraph.training import pick_device

    device = pick_device()
    name = f" ({torch.cuda.get_device_name()})" if device.type == "cuda" else ""
    python = ".".join(map(str, sys.version_info[:2]))
    return f"Python {python}, PyTorch {torch.__version__}, networks train on {device}{name}"


def local_notes(folder: Path, keep_on_drive: bool) -> str:
    """What a student outside of Colab should know; often nothing.

    Args:
        folder: the notebook's.
        keep_on_drive: the flag of the set-up cell.
    """
    notes = []
    if folder == RELEASE:
        notes.append(
            f"This is the course's own copy, {folder}, and the next update overwrites it: "
            "`python3 start.py lab` opens yours, in work/hw.\n"
        )
    elif not (folder / MODEL_FILE).exists() and not folder.is_relative_to(REPO):
        hand_out(RELEASE, folder, [MODEL_FILE])
        notes.append(f"A fresh {MODEL_FILE} is now beside this notebook, in {folder}.\n")
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


def install_missing(pyproject: Path = REPO / "pyproject.toml") -> None:
    """Install what the notebooks need and Colab lacks; everything else keeps its version.

    Raises:
        SetUpFailed: pip cannot, without changing a package of NEVER_CHANGED.
    """
    wanted = missing_requirements(pyproject)
    if not wanted:
        return
    names = [re.match(r"[\w.-]+", line)[0] for line in wanted]
    print(f"Installing {', '.join(names)} (a minute or less) ...", flush=True)
    for packages in ([name for name in HELD if name not in names], NEVER_CHANGED):
        held = {name: version for name in packages if (version := installed(name))}
        if not (said := pip_install(wanted, held)):
            importlib.invalidate_caches()
            return
    raise SetUpFailed(
        f"{', '.join(names)} could not be installed beside this machine's "
        f"{', '.join(NEVER_CHANGED)}; run this cell again, and if that does not help show your "
        f"instructor what pip says: {said}"
    )


def missing_requirements(pyproject: Path) -> list[str]:
    """Lines of pyproject.toml for packages of NEEDED that are absent or out of range.

    A package of NEVER_CHANGED that is there counts as good, whatever its version.
    """
    from packaging.requirements import Requirement

    lines = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["dependencies"]
    missing = []
    for line in lines:
        requirement = Requirement(line)
        version = installed(requirement.name)
        fits = version and requirement.specifier.contains(version, prereleases=True)
        good = fits or (version and requirement.name in NEVER_CHANGED)
        if requirement.name in NEEDED and not good:
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
    said = errors or done.stderr.strip().splitlines() or ["nothing"]
    return "" if done.returncode == 0 else said[-1]


# --- the student's file --------------------------------------------------------------------------


def open_drive() -> Path:
    """Connect Google Drive, which asks for permission, and make the homework's folder on it.

    Raises:
        SetUpFailed: Drive cannot be opened.
    """
    if not (DRIVE / "MyDrive").is_dir():
        from google.colab import drive

        try:
            drive.mount(str(DRIVE))
        except Exception as error:  # Colab documents none; a refused permission is one
            raise SetUpFailed(
                f"Google Drive was not opened ({error}): run this cell again and allow it, or set "
                "KEEP_ON_DRIVE = False."
            ) from error
    folder = DRIVE / "MyDrive" / DRIVE_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def place_model(folder: Path, on_drive: bool) -> None:
    """Put model_hw.py into the student's folder unless it is there, and make that the current one.

    Args:
        folder: CONTENT, or the homework's folder on Drive.
        on_drive: which of the two.
    """
    moved = on_drive and bring_to_drive(CONTENT / MODEL_FILE, folder / MODEL_FILE)
    done = hand_out(RELEASE, folder, [MODEL_FILE])
    os.chdir(folder)
    sys.path[:] = [str(folder), *(one for one in sys.path if one != str(folder))]
    loaded = sys.modules.get("model_hw")
    if loaded is not None and getattr(loaded, "__file__", None) != str(folder / MODEL_FILE):
        del sys.modules["model_hw"]  # read from another folder before the flag was changed
    print(describe_model(done, on_drive, moved))


def bring_to_drive(here: Path, there: Path) -> bool:
    """Take the work along that was done before Drive was asked for; never over another file.

    Returns:
        Whether the file was taken along.
    """
    known = read_record(here.parent).get(MODEL_FILE, [])
    if not here.exists() or fingerprint(here) in [*known, fingerprint(RELEASE / MODEL_FILE)]:
        return False
    if not there.exists():
        shutil.copyfile(here, there)
        return True
    if fingerprint(here) != fingerprint(there):
        print(f"There are two: {there} counts from now on, and {here} is left as it is.")
    return False


def describe_model(done: HandedOut, on_drive: bool, moved: bool = False) -> str:
    """Where the student's model_hw.py is, what was done to it, and how long it will be there."""
    if moved:
        what = "yours, copied from this machine"
    elif done.new:
        what = "a fresh one"
    elif done.updated:
        what = "updated, as you had not changed it"
    elif done.beside:
        see = SEE_DIFFERENCE.format(done.folder)
        what = f"yours; the course's new version lies beside it: {done.beside[MODEL_FILE]} ({see})"
    else:
        what = "as you left it"
    said = f"{done.folder / MODEL_FILE}: {what}."
    if on_drive:
        return f"{said} It is on your Google Drive, for every notebook and every machine."
    return f"{said} It will be gone with this machine: KEEP_ON_DRIVE = True keeps it."
