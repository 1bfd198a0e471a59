"""docs/grading.md: every command runs as it stands there and prints what it says."""

import re
import shutil
import socket
import zipfile

import pytest
from console import console_steps, run_steps
from course_copy import copy_package, edit_code, hand_in, set_addresses

from crystalgraph.grading.result import Status
from crystalgraph.labs import LABS
from crystalgraph.paths import REPO

HW = LABS["hw"]
GUIDE = (REPO / "docs" / "grading.md").read_text(encoding="utf-8")
HAND_INS = {
    "s001": set(HW.tasks),
    "s002": {"1.1", "2.3"},
    "s003": set(HW.tasks),
    "s004": set(HW.tasks),
}
CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Homework (4711)\n    Points Possible,,,,,161\n"
)


def pack(folder, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w") as zipped:
        for path in sorted(folder.iterdir()):
            zipped.write(path, path.name)


@pytest.fixture
def course(tmp_path):
    """A course's folder with library and tools, four zips, a later one, and Canvas's table."""
    course = copy_package(tmp_path / "course")
    shutil.copytree(REPO / "tools", course / "tools", ignore=shutil.ignore_patterns("*/"))
    for name in ("LICENSE", "setup.py", "start.py"):
        shutil.copyfile(REPO / name, course / name)
    set_addresses(course)
    folders = {name: hand_in(course, name, solved) for name, solved in HAND_INS.items()}
    edit_code(folders["s003"] / HW.model_file, "-torch.inf", "0.0")
    notebook = folders["s003"] / "1_from_salt_to_graph.ipynb"
    notebook.rename(notebook.with_name(f"Copy of {notebook.name}"))
    pack(folders["s004"], course / "later" / "hw_s004.zip")
    (folders["s004"] / HW.model_file).unlink()
    for name, folder in folders.items():
        pack(folder, course / "downloaded" / "hw" / "archive" / f"hw_{name}.zip")
    shutil.rmtree(course / "submitted")
    rows = [f"Name,{number},,{name},A,\n" for number, name in enumerate(HAND_INS)]
    (course / "canvas.csv").write_text(CANVAS + "".join(rows))
    return course


@pytest.mark.nightly
def test_the_guide_does_what_it_says(course):
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = str(one.getsockname()[1])
    steps = console_steps(GUIDE.replace("8786", port))
    assert len(steps) >= 15
    run_steps(steps, course)


def test_every_status_is_explained():
    table = GUIDE[GUIDE.index("| status |") : GUIDE.index("Points and comments")]
    assert set(re.findall(r"\b[A-Z][A-Z_]+\b", table)) == set(Status)


def test_the_guides_points_are_those_of_the_table():
    needed = HW.max_points
    assert f"Points are out of {needed}," in GUIDE
    assert f"**{HW.total_points}** is the total" in " ".join(GUIDE.split())
    few = sum(HW.task(task).points for task in HAND_INS["s002"])
    assert f"s002,PARTIAL,{few},{needed}" in GUIDE
