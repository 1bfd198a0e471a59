"""What holds for every test: which are run, in what groups, with how many threads.

`python start.py test` runs the tests in two processes. What is in one group runs in one process,
so that what a module makes once is made once. A file is a group; in BY_LAB each lab has its own.
"""

import os

# Two processes on two cores: each must be content with one. Read when torch is imported.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import platform  # noqa: E402
import re  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

# How long an example takes says nothing on a computer that is busy with other tests.
settings.register_profile("any clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any clock")

TESTS = Path(__file__).resolve().parent

# What is started from here reads sitecustomize.py there.
QUICK_START = str(TESTS / "support" / "quick_start")
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [QUICK_START, os.environ.get("PYTHONPATH")])
)
sys.modules.setdefault("rfc3987_syntax", None)

# What takes minutes begins first, so that at the end neither process waits for the other.
LONGEST_FIRST = (
    "documents/test_docs_grading.py",
    "documents/test_docs.py",
    "labs/hw/test_hostile.py",
    "grading/test_grade_command.py",
    "releasing/test_nbgrader.py",
    "course/test_set_up.py",
    "grading/test_batch.py",
    "labs/hw/test_notebooks.py",
    "labs/defects/test_defects_notebooks.py",
    "grading/test_gradebook.py",
    "releasing/test_second_lab.py",
    "test_every_lab.py",
    "experiments/test_settings_in_force.py",
)

# These look at one term that stock nbgrader grades: the fixture below.
ONE_TERM = ("releasing/test_nbgrader.py", "grading/test_gradebook.py")

# This file has a group for each lab. The lab is the first word in [...] of a test's name.
BY_LAB = "test_every_lab.py"

# The sandbox is made of bubblewrap, and nbgrader itself does not run on Windows.
NEEDS_LINUX = (
    *(
        "sandbox",
        "grading",
        "builders",
        "labs/hw/test_hostile.py",
        "labs/symmetry/test_symmetry_hostile.py",
        "labs/trust/test_trust_hostile.py",
    ),
    *("documents/test_docs_grading.py", "releasing/test_second_lab.py"),
)
NEEDS_POSIX = ("releasing", "documents/test_docs.py", "documents/test_site.py")


def left_out(system: str) -> list[str]:
    """What cannot run on a system, as paths in tests/."""
    if system == "Linux":
        return []
    return [*NEEDS_LINUX, *(NEEDS_POSIX if system == "Windows" else ())]


collect_ignore = left_out(platform.system())


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare --nightly."""
    parser.addoption(
        "--nightly",
        action="store_true",
        help="also run what races a clock, installs from nothing or repeats whole notebooks",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out nightly tests, and put the longest groups first."""
    if not config.getoption("--nightly"):
        nightly = [item for item in items if item.get_closest_marker("nightly")]
        config.hook.pytest_deselected(items=nightly)
        items[:] = [item for item in items if not item.get_closest_marker("nightly")]
    items.sort(key=lambda item: turn(item.nodeid))  # stable: the order inside a file stays


def file_of(nodeid: str) -> str:
    """A test's file, as a path in tests/."""
    return nodeid.partition("::")[0].removeprefix("tests/")


def group_of(nodeid: str) -> str:
    """The group that a test runs in."""
    name = file_of(nodeid)
    if name in ONE_TERM:
        return "term"
    lab = re.search(r"\[(\w+)", nodeid)
    return f"{name} {lab[1]}" if lab and name == BY_LAB else name


def turn(nodeid: str) -> int:
    """Place of a test's file among those that take long; all others come behind."""
    name = file_of(nodeid)
    return LONGEST_FIRST.index(name) if name in LONGEST_FIRST else len(LONGEST_FIRST)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Give the groups to the processes (pytest-xdist's own --dist=loadgroup needs pytest < 9.2)."""
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return ByGroup(config, log)


@pytest.fixture(scope="session")
def term(tmp_path_factory: pytest.TempPathFactory):
    """A term that stock nbgrader has graded; nothing in it may be changed."""
    from graded_term import play_term

    return play_term(tmp_path_factory.mktemp("term"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    """Where CI=true promises that every tool is there, a skipped test is a failed one."""
    report = yield
    promised = os.environ.get("CI") == "true" and platform.system() == "Linux"
    if promised and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: with CI=true a skip is a failure. {reason}"
    return report
