"""docs/instructors.md: every command runs as it stands there and prints what it says."""

import os
import re
import shutil
import zipfile

import pytest
from console import console_steps, missing_line, run_steps
from course_copy import copy_course, hand_in

from crystalgraph.checks.tasks import TASKS, task_table
from crystalgraph.paths import REPO

GUIDE = REPO / "docs" / "instructors.md"
HAND_INS = {"s001": set(TASKS), "s002": {"1.1", "2.3"}}


def test_the_comparison_notices():
    assert not missing_line(["a", "...", "b: ... files"], "a\nx\nb: 12 files\n")
    assert missing_line(["b", "a"], "a\nb\n") == "a"
    assert missing_line(["b: 13 files"], "b: 12 files") == "b: 13 files"


@pytest.fixture
def course(tmp_path):
    """A course's folder with the tools, and two zips to collect."""
    course = copy_course(tmp_path / "course")
    for name in ("tools/release.py", "README.md"):
        if (REPO / name).exists():
            (course / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(REPO / name, course / name)
    archive = course / "downloaded" / "hw" / "archive"
    archive.mkdir(parents=True)
    for student, solved in HAND_INS.items():
        folder = hand_in(course, student, solved)
        with zipfile.ZipFile(archive / f"hw_{student}.zip", "w") as zipped:
            for path in sorted(folder.iterdir()):
                zipped.write(path, path.name)
    shutil.rmtree(course / "submitted")
    return course


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="nbgrader is not made for Windows, the guide says")
def test_the_instructors_guide_does_what_it_says(course):
    steps = console_steps(GUIDE.read_text(encoding="utf-8"))
    assert len(steps) >= 9
    run_steps(steps, course)


def test_the_guides_points_are_those_of_the_table():
    text = " ".join(GUIDE.read_text(encoding="utf-8").split())
    needed = sum(task.points for task in TASKS.values() if not task.bonus)
    bonus = sum(task.points for task in TASKS.values() if task.bonus)
    assert f"give {needed} points and {bonus} bonus points" in text
    assert f"counts {needed + bonus} into the maximum" in text
    assert f"hw,s002,{float(sum(TASKS[one].points for one in HAND_INS['s002']))}" in text
    assert f"Together {needed} points" in task_table()


@pytest.mark.parametrize("page", sorted((REPO / "docs").glob("*.md")), ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
