"""docs/instructors.md: every command runs as it stands there and prints what it says."""

import os
import re
import shutil
import zipfile

import pytest
from console import console_steps, missing_line, run_steps
from course_copy import copy_package, hand_in, set_addresses

from crystalgraph.labs import LABS
from crystalgraph.paths import REPO
from crystalgraph.releasing.task_table import task_table

HW = LABS["hw"]
GUIDE = REPO / "docs" / "instructors.md"
HAND_INS = {"s001": set(HW.tasks), "s002": {"1.1", "2.3"}}
PAGES = [*sorted((REPO / "docs").glob("*.md")), *sorted(REPO.glob("*.md"))]


def test_the_comparison_notices():
    assert not missing_line(["a", "...", "b: ... files"], "a\nx\nb: 12 files\n")
    assert missing_line(["b", "a"], "a\nb\n") == "a"
    assert missing_line(["b: 13 files"], "b: 12 files") == "b: 13 files"


@pytest.fixture
def course(tmp_path):
    """A course's folder with its library, and two zips to collect."""
    course = copy_package(tmp_path / "course")
    for name in STUDENTS_ALSO_GET:
        source = REPO / name
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, course / name)
    set_addresses(course)
    archive = course / "downloaded" / "hw" / "archive"
    archive.mkdir(parents=True)
    for student, solved in HAND_INS.items():
        folder = hand_in(course, student, solved)
        with zipfile.ZipFile(archive / f"hw_{student}.zip", "w") as zipped:
            for path in sorted(folder.iterdir()):
                zipped.write(path, path.name)
    shutil.rmtree(course / "submitted")
    return course


STUDENTS_ALSO_GET = (
    "LICENSE",
    "setup.py",
    "start.py",
    "requirements.lock",
    "docs/pictures",
)


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="nbgrader is not made for Windows, the guide says")
def test_the_instructors_guide_does_what_it_says(course):
    steps = console_steps(GUIDE.read_text(encoding="utf-8"))
    assert len(steps) >= 9
    run_steps(steps, course)


def test_the_guides_points_are_those_of_the_table():
    text = " ".join(GUIDE.read_text(encoding="utf-8").split())
    bonus = sum(task.points for task in HW.tasks.values() if task.bonus)
    assert f"give {HW.max_points} points and the written questions {HW.written_points}" in text
    assert f"**{HW.total_points}** is the total to enter" in text
    assert f"The bonus gives up to {bonus} more." in text
    assert f"into its maximum and shows {HW.total_points + bonus}." in text
    assert f"hw,s002,{float(sum(HW.task(one).points for one in HAND_INS['s002']))}" in text
    assert f"{HW.max_points} for the tasks" in task_table([HW])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=lambda page: page.name
)
def test_files_that_pages_name_exist(page):
    """Paths of the project that stand in `code`; LAB and ps1 stand for any lab."""
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`((?:crystalgraph|tests|tools|benchmarks|docs)/[\w./-]+)`", text)
    for path in named:
        example = {"LAB", "ps1"} & set(path.split("/"))
        assert example or (REPO / path).exists(), path


def test_the_pages_and_the_notebooks_say_the_same_minutes():
    commentary = (REPO / "docs" / "commentary.md").read_text(encoding="utf-8")
    readme = (REPO / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d)\. [^|]+\| (\d+) \|", readme, re.M)
    assert [number for number, _ in rows] == [*HW.notebooks]
    for number, minutes in rows:
        text = (HW.solutions() / HW.notebooks[number]).read_text(encoding="utf-8")
        assert f"About {minutes} minutes" in text, number
        assert re.search(rf"notebook {number} (takes )?{minutes}\b", commentary), number
    hours = re.search(rf"^\| `{HW.id}` [^|]+\| (\d+) \|", readme, re.M)
    assert hours and int(hours[1]) == round(sum(int(minutes) for _, minutes in rows) / 60)
